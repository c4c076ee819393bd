"""What is asked of the trail: the newest, slowest and dearest calls, one call, and what calls add up to."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from sqlalchemy import func, select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.store.tables import Call, CallDay, CallHour, CallMinute, CallSeries, CallSource
from bot.trail.calls import ErrorClass
from bot.trail.identity import EPOCH, microseconds, read_public_id
from bot.trail.queries import finding
from bot.trail.queries.finding import Filter
from bot.trail.queries.records import CallRecord, load
from bot.trail.storing import histogram
from bot.trail.storing.histogram import Histogram
from bot.trail.storing.rollups import HOUR_US, HOURS_A_DAY, MINUTE_US, NUMBERS, Totals

__all__ = [
    "CallRecord",
    "Filter",
    "MinuteRow",
    "Totals",
    "attempts",
    "breakdown",
    "by_id",
    "dearest",
    "minutes",
    "newest",
    "slowest",
    "sources",
    "stream",
    "totals",
]

PAGE = 1_000
"""Calls that a listing reads at a time."""
MINUTES_TRUSTED = timedelta(hours=47)
"""So far back the sums by minute are complete; they are kept for two days."""
AHEAD = timedelta(days=2)
"""Calls may claim to start a day after they arrived (bot.trail.merging.merge)."""
By = Literal["system", "model", "feature", "prompt_version", "provider"]


@dataclass(frozen=True, slots=True)
class MinuteRow:
    """What the calls of one series add up to in one minute."""

    minute: datetime
    system: str
    route: str | None
    provider: str | None
    model: str | None
    calls: int
    errors: int
    classes: dict[ErrorClass, int]
    latency: Histogram


async def newest(
    session: AsyncSession, filter_: Filter, limit: int | None, *, bodies: bool = False
) -> list[CallRecord]:
    """Newest first. Without a limit all of them are held in memory: `stream` lists them page by page."""
    if limit is None:
        return [record async for record in stream(session, filter_, bodies=bodies)]
    return await _records(session, await finding.newest(session, filter_, limit), bodies=bodies)


async def stream(session: AsyncSession, filter_: Filter, *, bodies: bool = False) -> AsyncIterator[CallRecord]:
    """All calls, newest first."""
    async for ids in finding.pages(session, filter_, PAGE):
        for record in await _records(session, ids, bodies=bodies):
            yield record


async def slowest(session: AsyncSession, filter_: Filter, limit: int) -> list[CallRecord]:
    """Slowest first; of one series and hour at most as many as the sums remember (bot.trail.storing.rollups.KEPT)."""
    return await _records(session, await finding.extreme(session, filter_, "slowest", limit), bodies=False)


async def dearest(session: AsyncSession, filter_: Filter, limit: int) -> list[CallRecord]:
    """Dearest first, as `slowest`."""
    return await _records(session, await finding.extreme(session, filter_, "dearest", limit), bodies=False)


async def by_id(session: AsyncSession, text: str) -> CallRecord | None:
    """One call with its texts, by its id, by the id that an import brought, or by the provider's response id."""
    wanted = text.strip()
    call_id = read_public_id(wanted)
    if call_id is not None:
        found = await load(session, [call_id], bodies=True)
        if found:
            return found[call_id]
    call_id = await finding.by_their_id(session, wanted)
    return None if call_id is None else (await load(session, [call_id], bodies=True)).get(call_id)


async def attempts(session: AsyncSession, record: CallRecord) -> list[CallRecord]:
    """All tries of the request that the call belongs to, the first one first; the call alone where it was the only."""
    first = None if record.attempt_group is None else read_public_id(record.attempt_group)
    if first is None:
        return [record]
    # A try starts within ten minutes after another's end (bot.trail.attempts.chains); two days are plenty for a group.
    until = first + finding.id_span(timedelta(days=2))
    query = select(col(Call.id)).where(
        col(Call.attempt_group) == first, col(Call.id).between(first - finding.id_span(timedelta(days=1)), until)
    )
    found = await load(session, list((await session.execute(query)).scalars()), bodies=False)
    return sorted(found.values(), key=lambda one: (one.attempt, one.id))


async def totals(session: AsyncSession, filter_: Filter) -> Totals:
    """What the calls add up to. `errors` and `words` of the filter do not count here: sums know neither."""
    result = Totals()
    for _, sums in await _by_series(session, filter_, await finding.series(session, filter_)):
        result.merge(sums)
    return result


async def breakdown(session: AsyncSession, filter_: Filter, by: By) -> list[tuple[str | None, Totals]]:
    """The same for each system, model, feature, prompt version or provider; most calls first."""
    column = finding.MODEL if by == "model" else getattr(CallSeries, by)
    wanted = await finding.series(session, filter_)
    named = await session.execute(select(col(CallSeries.id), column.label("name")))
    names: dict[int, str | None] = {row.id: row.name for row in named.all()}
    result: dict[str | None, Totals] = {}
    for series_id, sums in await _by_series(session, filter_, wanted):
        result.setdefault(names.get(series_id), Totals()).merge(sums)
    return sorted(result.items(), key=lambda item: -item[1].calls)


async def _by_series(session: AsyncSession, filter_: Filter, wanted: Sequence[int] | None) -> list[tuple[int, Totals]]:
    """Whole days from the sums by day; what the time holds of others by hour, and of hours by minute.

    Where the sums by minute are gone already the whole hour counts.
    """
    result: dict[int, Totals] = {}
    for table, start, end in _stretches(filter_, datetime.now(UTC)):
        conditions: list[Any] = [col(table.start) >= start, col(table.start) < end]
        if wanted is not None:
            conditions.append(col(table.series_id).in_(wanted))
        sums = [func.sum(getattr(table, name)) for name in NUMBERS]
        query = select(col(table.series_id), *sums).where(*conditions).group_by(col(table.series_id))
        for series_id, *numbers in (await session.execute(query)).all():
            result.setdefault(series_id, Totals()).add(numbers)
        latencies = select(col(table.series_id), col(table.latency)).where(*conditions)
        for series_id, latency in (await session.execute(latencies)).all():
            result[series_id].latency += histogram.unpack(latency)
    return list(result.items())


_MINUTES_AN_HOUR = HOUR_US // MINUTE_US
Stretch = tuple[type[CallDay] | type[CallHour] | type[CallMinute], int, int]


def _stretches(filter_: Filter, now: datetime) -> list[Stretch]:
    """From where to where each table is read; starts count from 1970 in the table's own unit."""
    trusted = microseconds(now - MINUTES_TRUSTED)
    since = 0 if filter_.since is None else microseconds(filter_.since)
    until = microseconds(filter_.until or now + AHEAD)
    first, last = since // MINUTE_US, -(-until // MINUTE_US)
    first_hour = first // _MINUTES_AN_HOUR if since < trusted else -(-first // _MINUTES_AN_HOUR)
    last_hour = -(-last // _MINUTES_AN_HOUR) if until < trusted or filter_.until is None else last // _MINUTES_AN_HOUR
    if first_hour > last_hour:
        return [(CallMinute, first, last)]
    first_day, last_day = -(-first_hour // HOURS_A_DAY), last_hour // HOURS_A_DAY
    hours: list[Stretch] = [(CallHour, first_hour, last_hour)]
    if first_day < last_day:
        hours = [
            (CallHour, first_hour, first_day * HOURS_A_DAY),
            (CallDay, first_day, last_day),
            (CallHour, last_day * HOURS_A_DAY, last_hour),
        ]
    begin: Stretch = (CallMinute, first, first_hour * _MINUTES_AN_HOUR)
    end: Stretch = (CallMinute, last_hour * _MINUTES_AN_HOUR, last)
    return [stretch for stretch in (begin, *hours, end) if stretch[1] < stretch[2]]


async def minutes(
    session: AsyncSession, systems: Sequence[str], since: datetime, until: datetime | None = None
) -> list[MinuteRow]:
    """Minute by minute and series by series, in order of time; of all systems where none is named."""
    table, series = CallMinute, CallSeries
    conditions: list[Any] = [col(table.start) >= microseconds(since) // MINUTE_US]
    if until is not None:
        conditions.append(col(table.start) < -(-microseconds(until) // MINUTE_US))
    if systems:
        conditions.append(col(series.system).in_(systems))
    columns = [getattr(table, name) for name in NUMBERS]
    query = (
        select(col(table.start), series.system, series.route, series.provider, finding.MODEL)  # type: ignore[call-overload]
        .add_columns(col(table.latency), *columns)
        .join(series, col(series.id) == col(table.series_id))
        .where(*conditions)
        .order_by(col(table.start))
    )
    result = []
    for start, system, route, provider, model, latency, *numbers in (await session.execute(query)).all():
        sums = Totals()
        sums.add(numbers)
        result.append(
            MinuteRow(
                EPOCH + timedelta(minutes=start),
                system,
                route,
                provider,
                model,
                sums.calls,
                sums.errors,
                sums.by_class,
                histogram.unpack(latency),
            )
        )
    return result


async def sources(session: AsyncSession, system: str | None = None) -> list[CallSource]:
    """What has sent calls so far, of one system or of all."""
    query = select(CallSource).order_by(col(CallSource.system), col(CallSource.emitter))
    if system is not None:
        query = query.where(col(CallSource.system) == system)
    return list((await session.execute(query)).scalars())


async def _records(session: AsyncSession, ids: Sequence[int], *, bodies: bool) -> list[CallRecord]:
    found = await load(session, ids, bodies=bodies)
    return [found[call_id] for call_id in ids if call_id in found]
