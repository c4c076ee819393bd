"""The trail: calls, what they said, what they add up to, and who may report them.

Money is whole billionths of a US dollar, times of calls are microseconds since 1970 UTC: they are added up by the
million. On PostgreSQL `call`, `call_span`, `call_body` are partitioned by the day that is in the id.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, Integer, LargeBinary, SmallInteger, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from bot.store.tables.base import Leased, json_field


def _big(**options: Any) -> Any:
    return Field(sa_type=BigInteger, **options)


def _row_id() -> Any:
    """A key that we give ourselves; on SQLite an INTEGER, so that it is the row's own place in the table."""
    kind: Any = BigInteger().with_variant(Integer(), "sqlite")
    return Field(sa_type=kind, primary_key=True, sa_column_kwargs={"autoincrement": False})


def _small(**options: Any) -> Any:
    return Field(sa_type=SmallInteger, **options)


def _bytes(**options: Any) -> Any:
    return Field(sa_type=LargeBinary, **options)


class CallSeries(SQLModel, table=True):
    """What many calls share; calls and roll-ups name it by id."""

    __tablename__ = "call_series"
    __table_args__ = (UniqueConstraint("digest"),)

    id: int | None = Field(default=None, primary_key=True)
    digest: bytes = _bytes()
    """blake2b-128 over the fields below."""
    system: str = Field(index=True)
    environment: str | None = None
    release: str | None = None
    feature: str | None = None
    route: str | None = None
    prompt_name: str | None = None
    prompt_version: str | None = None
    provider: str | None = None
    model_asked: str | None = None
    model_answered: str | None = None
    operation: str = "chat"
    emitter: str = ""
    emitter_version: str = ""


class Call(SQLModel, table=True):
    """One model call (see bot.trail.calls.Facts for the meaning of the fields)."""

    __tablename__ = "call"
    __table_args__ = (
        Index("ix_call_day_trace", "day", "trace_id"),
        Index(
            "ix_call_day_response",
            "day",
            "response_id",
            sqlite_where=text("response_id IS NOT NULL"),
            postgresql_where=text("response_id IS NOT NULL"),
        ),
        Index("ix_call_series", "series_id", "id"),
        Index(
            "ix_call_failed",
            "series_id",
            "id",
            sqlite_where=text("error_class IS NOT NULL"),
            postgresql_where=text("error_class IS NOT NULL"),
        ),
        Index(
            "ix_call_attempts",
            "attempt_group",
            sqlite_where=text("attempt_group IS NOT NULL"),
            postgresql_where=text("attempt_group IS NOT NULL"),
        ),
        Index(
            "ix_call_external",
            "external_id",
            sqlite_where=text("external_id IS NOT NULL"),
            postgresql_where=text("external_id IS NOT NULL"),
        ),
        {"postgresql_partition_by": "RANGE (id)"},
    )

    id: int = _row_id()
    day: int = _small()
    trace_id: bytes | None = _bytes(default=None)
    span_id: bytes | None = _bytes(default=None)
    parent_span_id: bytes | None = _bytes(default=None)
    series_id: int
    kind: str = "call"
    start_us: int = _big()
    duration_us: int | None = _big(default=None)
    first_token_us: int | None = _big(default=None)
    outcome: str = "ok"
    error_class: str | None = None
    error_type: str | None = None
    error_text: str | None = None
    http_status: int | None = _small(default=None)
    finish_reason: str | None = None
    stream: bool | None = None
    retries: int | None = _small(default=None)
    response_id: str | None = None
    conversation_id: str | None = None
    external_id: str | None = None
    user_hash: int | None = _big(default=None)
    input_hash: int | None = _big(default=None)
    """Of the normalised, redacted messages: ties repetitions of one request together."""
    input_tokens: int | None = None
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None
    cost_nano: int | None = _big(default=None)
    cost_source: str | None = None
    price_version: str | None = None
    emitter_cost_nano: int | None = _big(default=None)
    group_key: str | None = None
    attempt_group: int | None = _big(default=None)
    """Id of the first call of its attempt group; None for a call that stands alone."""
    attempt: int = _small(default=1)
    attempt_hint: int | None = _small(default=None)
    """The attempt number as the emitter tells it, from 0."""
    is_final: bool = True
    fell_back_from: str | None = None
    """`provider/model` of the failed attempt that this call stood in for."""
    fallback_trigger: str | None = None
    """Error class of that attempt."""
    flags: int = _small(default=0)
    """Bits: see bot.trail.storing.rows."""
    redactions: int = _small(default=0)
    ranks: int = _big(default=0)
    received_us: int = _big()


class CallSpan(SQLModel, table=True):
    """A span seen beside a call's own: twins, parts, and wrappers with hints; so that late ones find their call."""

    __tablename__ = "call_span"
    __table_args__ = {"postgresql_partition_by": "RANGE (day)", "sqlite_with_rowid": False}

    day: int = _small(primary_key=True)
    trace_id: bytes = _bytes(primary_key=True)
    span_id: bytes = _bytes(primary_key=True)
    parent_span_id: bytes | None = _bytes(default=None)
    kind: str
    call_id: int | None = _big(default=None)
    start_us: int = _big()
    hints: dict[str, Any] | None = json_field(default=None)


class CallBody(SQLModel, table=True):
    """What a call said, redacted and compressed."""

    __tablename__ = "call_body"
    __table_args__ = {"postgresql_partition_by": "RANGE (call_id)"}

    call_id: int = _row_id()
    dictionary_id: int | None = None
    input: bytes | None = _bytes(default=None)
    output: bytes | None = _bytes(default=None)
    extra: bytes | None = _bytes(default=None)


class CallPin(SQLModel, table=True):
    """Keeps a call's body beyond its time: an incident, a report or an eval case holds on to it."""

    __tablename__ = "call_pin"

    call_id: int = _big(primary_key=True, sa_column_kwargs={"autoincrement": False})
    reason: str = Field(primary_key=True)
    """`incident:42`, `report:7`, `case:refund-window`"""
    at: datetime


class BodyDictionary(SQLModel, table=True):
    """A zstd dictionary trained on redacted bodies; bodies name the one that they need."""

    __tablename__ = "body_dictionary"

    id: int | None = Field(default=None, primary_key=True)
    made_at: datetime
    content: bytes = _bytes()


class _Counts(SQLModel):
    """What calls of one series add up to in one stretch of time."""

    start: int = Field(primary_key=True)
    series_id: int = Field(primary_key=True)
    calls: int = 0
    errors: int = 0
    """Calls whose outcome is `error`."""
    fallbacks: int = 0
    unpriced: int = 0
    """Calls that cost something and nobody knows what."""
    input_tokens: int = _big(default=0)
    cached_tokens: int = _big(default=0)
    output_tokens: int = _big(default=0)
    cost_nano: int = _big(default=0)
    timeout: int = 0
    """Calls of this error class, as the following ones."""
    rate_limit: int = 0
    overloaded: int = 0
    server: int = 0
    auth: int = 0
    bad_request: int = 0
    model_gone: int = 0
    transport: int = 0
    malformed_body: int = 0
    malformed_output: int = 0
    truncated: int = 0
    filtered: int = 0
    latency: bytes | None = _bytes(default=None)
    """Histogram (bot.trail.storing.histogram)."""


class CallHour(_Counts, table=True):
    """By hour, `start` in hours since 1970; kept for ever."""

    __tablename__ = "call_hour"
    __table_args__ = {"sqlite_with_rowid": False}

    slowest_us: int = _big(default=0)
    """Of the slowest call."""
    dearest_nano: int = _big(default=0)
    """Of the dearest call."""
    slowest: bytes | None = _bytes(default=None)
    """The slowest calls (bot.trail.storing.rollups)."""
    dearest: bytes | None = _bytes(default=None)


class CallDay(_Counts, table=True):
    """By day, `start` in days since 1970; kept for ever."""

    __tablename__ = "call_day"
    __table_args__ = {"sqlite_with_rowid": False}


class CallMinute(_Counts, table=True):
    """By minute, `start` in minutes since 1970, kept for two days: what watches look at."""

    __tablename__ = "call_minute"
    __table_args__ = {"sqlite_with_rowid": False}


class TrailState(SQLModel, table=True):
    """One row: how often the trail was written, so that a writer knows whether what it looked up still holds."""

    __tablename__ = "trail_state"

    id: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    version: int = _big(default=0)


class TrailJob(Leased, table=True):
    """Work on the trail that excludes other work: `retention`, `grouping`, `import:…`."""

    __tablename__ = "trail_job"

    name: str = Field(primary_key=True)


class CallSource(SQLModel, table=True):
    """What one emitter of a system has sent so far: tells silence and what is missing."""

    __tablename__ = "call_source"

    system: str = Field(primary_key=True)
    emitter: str = Field(primary_key=True)
    emitter_version: str = ""
    first_us: int = _big()
    last_us: int = _big()
    """When something of it last arrived."""
    calls: int = _big(default=0)
    with_input: int = _big(default=0)
    with_output: int = _big(default=0)
    with_usage: int = _big(default=0)
    with_prompt_version: int = _big(default=0)
    twins: int = _big(default=0)
    """Sightings that joined a call another emitter had told."""
    truncated: int = _big(default=0)
    unknown_spans: int = _big(default=0)
    rejected: int = _big(default=0)


class ApiToken(SQLModel, table=True):
    """A token of a system; only a hash of it is kept."""

    __tablename__ = "api_token"

    id: str = Field(primary_key=True)
    system: str
    scope: str
    """ingest, read or write"""
    digest: bytes = _bytes()
    """SHA-256 of the secret part, which is random and long."""
    created_at: datetime
    revoked_at: datetime | None = None
