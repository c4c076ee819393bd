"""Writes down which calls are attempts at one request (bot.trail.attempts.chains), soon after one of them failed.

Only a failed call has a follower, so nothing is read but a sum by minute while nothing fails. A failed call is looked
at again for as long as its follower may still arrive; one that has a follower already is not. Calls that arrive much
later than they were made (an exporter that was cut off) are found once a minute, by a cursor over the times of arrival.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from time import perf_counter
from typing import Any

import structlog
from sqlalchemy import bindparam, case, func, select, update
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.store import leases
from bot.store.database import Database, insert_of, is_postgres
from bot.store.tables import Call, CallDay, CallHour, CallMinute, TrailCursor, TrailJob, TrailState
from bot.trail.attempts.chains import group
from bot.trail.attempts.neighbours import DAY_US, SECOND_US, Columns, Span, chunks, failed_calls, neighbourhood
from bot.trail.identity import microseconds
from bot.trail.retention import jobs
from bot.trail.storing.rollups import HOUR_US, MINUTE_US

log = structlog.get_logger(__name__)

JOB = "grouping"
TOPIC = "calls"
LOOK_EVERY = 2.0
PAUSE = 0.5
"""Seconds between two looks at least, however many calls come in."""
REST = 4.0
"""How much longer than it worked it rests: at most a fifth of a core goes into grouping, whatever fails."""
LEASE = timedelta(seconds=20)
RECENT_US = 900 * SECOND_US
"""Calls that started so long ago are looked at as soon as they arrive."""
FOLLOWED_WITHIN_US = 150 * SECOND_US
"""After its arrival, how long a failed call waits for its follower: two minutes, and what exporters hold back."""
LATE_EVERY = timedelta(minutes=1)
LATE_US = 2 * DAY_US
"""How late a call may arrive."""


class Grouping:
    """A worker of the role `trail`. Any number may run on one database: a lease lets one of them work."""

    def __init__(self, db: Database, clock: Callable[[], datetime], *, owner: str | None = None) -> None:
        self._db = db
        self._clock = clock
        self._owner = owner or leases.new_owner()
        self._job: TrailJob | None = None
        self._job_until: datetime | None = None
        self._late_at: datetime | None = None

    async def run(self) -> None:
        try:
            while True:
                began = perf_counter()
                await self.look()
                await asyncio.sleep(max(PAUSE, REST * (perf_counter() - began)))
                await self._db.woken(TOPIC, timeout=LOOK_EVERY)
        finally:
            await self._release()

    async def look(self) -> int:
        """Group what has failed; returns how many calls were found to be another attempt than was known."""
        now = self._clock()
        if not await self._hold(now):
            return 0
        now_us = microseconds(now)
        written = 0
        if self._late_at is None or now >= self._late_at + LATE_EVERY or now < self._late_at:
            written += await self._look_late(now_us)
            self._late_at = now
        recent = Span(CallMinute, MINUTE_US, now_us - RECENT_US, now_us - FOLLOWED_WITHIN_US)
        return written + await self._regroup(recent)

    async def _look_late(self, now_us: int) -> int:
        """What arrived since the last time, however long ago it started; also what arrived while nobody looked."""
        async with self._db.reading() as session:
            cursor = await session.get(TrailCursor, JOB)
        since_us = cursor.received_us - FOLLOWED_WITHIN_US if cursor is not None else 0
        written = await self._regroup(Span(CallHour, HOUR_US, now_us - LATE_US, since_us))
        async with self._db.transaction() as session:
            found = await session.get(TrailCursor, JOB, with_for_update=True)
            if found is None:
                session.add(TrailCursor(name=JOB, received_us=now_us))
            else:
                found.received_us = now_us
        return written

    async def _regroup(self, span: "Span") -> int:
        async with self._db.reading() as session:
            failed = await failed_calls(session, span)
        written = 0
        for chunk in chunks(failed):
            async with self._db.reading() as session:
                changes = await _changes(session, chunk)
            if changes:
                async with self._db.transaction() as session:
                    await _write(session, changes)
                written += len(changes)
                await self._hold(self._clock())
        if written:
            log.info("attempts grouped", calls=written)
        return written

    async def _hold(self, now: datetime) -> bool:
        """Whether the lease is ours; it is prolonged when half of it is over."""
        if self._job is not None and self._job_until is not None and now + LEASE / 2 <= self._job_until <= now + LEASE:
            return True
        async with self._db.transaction() as session:
            if self._job is None or not await leases.extend(session, self._job, now=now, lease=LEASE):
                self._job = await jobs.claim(session, JOB, owner=self._owner, now=now, lease=LEASE)
                self._late_at = None
        self._job_until = now + LEASE
        return self._job is not None

    async def _release(self) -> None:
        if self._job is not None:
            async with self._db.transaction() as session:
                await leases.finish(session, self._job)
            self._job = None


async def group_now(session: AsyncSession, since: datetime) -> int:
    """Group everything that started since then, inside the caller's transaction; returns how many calls changed."""
    span = Span(CallHour, HOUR_US, microseconds(since), 0)
    written = 0
    for chunk in chunks(await failed_calls(session, span)):
        changes = await _changes(session, chunk)
        if changes:
            await _write(session, changes)
            written += len(changes)
    return written


async def _changes(session: AsyncSession, failed: Sequence[Any]) -> dict[int, Columns]:
    """By call, what should be stored of its group and is not."""
    rows = await neighbourhood(session, failed)
    found = {attempt.id: attempt for each in group(row.call for row in rows) for attempt in each.attempts}
    wanted = {row.call.id: Columns.of(found.get(row.call.id)) for row in rows}
    return {row.call.id: wanted[row.call.id] for row in rows if wanted[row.call.id] != row.stored}


async def _write(session: AsyncSession, changes: dict[int, Columns]) -> None:
    """Write the columns, and count fallbacks in the sums by hour and minute."""
    await _touch(session)
    statement = select(col(Call.id), col(Call.series_id), col(Call.start_us), col(Call.fell_back_from)).where(
        col(Call.id).in_(changes)
    )
    deltas: dict[tuple[int, int], int] = {}
    rows = (await session.execute(statement)).all()
    for row in rows:
        more = (changes[row.id].fell_back_from is not None) - (row.fell_back_from is not None)
        if more:
            key = (row.start_us // MINUTE_US, row.series_id)
            deltas[key] = deltas.get(key, 0) + more
    connection = await session.connection()
    if rows:
        await connection.execute(_COLUMNS, [_values(row.id, changes[row.id]) for row in rows])
    if deltas:
        sums = [{"at": minute, "series": series, "more": more} for (minute, series), more in sorted(deltas.items())]
        await connection.execute(_MINUTES, sums)
        for statement, length_us in ((_HOURS, HOUR_US), (_DAYS, DAY_US)):
            minutes = length_us // MINUTE_US
            await connection.execute(statement, [{**one, "at": one["at"] // minutes} for one in sums])


async def _touch(session: AsyncSession) -> None:
    """Tell writers that what they read of the trail may not hold any more; they wait until this is committed."""
    if is_postgres(session):
        from bot.trail.storing.postgres import LOCK

        await session.execute(select(func.pg_advisory_xact_lock(LOCK)))
    statement = insert_of(session)(TrailState).values(id=1, version=1)
    await session.execute(
        statement.on_conflict_do_update(index_elements=["id"], set_={"version": col(TrailState.version) + 1})
    )


def _values(call_id: int, columns: Columns) -> dict[str, Any]:
    return {
        "key": call_id,
        "attempt_group": columns.attempt_group,
        "attempt": columns.attempt,
        "is_final": columns.is_final,
        "fell_back_from": columns.fell_back_from,
        "fallback_trigger": columns.fallback_trigger,
    }


_COLUMNS = (
    update(Call)
    .where(col(Call.id) == bindparam("key"))
    .values(
        {
            name: bindparam(name)
            for name in ("attempt_group", "attempt", "is_final", "fell_back_from", "fallback_trigger")
        }
    )
)


def _adding(table: type[CallDay | CallHour | CallMinute]) -> Any:
    changed = col(table.fallbacks) + bindparam("more")
    return (
        update(table)
        .where(col(table.start) == bindparam("at"), col(table.series_id) == bindparam("series"))
        .values(fallbacks=case((changed < 0, 0), else_=changed))
    )


_MINUTES = _adding(CallMinute)
_HOURS = _adding(CallHour)
_DAYS = _adding(CallDay)
