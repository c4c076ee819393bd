"""One stored call as people and programs read it, and how it is loaded."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import exists, select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.store.tables import BodyDictionary, Call, CallBody, CallSeries
from bot.trail.identity import EPOCH, public_id
from bot.trail.storing.rows import Flag, unpack_extra

NANO = Decimal(1_000_000_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRecord:
    """A call. Texts are None where the call told none, where retention has removed them, or where none were asked for.

    `model` is the one that was asked for; `input_tokens` include the cached ones; `cost` is in US dollars.
    """

    call_id: str
    started_at: datetime
    system: str
    provider: str | None
    model: str | None
    model_answered: str | None
    operation: str
    response_id: str | None
    trace_id: str | None
    span_id: str | None
    outcome: str
    error_class: str | None
    http_status: int | None
    finish_reason: str | None
    input_tokens: int | None
    cached_tokens: int | None
    output_tokens: int | None
    cache_write_tokens: int | None
    reasoning_tokens: int | None
    cost: Decimal | None
    cost_source: str | None
    latency_ms: float | None
    attempt_group: str | None
    attempt: int
    is_final: bool
    input: str | None = None
    output: str | None = None
    extra: Mapping[str, Any] | None = None
    error_type: str | None
    error_text: str | None
    environment: str | None
    release: str | None
    feature: str | None
    route: str | None
    prompt_name: str | None
    prompt_version: str | None
    conversation_id: str | None
    fell_back_from: str | None
    fallback_trigger: str | None
    redactions: int
    truncated: bool
    first_token_ms: float | None
    stream: bool | None
    retries: int | None
    emitter: str
    emitter_version: str
    has_body: bool
    id: int
    """The number behind `call_id`."""


_FROM_CALL = [
    name
    for name in (f.name for f in fields(CallRecord))
    if name in Call.model_fields and name not in ("trace_id", "span_id", "attempt_group")
]
_FROM_SERIES = [
    name for name in (f.name for f in fields(CallRecord)) if name in CallSeries.model_fields and name != "id"
]
_RAW = (
    "trace_id",
    "span_id",
    "attempt_group",
    "start_us",
    "duration_us",
    "first_token_us",
    "cost_nano",
    "external_id",
    "flags",
)
_BODY = (CallBody.dictionary_id, CallBody.input, CallBody.output, CallBody.extra)


async def load(session: AsyncSession, ids: Sequence[int], *, bodies: bool) -> dict[int, CallRecord]:
    """The calls with these ids, by id; those that are no longer there are left out."""
    if not ids:
        return {}
    # The bounds name the partitions of PostgreSQL.
    first, last = min(ids), max(ids)
    its_body = (col(CallBody.call_id) == col(Call.id)) & col(CallBody.call_id).between(first, last)
    columns: list[Any] = [getattr(Call, name) for name in (*_FROM_CALL, *_RAW)]
    columns += [getattr(CallSeries, name) for name in _FROM_SERIES] + [col(CallSeries.model_asked)]
    if bodies:
        columns += [col(CallBody.call_id), *_BODY]
    else:
        columns.append(exists().where(its_body).label("has_body"))
    query = select(*columns).join(CallSeries, col(CallSeries.id) == col(Call.series_id))
    if bodies:
        query = query.outerjoin(CallBody, its_body)
    query = query.where(col(Call.id).in_(ids), col(Call.id).between(first, last))
    rows = (await session.execute(query)).all()
    unpack = await _unpacker(session, rows) if bodies else None
    return {row.id: _record(row, unpack) for row in rows}


async def _unpacker(session: AsyncSession, rows: Iterable[Any]) -> Any:
    from bot.trail.storing.bodies import Codec

    wanted = {row.dictionary_id for row in rows if row.dictionary_id is not None}
    found: dict[int, bytes] = {}
    if wanted:
        query = select(col(BodyDictionary.id), col(BodyDictionary.content)).where(col(BodyDictionary.id).in_(wanted))
        found = {row.id: row.content for row in (await session.execute(query)).all()}
    return Codec(found, None).unpack


def _record(row: Any, unpack: Any) -> CallRecord:
    def text(packed: bytes | None) -> str | None:
        return None if packed is None else unpack(packed, row.dictionary_id)

    told = {name: getattr(row, name) for name in (*_FROM_CALL, *_FROM_SERIES)}
    if unpack is not None:
        extra = unpack_extra(row.extra, lambda packed: unpack(packed, row.dictionary_id))
        told |= {"input": text(row.input), "output": text(row.output), "extra": extra or None}
    return CallRecord(
        **told,
        call_id=row.external_id or public_id(row.id),
        started_at=EPOCH + timedelta(microseconds=row.start_us),
        model=row.model_asked,
        trace_id=row.trace_id.hex() if row.trace_id else None,
        span_id=row.span_id.hex() if row.span_id else None,
        cost=None if row.cost_nano is None else row.cost_nano / NANO,
        latency_ms=_milliseconds(row.duration_us),
        first_token_ms=_milliseconds(row.first_token_us),
        attempt_group=None if row.attempt_group is None else public_id(row.attempt_group),
        truncated=bool(row.flags & Flag.TRUNCATED),
        has_body=row.has_body if unpack is None else row.call_id is not None,
    )


def _milliseconds(microseconds: int | None) -> float | None:
    return None if microseconds is None else microseconds / 1000
