"""Faults on demand: what goes wrong, for which method or channel, and how often."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What goes wrong. The first group hits Web API calls, the second what is delivered to the app."""

    RATELIMITED = "ratelimited"  # 429 with Retry-After
    ERROR500 = "error500"  # 500, nothing done
    ACCEPTED_500 = "accepted_500"  # done, and 500 all the same
    HANG = "hang"  # no answer; `seconds` limits it
    SLOW = "slow"  # done after `seconds`
    DROP = "drop"  # done, and the connection ends without an answer
    ERROR = "error"  # `{"ok": false}` with the error code `error`

    REDELIVER = "redeliver"  # an event comes again although it was acknowledged
    DROP_ACK = "drop_ack"  # an acknowledgement gets lost


OF_CALLS = frozenset({Kind.RATELIMITED, Kind.ERROR500, Kind.ACCEPTED_500, Kind.HANG, Kind.SLOW, Kind.DROP, Kind.ERROR})


@dataclass
class Fault:
    kind: Kind
    method: str | None = None
    channel: str | None = None
    times: int | None = 1  # how often it still strikes; None is until it is switched off
    seconds: float | None = None  # how long a call hangs (without: for good) or is slow (without: 1)
    retry_after: int = 1
    error: str = "internal_error"

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


class Faults:
    """The faults that wait to strike, oldest first."""

    def __init__(self) -> None:
        self.waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        self.waiting.append(fault)

    def clear(self, method: str | None = None) -> None:
        self.waiting = [] if method is None else [fault for fault in self.waiting if fault.method != method]

    def strike(self, *, method: str, channel: str | None) -> Fault | None:
        """The fault that hits this Web API call, if one does; it is used up by that."""
        return self._take(lambda f: f.kind in OF_CALLS and f.method in (None, method) and f.channel in (None, channel))

    def strike_delivery(self, kind: Kind, event: str) -> Fault | None:
        """The fault of this kind that hits a delivery of this event or interaction type."""
        return self._take(lambda f: f.kind is kind and f.method in (None, event))

    def _take(self, hits: Any) -> Fault | None:
        found: Fault | None = next((fault for fault in self.waiting if hits(fault)), None)
        if found is not None and found.times is not None:
            found.times -= 1
            if found.times <= 0:
                self.waiting.remove(found)
        return found
