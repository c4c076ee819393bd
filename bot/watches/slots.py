"""The grid of times at which something is polled: every `interval`, shifted by a hash so that not all fall together.

A slot is a time of the grid. Nothing drifts and nothing is added at random: a slot is the same for every replica, so
that it can be observed exactly once, and one that passed unpolled can be counted.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Grid:
    """Slots at EPOCH + offset + k * interval."""

    interval: timedelta
    offset: timedelta

    @classmethod
    def of(cls, key: str, interval: timedelta) -> "Grid":
        """The grid of the thing with this key; the same in every process."""
        number = int.from_bytes(sha256(key.encode()).digest()[:8])
        milliseconds = max(int(interval / timedelta(milliseconds=1)), 1)
        return cls(interval, timedelta(milliseconds=number % milliseconds))

    def at(self, now: datetime) -> datetime:
        """The slot in force: the latest that is not after `now`."""
        return now - (now - EPOCH - self.offset) % self.interval

    def after(self, slot: datetime, pause: timedelta | None = None) -> datetime:
        """The next slot, or the first that leaves the thing alone for `pause`."""
        steps = -(-(pause or self.interval) // self.interval)
        return slot + max(steps, 1) * self.interval

    def missed(self, due: datetime, now: datetime) -> int:
        """How many slots from `due` on passed before the one in force."""
        return max((self.at(now) - due) // self.interval, 0)
