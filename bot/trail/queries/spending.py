"""What calls cost, from the sums by day, hour and minute; in billionths of a US dollar, as they are added up."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.store.tables import CallDay, CallHour, CallMinute, CallSeries
from bot.trail.identity import microseconds
from bot.trail.queries.finding import MODEL
from bot.trail.storing.rollups import HOUR_US, HOURS_A_DAY, MINUTE_US

DAY_US = HOUR_US * HOURS_A_DAY
_NAMED = 6
"""Columns before the numbers: the start and what is told of the calls."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What the calls of one system, feature, route, provider and model cost in one stretch of time."""

    start: int
    """In hours or minutes since 1970, as asked for."""
    system: str
    feature: str | None
    route: str | None
    provider: str | None
    model: str | None
    calls: int
    errors: int
    unpriced: int
    cost_nano: int


async def spent(session: AsyncSession, system: str, *, day: datetime, feature: str | None = None) -> int:
    """What a system's calls, or those of one feature, have cost in the UTC day of `day`."""
    query = (
        select(func.coalesce(func.sum(col(CallDay.cost_nano)), 0))
        .join(CallSeries, col(CallSeries.id) == col(CallDay.series_id))
        .where(col(CallDay.start) == microseconds(day) // DAY_US, col(CallSeries.system) == system)
    )
    if feature is not None:
        query = query.where(col(CallSeries.feature) == feature)
    return int((await session.execute(query)).scalar_one())


async def by_hour(session: AsyncSession, since: datetime, until: datetime, *, system: str | None = None) -> list[Spent]:
    """Hour by hour, in order of time; an hour counts whole, and so does the one that `until` falls into."""
    return await _by(session, CallHour, HOUR_US, since, until, system)


async def by_minute(
    session: AsyncSession, since: datetime, until: datetime, *, system: str | None = None
) -> list[Spent]:
    """Minute by minute; minutes are kept for two days."""
    return await _by(session, CallMinute, MINUTE_US, since, until, system)


async def _by(
    session: AsyncSession,
    table: type[CallHour] | type[CallMinute],
    unit_us: int,
    since: datetime,
    until: datetime,
    system: str | None,
) -> list[Spent]:
    told = (CallSeries.system, CallSeries.feature, CallSeries.route, CallSeries.provider)
    groups = (col(table.start), *(col(name) for name in told), MODEL)
    sums = [func.sum(getattr(table, name)) for name in ("calls", "errors", "unpriced", "cost_nano")]
    query = (
        select(*groups, *sums)
        .join(CallSeries, col(CallSeries.id) == col(table.series_id))
        .where(
            col(table.start) >= microseconds(since) // unit_us,
            col(table.start) <= microseconds(until) // unit_us,
        )
        .group_by(*groups)
        .order_by(col(table.start))
    )
    if system is not None:
        query = query.where(col(CallSeries.system) == system)
    rows = (await session.execute(query)).all()
    return [Spent(*row[:_NAMED], *(int(number or 0) for number in row[_NAMED:])) for row in rows]
