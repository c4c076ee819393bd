"""What the calls watch saw last, as faces show it: a system without calls is never good."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.catalog import Catalog
from bot.detect.calls import Watched
from bot.detect.hysteresis import Verdict
from bot.store.tables import CallsWatchState
from bot.watches import routed

STALE_AFTER = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class SeenSeries:
    """One route at one provider, over the last window; both are empty where nobody knows them."""

    route: str
    provider: str
    state: str
    """good, bad, mixed (some fail, too few to be bad), or unknown (too few calls to tell)."""
    calls: int
    failed: int
    p95_ms: int | None


@dataclass(frozen=True, slots=True)
class SeenCalls:
    system: str
    minutes: int
    """Length of the window."""
    series: Sequence[SeenSeries]
    last_call_at: datetime | None
    silent_since: datetime | None
    """Since when calls are missed."""
    stale: bool
    """Nobody has looked for minutes."""


async def seen_calls(session: AsyncSession, catalog: Catalog, now: datetime) -> list[SeenCalls]:
    """Of every system of the catalog whose calls are watched, by name."""
    statement = (
        select(CallsWatchState).where(col(CallsWatchState.active).is_(True)).order_by(col(CallsWatchState.system))
    )
    return [
        SeenCalls(
            system=row.system,
            minutes=routed.length(catalog.systems[row.system].calls.window),
            series=[_series(each, catalog.systems[row.system].calls.minimum) for each in row.series or ()],
            last_call_at=row.last_call_at,
            silent_since=row.silent_since,
            stale=row.evaluated_at is not None and now - row.evaluated_at > STALE_AFTER,
        )
        for row in (await session.execute(statement)).scalars()
        if row.system in catalog.systems
    ]


def _series(data: dict[str, Any], minimum: int) -> SeenSeries:
    if Watched.from_json(data.get("watched")).is_bad:
        state = "bad"
    elif data["verdict"] == Verdict.GOOD:
        state = "good"
    else:
        state = "mixed" if data["calls"] >= minimum else "unknown"
    return SeenSeries(data["route"], data["provider"], state, data["calls"], data["failed"], data["p95_ms"])
