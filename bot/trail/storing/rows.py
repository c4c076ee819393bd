"""Rows of the tables `call`, `call_span` and `call_body`, to and from what the trail computes with."""

# ruff: noqa: S608 - the statements are put together from constants; values are bound

from collections.abc import Callable, Sequence
from enum import IntFlag
from typing import Any

import orjson

from bot.trail.calls import ErrorClass, Facts, Kind, Outcome, SeenSpan, StoredCall
from bot.trail.identity import day_of, day_of_id
from bot.trail.merging.merge import Wanted
from bot.trail.storing.series import SeriesFields
from bot.trail.storing.store import BodyWrite, CallWrite, StoredRow

WORDS_LIMIT = 50_000
"""Characters of an output that are searched by word."""
_HASHED = "\0"
_SCHEMA = "json_schema"


class Flag(IntFlag):
    """Bits of the column `flags`."""

    HAS_INPUT = 1
    HAS_OUTPUT = 2
    TRUNCATED = 4
    CACHED_SPLIT_HIDDEN = 8
    JSON_EXPECTED = 16


UPDATED = (
    "span_id",
    "parent_span_id",
    "trace_id",
    "series_id",
    "kind",
    "start_us",
    "duration_us",
    "first_token_us",
    "outcome",
    "error_class",
    "error_type",
    "error_text",
    "http_status",
    "finish_reason",
    "stream",
    "retries",
    "response_id",
    "conversation_id",
    "external_id",
    "user_hash",
    "input_hash",
    "input_tokens",
    "cached_tokens",
    "cache_write_tokens",
    "output_tokens",
    "reasoning_tokens",
    "cost_nano",
    "cost_source",
    "price_version",
    "emitter_cost_nano",
    "group_key",
    "attempt_hint",
    "flags",
    "redactions",
    "ranks",
    "received_us",
)
"""What a batch may change of a stored call; the columns of attempt groups belong to the grouping."""
INSERTED = ("id", "day", "attempt", "is_final", *UPDATED)
SPAN = ("day", "trace_id", "span_id", "parent_span_id", "kind", "call_id", "start_us", "hints")
BODY = ("call_id", "dictionary_id", "input", "output", "extra")
_LOADED = ("id", *UPDATED, "fell_back_from")
SELECT_CALLS = (
    "SELECT "
    + ", ".join(f"c.{name}" for name in _LOADED)
    + ", "
    + ", ".join(f"s.{name}" for name in SeriesFields._fields)
    + ", b.dictionary_id, b.input, b.output, b.extra"
    + " FROM call c JOIN call_series s ON s.id = c.series_id LEFT JOIN call_body b ON b.call_id = c.id WHERE "
)
"""Give the condition; `read_call` reads its rows."""
_AT = {name: place for place, name in enumerate(_LOADED)}
_SERIES_AT = len(_LOADED)
_BODY_AT = _SERIES_AT + len(SeriesFields._fields)


def hashed_user(user_hash: int | None) -> str | None:
    """A user as the store knows it: by hash. It stands in `Facts.user`, so that joining works on what is stored."""
    return None if user_hash is None else f"{_HASHED}{user_hash}"


def user_hash_of(user: str | None) -> int | None:
    """The hash in what `hashed_user` made."""
    return int(user[1:]) if user and user.startswith(_HASHED) else None


def updated_values(write: CallWrite) -> tuple[Any, ...]:
    """The values of UPDATED."""
    call = write.call
    facts = call.facts
    return (
        call.span_id or None,
        call.parent_span_id or None,
        call.trace_id or None,
        write.series_id,
        str(call.kind),  # a quarter of the time that its `value` takes
        facts.start_us,
        facts.duration_us,
        facts.first_token_us,
        str(facts.outcome),
        None if facts.error_class is None else str(facts.error_class),
        facts.error_type,
        facts.error_text,
        facts.http_status,
        facts.finish_reason,
        facts.stream,
        facts.retries,
        facts.response_id,
        facts.conversation_id,
        facts.external_id,
        user_hash_of(facts.user),
        write.input_hash,
        facts.input_tokens,
        facts.cached_tokens,
        facts.cache_write_tokens,
        facts.output_tokens,
        facts.reasoning_tokens,
        write.cost_nano,
        None if write.cost_source is None else str(write.cost_source),
        write.price_version,
        facts.emitter_cost_nano,
        facts.group_key,
        facts.attempt_hint,
        _flags(facts),
        facts.redactions,
        facts.ranks,
        call.received_us,
    )


def inserted_values(write: CallWrite) -> tuple[Any, ...]:
    """The values of INSERTED."""
    return (write.call.id, day_of_id(write.call.id), 1, True, *updated_values(write))


def span_values(span: SeenSpan) -> tuple[Any, ...]:
    """The values of SPAN."""
    return (
        day_of(span.start_us),
        span.trace_id,
        span.span_id,
        span.parent_span_id or None,
        str(span.kind),
        span.call_id,
        span.start_us,
        None if span.hints is None else dump(span.hints).decode(),
    )


def body_values(body: BodyWrite) -> tuple[Any, ...]:
    """The values of BODY."""
    return (body.call_id, body.dictionary_id, body.input, body.output, body.extra)


def read_span(row: Sequence[Any]) -> SeenSpan:
    """A row of SPAN without its day."""
    trace_id, span_id, parent, kind, call_id, start_us, hints = row
    read = orjson.loads(hints) if isinstance(hints, str) else hints
    return SeenSpan(bytes(trace_id), bytes(span_id), _bytes(parent), Kind(kind), call_id, start_us, read)


Unpack = Callable[[bytes, int | None], str]


def read_call(row: Sequence[Any], unpack: Unpack) -> tuple[StoredCall, StoredRow]:
    """A row of SELECT_CALLS."""
    told = dict(zip(_LOADED, row, strict=False))
    series = SeriesFields(*row[_SERIES_AT:_BODY_AT])
    dictionary_id, packed_input, packed_output, packed_extra = row[_BODY_AT:]

    def text(packed: bytes | None) -> str | None:
        return None if packed is None else unpack(bytes(packed), dictionary_id)

    extra = unpack_extra(packed_extra, lambda packed: unpack(packed, dictionary_id))
    flags = Flag(told["flags"])
    facts = Facts(
        **series._asdict(),
        start_us=told["start_us"],
        duration_us=told["duration_us"],
        first_token_us=told["first_token_us"],
        stream=None if told["stream"] is None else bool(told["stream"]),
        outcome=Outcome(told["outcome"]),
        error_class=None if told["error_class"] is None else ErrorClass(told["error_class"]),
        error_type=told["error_type"],
        error_text=told["error_text"],
        http_status=told["http_status"],
        finish_reason=told["finish_reason"],
        retries=told["retries"],
        response_id=told["response_id"],
        conversation_id=told["conversation_id"],
        user=hashed_user(told["user_hash"]),
        external_id=told["external_id"],
        input_tokens=told["input_tokens"],
        cached_tokens=told["cached_tokens"],
        cache_write_tokens=told["cache_write_tokens"],
        output_tokens=told["output_tokens"],
        reasoning_tokens=told["reasoning_tokens"],
        cached_split_told=not flags & Flag.CACHED_SPLIT_HIDDEN,
        emitter_cost_nano=told["emitter_cost_nano"],
        input=text(packed_input),
        output=text(packed_output),
        json_expected=bool(flags & Flag.JSON_EXPECTED),
        json_schema=extra.pop(_SCHEMA, None),
        extra=extra,
        truncated=bool(flags & Flag.TRUNCATED),
        redactions=told["redactions"],
        group_key=told["group_key"],
        attempt_hint=told["attempt_hint"],
        ranks=told["ranks"],
    )
    call = StoredCall(
        id=told["id"],
        trace_id=_bytes(told["trace_id"]) or b"",
        span_id=_bytes(told["span_id"]) or b"",
        parent_span_id=_bytes(told["parent_span_id"]),
        facts=facts,
        kind=Kind(told["kind"]),
        received_us=told["received_us"],
    )
    return call, StoredRow(told["series_id"], told["cost_nano"], told["fell_back_from"] is not None)


def extra_text(facts: Facts) -> str | None:
    """What goes into the body beside input and output, as JSON."""
    if facts.json_schema is not None:
        return dump({**facts.extra, _SCHEMA: facts.json_schema}).decode()
    return dump(facts.extra).decode() if facts.extra else None


_PLAIN_EXTRA = 200


def pack_extra(text: str, pack: Callable[[str], bytes]) -> bytes:
    """What `extra_text` gave, compressed where that is worth the time. Packed bytes never begin like JSON."""
    return text.encode() if len(text) < _PLAIN_EXTRA else pack(text)


def unpack_extra(packed: bytes | None, unpack: Callable[[bytes], str]) -> dict[str, Any]:
    """Read what `pack_extra` wrote."""
    if packed is None:
        return {}
    return read_extra(packed.decode() if packed[:1] in (b"{", b'"') else unpack(packed))


def read_extra(text: str | None) -> dict[str, Any]:
    """Read what `extra_text` wrote."""
    read = orjson.loads(text) if text else {}
    return read if isinstance(read, dict) else {}


def words_of(output: str | None) -> str | None:
    """The part of an output that is searched by word."""
    return output[:WORDS_LIMIT] if output else None


def dump(value: Any) -> bytes:
    """JSON, whatever an emitter put into an attribute; without NUL characters, which PostgreSQL refuses."""
    try:
        raw = orjson.dumps(value, default=_plain, option=orjson.OPT_NON_STR_KEYS)
    except TypeError:  # a number of more than 64 bits, or a key or text that is no Unicode
        raw = orjson.dumps(repr(value).encode("utf-8", "replace").decode())
    return orjson.dumps(_without_nul(orjson.loads(raw))) if b"\\u0000" in raw else raw


def _without_nul(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\0", "")
    if isinstance(value, list):
        return [_without_nul(item) for item in value]
    if isinstance(value, dict):
        return {key.replace("\0", ""): _without_nul(item) for key, item in value.items()}
    return value


def _plain(value: Any) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


def days_around(wanted: Wanted, received_us: int) -> list[int]:
    """The days to look in: each one that is wanted and its neighbours, and today for what has no believable time."""
    today = day_of(received_us)
    days = {day for day, _ in (*wanted.traces, *wanted.responses) if 0 < day <= today + 1} | {today}
    return sorted({near for day in days for near in (day - 1, day, day + 1)})


def _flags(facts: Facts) -> int:
    flags = 0
    if facts.input is not None:
        flags |= 1
    if facts.output is not None:
        flags |= 2
    if facts.truncated:
        flags |= 4
    if not facts.cached_split_told:
        flags |= 8
    if facts.json_expected:
        flags |= 16
    return flags


def _bytes(value: Any) -> bytes | None:
    return None if value is None else bytes(value)
