"""Counts the simulated product's calls of the last minute, a second at a time; time is passed in."""

from collections import defaultdict, deque
from dataclasses import dataclass
from datetime import datetime
from typing import Any

WINDOW = 60
"""Seconds that the panel shows."""
RATE_OVER = 5
"""Whole seconds over which calls per second are averaged."""
RECENT = 6
"""How many answers are kept for show."""


@dataclass(frozen=True)
class Call:
    """One question of a user, and what came of it."""

    provider: str
    """The provider that was asked; empty where nobody was asked."""
    question: str
    shown: str
    """What the user got to read."""
    error: str | None
    """The class of the error, None where the answer came."""
    latency_ms: int


@dataclass
class Second:
    """The calls that ended within one second."""

    ok: int = 0
    errors: int = 0


@dataclass(frozen=True)
class Rate:
    """Calls per second over the last few whole seconds."""

    calls: float
    errors: float


class Statistics:
    """The last minute of the product, by provider."""

    def __init__(self) -> None:
        self._seconds: dict[str, dict[int, Second]] = defaultdict(dict)
        self._recent: deque[tuple[datetime, Call]] = deque(maxlen=RECENT)

    def add(self, call: Call, now: datetime) -> None:
        """Count a call that ended now."""
        self._recent.appendleft((now, call))
        if not call.provider:
            return
        seconds = self._seconds[call.provider]
        second = seconds.setdefault(int(now.timestamp()), Second())
        if call.error is None:
            second.ok += 1
        else:
            second.errors += 1
        for old in [at for at in seconds if at <= int(now.timestamp()) - WINDOW]:
            del seconds[old]

    def series(self, provider: str, now: datetime) -> list[tuple[int, int]]:
        """(answered, failed) for each of the last 60 seconds, oldest first, the running second last."""
        present = int(now.timestamp())
        seconds = self._seconds[provider]
        counted = [seconds.get(at, Second()) for at in range(present - WINDOW + 1, present + 1)]
        return [(second.ok, second.errors) for second in counted]

    def rate(self, provider: str, now: datetime) -> Rate:
        """Calls and errors per second; the running second does not count yet."""
        whole = self.series(provider, now)[-RATE_OVER - 1 : -1]
        answered, failed = sum(ok for ok, _ in whole), sum(errors for _, errors in whole)
        return Rate((answered + failed) / RATE_OVER, failed / RATE_OVER)

    def answers(self) -> list[dict[str, Any]]:
        """What the last users got, newest first."""
        return [
            {
                "at": at.isoformat(),
                "provider": call.provider,
                "question": call.question,
                "shown": call.shown,
                "error": call.error,
                "latency_ms": call.latency_ms,
            }
            for at, call in self._recent
        ]
