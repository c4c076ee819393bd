"""Which calls failed and are followed by nobody yet, and the calls around them that may be the same request."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.store.database import is_postgres
from bot.store.tables import Call, CallHour, CallMinute, CallSeries, CallSpan
from bot.trail.attempts.chains import SAME_INPUT_WITHIN_US, Attempt, Place, Try
from bot.trail.calls import ErrorClass, Kind, Outcome
from bot.trail.identity import day_of, id_floor

SECOND_US = 1_000_000
DAY_US = 86_400 * SECOND_US
CHUNK = 1000
CHUNK_US = 300 * SECOND_US
"""Failed calls that are worked on at a time, and how far their starts lie apart."""


@dataclass(frozen=True, slots=True)
class Span:
    """Which failed calls are looked for: those in sums of this table that started and arrived since."""

    table: type[CallHour | CallMinute]
    length_us: int
    started_us: int
    received_us: int


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A call with what is stored of its group."""

    call: Try
    stored: "Columns"


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of `call` that the grouping writes."""

    attempt_group: int | None = None
    attempt: int = 1
    is_final: bool = True
    fell_back_from: str | None = None
    fallback_trigger: str | None = None

    @classmethod
    def of(cls, attempt: Attempt | None) -> "Columns":
        if attempt is None:
            return cls()
        trigger = attempt.trigger.value if attempt.trigger is not None else None
        return cls(attempt.group, min(attempt.attempt, 2**15 - 1), attempt.is_final, attempt.fell_back_from, trigger)


async def failed_calls(session: AsyncSession, span: Span) -> Sequence[Any]:
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


def chunks(failed: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Parts that are few enough and near enough in time that reading their neighbourhood is quick."""
    first = 0
    for place, row in enumerate(failed):
        if place - first >= CHUNK or row.start_us - failed[first].start_us > CHUNK_US:
            yield failed[first:place]
            first = place
    if failed:
        yield failed[first:]


async def neighbourhood(session: AsyncSession, failed: Sequence[Any]) -> list[Neighbour]:
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
    if is_postgres(session):
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


def _row(row: Any, twins: Iterable[Place]) -> Neighbour:
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
    stored = Columns(row.attempt_group, row.attempt, bool(row.is_final), row.fell_back_from, row.fallback_trigger)
    return Neighbour(call, stored)
