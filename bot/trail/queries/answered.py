"""How calls have gone since a moment: how many were answered, by provider. To the second, unlike the sums by minute."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import case, func, select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.store.tables import Call, CallSeries
from bot.trail.calls import Outcome
from bot.trail.identity import EPOCH, id_floor, microseconds
from bot.trail.queries.finding import MODEL


@dataclass(frozen=True, slots=True)
class Answered:
    """Calls of one route, provider and model; each as the call tells it."""

    route: str | None
    provider: str | None
    model: str | None
    calls: int
    answered: int
    cost_nano: int


async def answered(
    session: AsyncSession, system: str, since: datetime, until: datetime | None = None
) -> Sequence[Answered]:
    """Of every call of the system that started since then, and before `until` where that is given."""
    since_us = microseconds(since)
    good = case((col(Call.outcome) == Outcome.OK.value, 1), else_=0)
    groups = (col(CallSeries.route), col(CallSeries.provider), MODEL)
    query = (
        select(*groups, func.count(), func.sum(good), func.coalesce(func.sum(col(Call.cost_nano)), 0))
        .join(CallSeries, col(CallSeries.id) == col(Call.series_id))
        .where(
            col(CallSeries.system) == system,
            col(Call.id) >= id_floor(since_us),
            col(Call.start_us) >= since_us,
        )
        .group_by(*groups)
    )
    if until is not None:
        query = query.where(col(Call.start_us) < microseconds(until), col(Call.id) < id_floor(microseconds(until)))
    rows = (await session.execute(query)).all()
    return [
        Answered(route, provider, model, int(calls), int(well or 0), int(cost))
        for route, provider, model, calls, well, cost in rows
    ]


async def first_call(session: AsyncSession, system: str, since: datetime) -> datetime | None:
    """When the first call of a system since then started; None without any."""
    since_us = microseconds(since)
    query = (
        select(func.min(col(Call.start_us)))
        .join(CallSeries, col(CallSeries.id) == col(Call.series_id))
        .where(col(CallSeries.system) == system, col(Call.id) >= id_floor(since_us), col(Call.start_us) >= since_us)
    )
    first = (await session.execute(query)).scalar_one_or_none()
    return None if first is None else EPOCH + timedelta(microseconds=first)
