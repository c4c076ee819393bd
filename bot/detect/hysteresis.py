"""N of M with a hold: something is bad after N bad observations among the last M, and good again when that lasts.

| state  | bad observation             | good observation                 | unknown |
|--------|-----------------------------|----------------------------------|---------|
| clear  | N of the last M: OPENED     | stays                            | stays   |
| open   | stays                       | K good ones in a row: RECOVERED  | stays   |
| held   | within the hold: RELAPSED   | after the hold: CLEARED          | stays   |

An observation that could not be made says nothing: it takes a place among the last M, but it neither opens nor
closes, and it does not end a row of good ones. Whatever flaps faster than the hold is one episode.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any


class Verdict(StrEnum):
    """What one observation says."""

    BAD = "bad"
    GOOD = "good"
    UNKNOWN = "unknown"


class State(StrEnum):
    CLEAR = "clear"
    OPEN = "open"
    HELD = "held"
    """Recovered, but not long enough to be believed."""


class Change(StrEnum):
    """What an observation changes."""

    OPENED = "opened"
    RECOVERED = "recovered"
    RELAPSED = "relapsed"
    CLEARED = "cleared"


@dataclass(frozen=True, slots=True)
class Rule:
    """Bad after `bad` of the last `of`; recovered after `good` in a row; over when that has lasted for `hold`."""

    bad: int = 2
    of: int = 3
    good: int = 2
    hold: timedelta = timedelta()

    def __post_init__(self) -> None:
        if not 1 <= self.bad <= self.of or self.good < 1 or self.hold < timedelta():
            raise ValueError(
                f"{self.bad} of {self.of} bad, {self.good} good, hold {self.hold}: "
                "write 1 <= bad <= of, good >= 1 and hold >= 0"
            )


@dataclass(frozen=True, slots=True)
class Memory:
    """All that is remembered between observations."""

    state: State = State.CLEAR
    recent: tuple[Verdict, ...] = ()
    """The last M verdicts while clear, oldest first; a new episode starts without those of the last one."""
    good_row: int = 0
    recovered_at: datetime | None = None

    def to_json(self) -> dict[str, Any]:
        """As plain JSON data; `from_json` reads it."""
        return {
            "state": self.state.value,
            "recent": [verdict.value for verdict in self.recent],
            "good_row": self.good_row,
            "recovered_at": self.recovered_at.isoformat() if self.recovered_at else None,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any] | None) -> "Memory":
        """The memory that `to_json` wrote; an empty one for None."""
        if not data:
            return cls()
        recovered_at = data.get("recovered_at")
        return cls(
            State(data.get("state", State.CLEAR)),
            tuple(Verdict(verdict) for verdict in data.get("recent", ())),
            int(data.get("good_row", 0)),
            datetime.fromisoformat(recovered_at) if recovered_at else None,
        )


def observe(memory: Memory, verdict: Verdict, at: datetime, rule: Rule) -> tuple[Memory, Change | None]:
    """Take in one observation; at most one change follows, and never from an unknown one."""
    return _STEPS[memory.state](memory, verdict, at, rule)


def _clear(memory: Memory, verdict: Verdict, _at: datetime, rule: Rule) -> tuple[Memory, Change | None]:
    recent = (*memory.recent, verdict)[-rule.of :]
    if verdict is Verdict.BAD and recent.count(Verdict.BAD) >= rule.bad:
        return Memory(State.OPEN), Change.OPENED
    return replace(memory, recent=recent), None


def _open(memory: Memory, verdict: Verdict, at: datetime, rule: Rule) -> tuple[Memory, Change | None]:
    if verdict is Verdict.UNKNOWN:
        return memory, None
    good_row = memory.good_row + 1 if verdict is Verdict.GOOD else 0
    if good_row >= rule.good:
        return Memory(State.HELD, recovered_at=at), Change.RECOVERED
    return replace(memory, good_row=good_row), None


def _held(memory: Memory, verdict: Verdict, at: datetime, rule: Rule) -> tuple[Memory, Change | None]:
    if verdict is Verdict.UNKNOWN:
        return memory, None
    over = memory.recovered_at is None or at - memory.recovered_at >= rule.hold
    if verdict is Verdict.GOOD:
        return (Memory(recent=(verdict,)), Change.CLEARED) if over else (memory, None)
    if over:  # the last episode ended unseen: this is the first observation of a possible new one
        return _clear(Memory(), verdict, at, rule)
    return Memory(State.OPEN), Change.RELAPSED


_STEPS = {State.CLEAR: _clear, State.OPEN: _open, State.HELD: _held}
