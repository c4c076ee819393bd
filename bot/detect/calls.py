"""When a system's own calls are bad: too large a share of provider errors, or too slow, over enough calls. Pure.

The window is the rule's memory of the past, so one bad window opens. Recovery asks for less than half of what opens,
and enough calls to tell: by the window, or by all calls since it was last bad. A route on which nothing is called any
more tells nothing, so it stays as it was. What comes back within the hold is the same episode.

| state | bad window         | good window or good calls since | anything else |
|-------|--------------------|---------------------------------|---------------|
| clear | OPENED             | stays                           | stays         |
| open  | stays              | RECOVERED                       | stays         |
| held  | RELAPSED or OPENED | after the hold: CLEARED         | stays         |

A minute is taken in once; when more calls of a past window arrive late, it may still open, but nothing else.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from bot.catalog.models import CallsWatch
from bot.detect import hysteresis
from bot.detect.hysteresis import Change, Memory, State, Verdict
from bot.trail.calls import ErrorClass

PROVIDER_ERRORS = frozenset(
    {
        ErrorClass.TIMEOUT,
        ErrorClass.RATE_LIMIT,
        ErrorClass.OVERLOADED,
        ErrorClass.SERVER,
        ErrorClass.AUTH,
        ErrorClass.MODEL_GONE,
        ErrorClass.TRANSPORT,
        ErrorClass.MALFORMED_BODY,
    }
)
"""What counts. A bad request is the caller's own, and a truncated, filtered or malformed output is an answer."""

GOOD_SHARE = 0.5
"""The part of the threshold under which the share of errors must fall to be good again."""
GOOD_P95 = 0.8
"""The part of the limit under which the 95th percentile must fall to be good again."""
HOLD = timedelta(minutes=5)
"""How long a recovery must last before the episode is over."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Calls of one route and provider over some minutes."""

    calls: int = 0
    by_class: Mapping[ErrorClass, int] = field(default_factory=dict)
    p95: timedelta | None = None

    @property
    def failed(self) -> int:
        """Calls with an error of the provider."""
        return sum(count for error_class, count in self.by_class.items() if error_class in PROVIDER_ERRORS)

    @property
    def share(self) -> float:
        return self.failed / self.calls if self.calls else 0.0

    @property
    def malformed(self) -> int:
        """Answers that came, but not in the form that was asked for; not among the failed."""
        return self.by_class.get(ErrorClass.MALFORMED_OUTPUT, 0)


@dataclass(frozen=True, slots=True)
class Rule:
    """Bad at this share of errors or from this 95th percentile on, over at least so many calls."""

    share: float = 0.2
    minimum: int = 20
    p95: timedelta | None = None
    hold: timedelta = HOLD

    @classmethod
    def of(cls, watch: CallsWatch) -> "Rule":
        return cls(watch.error_share, watch.minimum, watch.p95)

    def judge(self, counts: Counts) -> Verdict:
        """Bad, good, or unknown: too few calls, or between bad and good."""
        if counts.calls < max(self.minimum, 1):
            return Verdict.UNKNOWN
        if counts.share >= self.share or self.is_slow(counts):
            return Verdict.BAD
        if counts.share <= self.share * GOOD_SHARE and not self.is_slow(counts, GOOD_P95):
            return Verdict.GOOD
        return Verdict.UNKNOWN

    def is_slow(self, counts: Counts, part: float = 1.0) -> bool:
        """Whether the 95th percentile has come to this part of its limit."""
        return self.p95 is not None and counts.p95 is not None and counts.p95 >= self.p95 * part


@dataclass(frozen=True, slots=True)
class Watched:
    """All that is remembered of a route and provider between two looks."""

    memory: Memory = field(default_factory=Memory)
    minute: int = -1
    """Minutes since 1970: the last one that was taken in."""
    calls_since: int = 0
    """Calls since the window was last bad, while open; and how many of them failed."""
    failed_since: int = 0

    @property
    def is_bad(self) -> bool:
        return self.memory.state is State.OPEN

    def to_json(self) -> dict[str, Any]:
        """As plain JSON data; `from_json` reads it."""
        return {
            "memory": self.memory.to_json(),
            "minute": self.minute,
            "calls_since": self.calls_since,
            "failed_since": self.failed_since,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any] | None) -> "Watched":
        """What `to_json` wrote; nothing remembered for None."""
        if not data:
            return cls()
        return cls(
            Memory.from_json(data.get("memory")),
            int(data.get("minute", -1)),
            int(data.get("calls_since", 0)),
            int(data.get("failed_since", 0)),
        )


def step(
    watched: Watched, window: Counts, fresh: Counts, *, minute: int, at: datetime, rule: Rule
) -> tuple[Watched, Change | None]:
    """Take in the window that ends with `minute`; `fresh` are its calls in minutes that were not taken in before.

    The same minute again is safe: it changes nothing, unless late calls have made its window bad.
    """
    verdict = rule.judge(window)
    again = minute <= watched.minute
    if again and (verdict is not Verdict.BAD or watched.is_bad):
        return watched, None
    if watched.is_bad:
        watched = _count(watched, verdict, fresh)
        if verdict is Verdict.UNKNOWN and _shows_success(watched, rule):
            verdict = Verdict.GOOD
    memory, change = hysteresis.observe(watched.memory, verdict, at, _once(rule))
    if memory.state is not State.OPEN or change is not None:
        watched = replace(watched, calls_since=0, failed_since=0)
    return replace(watched, memory=memory, minute=max(minute, watched.minute)), change


def total(parts: Iterable[Counts]) -> Counts:
    """Counts of several stretches together, without the 95th percentile, which does not add up."""
    calls, by_class = 0, dict[ErrorClass, int]()
    for part in parts:
        calls += part.calls
        for error_class, count in part.by_class.items():
            by_class[error_class] = by_class.get(error_class, 0) + count
    return Counts(calls, by_class)


def _count(watched: Watched, verdict: Verdict, fresh: Counts) -> Watched:
    if verdict is Verdict.BAD:
        return replace(watched, calls_since=0, failed_since=0)
    return replace(
        watched, calls_since=watched.calls_since + fresh.calls, failed_since=watched.failed_since + fresh.failed
    )


def _shows_success(watched: Watched, rule: Rule) -> bool:
    """Whether the calls since the last bad window, thin as they came, are enough and good."""
    enough = watched.calls_since >= max(rule.minimum, 1)
    # How long they took adds up from nothing that is kept; with a limit for it, only a whole window tells.
    return enough and rule.p95 is None and watched.failed_since <= rule.share * GOOD_SHARE * watched.calls_since


def _once(rule: Rule) -> hysteresis.Rule:
    return hysteresis.Rule(bad=1, of=1, good=1, hold=rule.hold)
