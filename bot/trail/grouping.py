"""Writes down which calls are attempts at one request (bot.trail.attempts), soon after one of them failed.

Only a failed call has a follower, so nothing is read but a sum by minute while nothing fails. A failed call is looked
at again for as long as its follower may still arrive; one that has a follower already is not. Calls that arrive much
later than they were made (an exporter that was cut off) are found once a minute, by a cursor over the times of arrival.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import perf_counter
from typing import Any

import structlog
from sqlalchemy import bindparam, case, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.store import leases
from bot.store.database import Database
from bot.store.tables import Call, CallHour, CallMinute, CallSeries, CallSpan, TrailCursor, TrailJob, TrailState
from bot.trail.attempts import SAME_INPUT_WITHIN_US, Attempt, Place, Try, group
from bot.trail.calls import ErrorClass, Kind, Outcome
from bot.trail.identity import day_of, id_floor
from bot.trail.rollups import HOUR_US, MINUTE_US

log = structlog.get_logger(__name__)

JOB = "grouping"
TOPIC = "calls"
LOOK_EVERY = 2.0
PAUSE = 0.5
"""Seconds between two looks at least, however many calls come in."""
REST = 4.0
"""How much longer than it worked it rests: at most a fifth of a core goes into grouping, whatever fails."""
LEASE = timedelta(seconds=20)
SECOND_US = 1_000_000
DAY_US = 86_400 * SECOND_US
RECENT_US = 900 * SECOND_US
"""Calls that started so long ago are looked at as soon as they arrive."""
FOLLOWED_WITHIN_US = 150 * SECOND_US
"""After its arrival, how long a failed call waits for its follower: two minutes, and what exporters hold back."""
LATE_EVERY = timedelta(minutes=1)
LATE_US = 2 * DAY_US
"""How late a call may arrive."""
CHUNK = 1000
CHUNK_US = 300 * SECOND_US
"""Failed calls that are worked on at a time, and how far their starts lie apart."""


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
        now_us = _microseconds(now)
        written = 0
        if self._late_at is None or now >= self._late_at + LATE_EVERY or now < self._late_at:
            written += await self._look_late(now_us)
            self._late_at = now
        recent = _Span(CallMinute, MINUTE_US, now_us - RECENT_US, now_us - FOLLOWED_WITHIN_US)
        return written + await self._regroup(recent)

    async def _look_late(self, now_us: int) -> int:
        """What arrived since the last time, however long ago it started; also what arrived while nobody looked."""
        async with self._db.reading() as session:
            cursor = await session.get(TrailCursor, JOB)
        since_us = cursor.received_us - FOLLOWED_WITHIN_US if cursor is not None else 0
        written = await self._regroup(_Span(CallHour, HOUR_US, now_us - LATE_US, since_us))
        async with self._db.transaction() as session:
            found = await session.get(TrailCursor, JOB, with_for_update=True)
            if found is None:
                session.add(TrailCursor(name=JOB, received_us=now_us))
            else:
                found.received_us = now_us
        return written

    async def _regroup(self, span: "_Span") -> int:
        async with self._db.reading() as session:
            failed = await _failed(session, span)
        written = 0
        for chunk in _chunks(failed):
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
                self._job = await _claim(session, self._owner, now)
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
    span = _Span(CallHour, HOUR_US, _microseconds(since), 0)
    written = 0
    for chunk in _chunks(await _failed(session, span)):
        changes = await _changes(session, chunk)
        if changes:
            await _write(session, changes)
            written += len(changes)
    return written


@dataclass(frozen=True, slots=True)
class _Span:
    """Which failed calls are looked for: those in sums of this table that started and arrived since."""

    table: type[CallHour | CallMinute]
    length_us: int
    started_us: int
    received_us: int


@dataclass(frozen=True, slots=True)
class _Row:
    """A call with what is stored of its group."""

    call: Try
    stored: "_Columns"


@dataclass(frozen=True, slots=True)
class _Columns:
    """The columns of `call` that this module writes."""

    attempt_group: int | None = None
    attempt: int = 1
    is_final: bool = True
    fell_back_from: str | None = None
    fallback_trigger: str | None = None

    @classmethod
    def of(cls, attempt: Attempt | None) -> "_Columns":
        if attempt is None:
            return cls()
        trigger = attempt.trigger.value if attempt.trigger is not None else None
        return cls(attempt.group, min(attempt.attempt, 2**15 - 1), attempt.is_final, attempt.fell_back_from, trigger)


async def _claim(session: AsyncSession, owner: str, now: datetime) -> TrailJob | None:
    await session.execute(_insert(session)(TrailJob).values(name=JOB, attempt=0).on_conflict_do_nothing())
    claimed = await leases.claim(
        session, TrailJob, col(TrailJob.name) == JOB, owner=owner, now=now, lease=LEASE, limit=1
    )
    return claimed[0] if claimed else None


async def _failed(session: AsyncSession, span: _Span) -> Sequence[Any]:
    """Failed calls without a follower (id, start, end, trace, series' system, input hash, group key), oldest first."""
    table = span.table
    series = (
        select(col(table.series_id))
        .where(
            col(table.start) >= span.started_us // span.length_us,
            (col(table.errors) > 0) | (col(table.malformed_output) > 0),
        )
        .distinct()
    )
    suspects = (await session.execute(series)).scalars().all()
    if not suspects:
        return ()
    statement = (
        select(
            col(Call.id),
            col(Call.start_us),
            col(Call.duration_us),
            col(Call.trace_id),
            col(CallSeries.system),
            col(Call.input_hash),
            col(Call.group_key),
        )
        .join(CallSeries, col(CallSeries.id) == col(Call.series_id))
        .where(
            col(Call.series_id).in_(suspects),
            col(Call.id) >= id_floor(span.started_us),
            col(Call.error_class).is_not(None),
            (col(Call.outcome) == Outcome.ERROR.value) | (col(Call.error_class) == ErrorClass.MALFORMED_OUTPUT.value),
            col(Call.is_final),
            col(Call.received_us) >= span.received_us,
        )
        .order_by(col(Call.id))
    )
    return (await session.execute(statement)).all()


def _chunks(failed: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Parts that are few enough and near enough in time that reading their neighbourhood is quick."""
    first = 0
    for place, row in enumerate(failed):
        if place - first >= CHUNK or row.start_us - failed[first].start_us > CHUNK_US:
            yield failed[first:place]
            first = place
    if failed:
        yield failed[first:]


async def _changes(session: AsyncSession, failed: Sequence[Any]) -> dict[int, _Columns]:
    """By call, what should be stored of its group and is not."""
    rows = await _neighbourhood(session, failed)
    found = {attempt.id: attempt for each in group(row.call for row in rows) for attempt in each.attempts}
    wanted = {row.call.id: _Columns.of(found.get(row.call.id)) for row in rows}
    return {row.call.id: wanted[row.call.id] for row in rows if wanted[row.call.id] != row.stored}


async def _neighbourhood(session: AsyncSession, failed: Sequence[Any]) -> list[_Row]:
    """The failed calls with everything that may be grouped with them, each with its twins' places."""
    start_us = failed[0].start_us
    end_us = max(row.start_us + (row.duration_us or 0) for row in failed)
    traces = {row.trace_id for row in failed if row.trace_id}
    rows = {row.id: row for row in await _of_traces(session, traces, start_us, end_us)}
    rows |= {row.id: row for row in await _alike(session, failed, start_us, end_us)}
    rows |= {row.id: row for row in await _by(session, col(Call.id).in_([row.id for row in failed]))}
    spans = await _spans(session, traces | {row.trace_id for row in rows.values() if row.trace_id}, start_us, end_us)
    missing = {span.call_id for span in spans} - rows.keys()
    groups = {row.attempt_group for row in rows.values() if row.attempt_group is not None}
    if missing:
        rows |= {row.id: row for row in await _by(session, col(Call.id).in_(missing))}
    if groups:
        rows |= {row.id: row for row in await _by(session, col(Call.attempt_group).in_(groups))}
    places: dict[int, list[Place]] = {}
    for span in spans:
        places.setdefault(span.call_id, []).append(Place(span.trace_id, span.span_id, span.parent_span_id))
    return [_row(row, places.get(row.id, ())) for row in rows.values()]


def _selected() -> Any:
    return select(
        col(Call.id),
        col(Call.trace_id),
        col(Call.span_id),
        col(Call.parent_span_id),
        col(Call.kind),
        col(Call.start_us),
        col(Call.duration_us),
        col(Call.outcome),
        col(Call.error_class),
        col(Call.input_hash),
        col(Call.group_key),
        col(Call.attempt_group),
        col(Call.attempt),
        col(Call.is_final),
        col(Call.fell_back_from),
        col(Call.fallback_trigger),
        col(CallSeries.system),
        col(CallSeries.provider),
        col(CallSeries.model_asked),
        col(CallSeries.model_answered),
    ).join(CallSeries, col(CallSeries.id) == col(Call.series_id))


async def _by(session: AsyncSession, *conditions: Any) -> Sequence[Any]:
    return (await session.execute(_selected().where(*conditions))).all()


async def _of_traces(session: AsyncSession, traces: set[bytes], start_us: int, end_us: int) -> Sequence[Any]:
    if not traces:
        return ()
    conditions: list[Any] = [col(Call.day).in_(_days(start_us, end_us)), col(Call.trace_id).in_(traces)]
    if _is_postgres(session):
        # The day is in the id: partitions of other days are left alone. SQLite would go through all these ids.
        conditions += [col(Call.id) >= id_floor(start_us - DAY_US), col(Call.id) < id_floor(end_us + DAY_US)]
    return await _by(session, *conditions)


async def _alike(session: AsyncSession, failed: Sequence[Any], start_us: int, end_us: int) -> Sequence[Any]:
    """Calls of the same systems around the same time with the same input or group key."""
    hashes = {row.input_hash for row in failed if row.input_hash is not None}
    keys = {row.group_key for row in failed if row.group_key}
    systems = {row.system for row in failed if row.input_hash is not None or row.group_key}
    if not systems:
        return ()
    series = select(col(CallSeries.id)).where(col(CallSeries.system).in_(systems))
    return await _by(
        session,
        col(Call.series_id).in_((await session.execute(series)).scalars().all()),
        col(Call.id) >= id_floor(start_us - SAME_INPUT_WITHIN_US),
        col(Call.id) <= id_floor(end_us + SAME_INPUT_WITHIN_US + SECOND_US),
        col(Call.input_hash).in_(hashes) | col(Call.group_key).in_(keys),
    )


async def _spans(session: AsyncSession, traces: set[bytes], start_us: int, end_us: int) -> Sequence[Any]:
    """Where else calls were seen: the twins among the spans of these traces."""
    if not traces:
        return ()
    statement = select(
        col(CallSpan.call_id), col(CallSpan.trace_id), col(CallSpan.span_id), col(CallSpan.parent_span_id)
    ).where(
        col(CallSpan.day).in_(_days(start_us, end_us)),
        col(CallSpan.trace_id).in_(traces),
        col(CallSpan.call_id).is_not(None),
        col(CallSpan.kind).in_([Kind.CALL.value, Kind.ATTEMPT.value]),
    )
    return (await session.execute(statement)).all()


def _days(start_us: int, end_us: int) -> list[int]:
    return list(range(max(0, day_of(start_us) - 1), day_of(end_us) + 2))


def _row(row: Any, twins: Iterable[Place]) -> _Row:
    own = (Place(row.trace_id, row.span_id or b"", row.parent_span_id),) if row.trace_id else ()
    call = Try(
        id=row.id,
        system=row.system,
        start_us=row.start_us,
        end_us=row.start_us + (row.duration_us or 0),
        kind=Kind(row.kind),
        places=tuple(dict.fromkeys((*own, *twins))),
        outcome=Outcome(row.outcome),
        error_class=ErrorClass(row.error_class) if row.error_class else None,
        provider=row.provider,
        model=row.model_asked or row.model_answered,
        input_hash=row.input_hash,
        group_key=row.group_key,
    )
    stored = _Columns(row.attempt_group, row.attempt, bool(row.is_final), row.fell_back_from, row.fallback_trigger)
    return _Row(call, stored)


async def _write(session: AsyncSession, changes: dict[int, _Columns]) -> None:
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
        per_hour = HOUR_US // MINUTE_US
        await connection.execute(_HOURS, [{**one, "at": one["at"] // per_hour} for one in sums])


async def _touch(session: AsyncSession) -> None:
    """Tell writers that what they read of the trail may not hold any more; they wait until this is committed."""
    if _is_postgres(session):
        from bot.trail.storing.postgres import LOCK

        await session.execute(select(func.pg_advisory_xact_lock(LOCK)))
    statement = _insert(session)(TrailState).values(id=1, version=1)
    await session.execute(
        statement.on_conflict_do_update(index_elements=["id"], set_={"version": col(TrailState.version) + 1})
    )


def _values(call_id: int, columns: _Columns) -> dict[str, Any]:
    return {
        "key": call_id,
        "attempt_group": columns.attempt_group,
        "attempt": columns.attempt,
        "is_final": columns.is_final,
        "fell_back_from": columns.fell_back_from,
        "fallback_trigger": columns.fallback_trigger,
    }


def _is_postgres(session: AsyncSession) -> bool:
    return bool(session.get_bind().dialect.name == "postgresql")


def _insert(session: AsyncSession) -> Any:
    return postgresql.insert if _is_postgres(session) else sqlite.insert


def _microseconds(at: datetime) -> int:
    return round(at.timestamp() * SECOND_US)


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


def _adding(table: type[CallHour | CallMinute]) -> Any:
    changed = col(table.fallbacks) + bindparam("more")
    return (
        update(table)
        .where(col(table.start) == bindparam("at"), col(table.series_id) == bindparam("series"))
        .values(fallbacks=case((changed < 0, 0), else_=changed))
    )


_MINUTES = _adding(CallMinute)
_HOURS = _adding(CallHour)
