"""What a bad day does to a system's calls: how many fell back to whom, and how many users saw an error."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.store.tables import Call, CallHour, CallMinute, CallSeries
from bot.trail.calls import Outcome
from bot.trail.identity import id_floor, microseconds
from bot.trail.queries.finding import MODEL, Filter, series
from bot.trail.queries.records import CallRecord, load
from bot.trail.storing.rollups import HOUR_US, MINUTE_US

WINDOW = timedelta(hours=1)
Answering = tuple[str | None, str | None]
"""Provider and model of a call, as it tells them."""


@dataclass(frozen=True, slots=True)
class Impact:
    """What happened to the calls of one system in a stretch of time."""

    calls: int
    fell_back: Mapping[Answering, int]
    """Calls that stood in for a failed one, by what answered; most first."""
    users: int
    """Different users (or conversations, where users are not told) whose request failed in the end."""
    nobodys: int
    """Requests that failed in the end and say neither user nor conversation."""

    def without_calls(self) -> "Impact":
        """What a change of matters: calls go on all the time."""
        return replace(self, calls=0)


async def impact(session: AsyncSession, system: str, since: datetime, until: datetime) -> Impact | None:
    """None where no call of the system started in that time.

    Somebody who got an answer by a fallback did not see an error: only the last attempt of a group counts.
    """
    wanted = await series(session, Filter(systems=(system,)))
    if not wanted:
        return None
    calls = await _count(session, wanted, since, until)
    if not calls:
        return None
    users, nobodys = await _failed(session, wanted, since, until)
    return Impact(calls, await _fell_back(session, wanted, since, until), users, nobodys)


async def fallbacks(session: AsyncSession, filter_: Filter, limit: int) -> list[CallRecord]:
    """Calls that stood in for a failed one, newest first."""
    wanted = await series(session, filter_)
    since = microseconds(filter_.since) if filter_.since is not None else 0
    until = microseconds(filter_.until) if filter_.until is not None else None
    # Only hours that have some are looked into.
    query = select(col(CallHour.start), col(CallHour.series_id)).where(
        col(CallHour.fallbacks) > 0, col(CallHour.start) >= since // HOUR_US
    )
    if wanted is not None:
        query = query.where(col(CallHour.series_id).in_(wanted))
    if until is not None:
        query = query.where(col(CallHour.start) <= until // HOUR_US)
    by_hour: dict[int, list[int]] = {}
    for hour, series_id in (await session.execute(query)).all():
        by_hour.setdefault(hour, []).append(series_id)
    found: list[int] = []
    for hour in sorted(by_hour, reverse=True):
        start_us, end_us = max(since, hour * HOUR_US), min((hour + 1) * HOUR_US, until or (hour + 1) * HOUR_US)
        of_hour = _stood_in(by_hour[hour], start_us, end_us, col(Call.id))
        found += (await session.execute(of_hour.order_by(col(Call.id).desc()).limit(limit - len(found)))).scalars()
        if len(found) >= limit:
            break
    records = await load(session, found, bodies=False)
    return [records[call_id] for call_id in found if call_id in records]


def _stood_in(wanted: list[int], start_us: int, end_us: int, *columns: Any) -> Any:
    return select(*columns).where(
        col(Call.series_id).in_(wanted),
        col(Call.id) >= id_floor(start_us),
        col(Call.id) < id_floor(end_us),
        col(Call.fell_back_from).is_not(None),
    )


async def _count(session: AsyncSession, wanted: list[int], since: datetime, until: datetime) -> int:
    query = select(col(CallMinute.calls)).where(
        col(CallMinute.series_id).in_(wanted),
        col(CallMinute.start) >= microseconds(since) // MINUTE_US,
        col(CallMinute.start) <= microseconds(until) // MINUTE_US,
    )
    counted: list[int] = list((await session.execute(query)).scalars())
    return sum(counted)


async def _fell_back(
    session: AsyncSession, wanted: list[int], since: datetime, until: datetime
) -> dict[Answering, int]:
    """By the sums of each minute; a minute counts whole."""
    query = (
        select(col(CallSeries.provider), MODEL, col(CallMinute.fallbacks))
        .join(CallSeries, col(CallSeries.id) == col(CallMinute.series_id))
        .where(
            col(CallMinute.series_id).in_(wanted),
            col(CallMinute.fallbacks) > 0,
            col(CallMinute.start) >= microseconds(since) // MINUTE_US,
            col(CallMinute.start) <= microseconds(until) // MINUTE_US,
        )
    )
    counted: Counter[Answering] = Counter()
    for provider, model, fallbacks_ in (await session.execute(query)).all():
        counted[provider, model] += fallbacks_
    return dict(counted.most_common())


async def _failed(session: AsyncSession, wanted: list[int], since: datetime, until: datetime) -> tuple[int, int]:
    query = select(col(Call.user_hash), col(Call.conversation_id)).where(
        col(Call.series_id).in_(wanted),
        col(Call.id) >= id_floor(microseconds(since)),
        col(Call.id) < id_floor(microseconds(until)),
        col(Call.error_class).is_not(None),
        col(Call.outcome) == Outcome.ERROR.value,
        col(Call.is_final),
    )
    seen: set[int | str] = set()
    nobodys = 0
    for user, conversation in (await session.execute(query)).all():
        who = user if user is not None else conversation
        if who is None:
            nobodys += 1
        else:
            seen.add(who)
    return len(seen), nobodys
