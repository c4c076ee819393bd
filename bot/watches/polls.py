"""One poll of one URL for one slot: what was claimed, what came of it, and the watches that it is for."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot.catalog import Watch
from bot.store.tables import PollTarget
from bot.watches.http import Failed, Known, Unchanged
from bot.watches.slots import Grid
from bot.watches.snapshot import Snapshot
from bot.watches.source import Polled, Reading


@dataclass(frozen=True, slots=True)
class Claimed:
    """One URL that this process polls for one slot; `attempt` is the fence of its lease."""

    id: str
    engine: str
    url: str
    attempt: int
    slot: datetime
    missed: int
    interval: timedelta
    failures: int
    known: Known
    snapshot: Snapshot | None

    @classmethod
    def of(cls, row: PollTarget, *, now: datetime) -> "Claimed":
        interval = timedelta(seconds=row.interval_seconds)
        grid = Grid.of(row.id, interval)
        snapshot = _snapshot(row)
        known = Known(row.etag, row.last_modified, row.body_hash, row.validated_at) if snapshot else Known()
        return cls(
            row.id,
            row.engine,
            row.url,
            row.attempt,
            grid.at(now),
            grid.missed(row.next_due, now),
            interval,
            row.failures,
            known,
            snapshot,
        )


@dataclass(frozen=True, slots=True)
class Result:
    """What the poll of a claimed URL gave, and when."""

    target: Claimed
    polled: Polled
    at: datetime

    @property
    def snapshot(self) -> Snapshot | None:
        """What the page says now; None where the poll failed."""
        match self.polled:
            case Reading(snapshot=snapshot):
                return snapshot
            case Unchanged():
                return self.target.snapshot
            case Failed():
                return None


@dataclass(frozen=True, slots=True)
class Watching:
    """A watch with its state before the poll."""

    watch: Watch
    result: Result
    status: str | None
    status_since: datetime | None
    detector: dict[str, Any]

    @property
    def is_due(self) -> bool:
        """Once a slot, and no faster than this watch asks for where another asks for the page more often."""
        last = self.detector.get("slot")
        return last is None or self.result.target.slot - datetime.fromisoformat(last) >= self.watch.interval


def _snapshot(row: PollTarget) -> Snapshot | None:
    """The last good answer; None where there is none, or another version wrote it in another shape."""
    if row.snapshot is None:
        return None
    try:
        return Snapshot.from_json(row.snapshot)
    except ValueError:
        return None
