"""Plain logs of calls: JSON Lines with at least `ts` and `output`, and whatever else `badday calls list` prints."""

from datetime import UTC, datetime
from decimal import Decimal
from hashlib import blake2b
from typing import Annotated, Any, Self

import orjson
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from bot.trail.calls import ErrorClass, Facts, Kind, Outcome, Sighting
from bot.trail.identity import microseconds
from bot.trail.mapping import errors, messages
from bot.trail.mapping.vocabulary import Levels
from bot.trail.merging.joining import pack_levels

EMITTER = "jsonl"
UNKNOWN_SYSTEM = "unknown"
_ANSWERED = frozenset({ErrorClass.MALFORMED_OUTPUT, ErrorClass.TRUNCATED, ErrorClass.FILTERED})
"""Classes that a complete answer may have."""
_FINISHES = {ErrorClass.TRUNCATED: "length", ErrorClass.FILTERED: "content_filter"}
"""What an answer ended with, where only the class tells."""
_RANKS = pack_levels(Levels(), native=False)
_LARGEST_MS = 10**14
_NO_ID = (b"", bytes(16), bytes(8))

Count = Annotated[int, Field(ge=0, lt=2**31)]


class LineError(ValueError):
    """The line tells no call; the message says why."""


class _Line(BaseModel):
    """One call as it is written down; fields that nobody knows are left out, unknown fields do no harm."""

    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True, frozen=True)

    ts: datetime = Field(validation_alias=AliasChoices("ts", "started_at", "timestamp"))
    id: str | None = Field(None, validation_alias=AliasChoices("id", "call_id"), max_length=200)
    system: str | None = None
    environment: str | None = None
    release: str | None = None
    feature: str | None = None
    route: str | None = None
    prompt_name: str | None = None
    prompt_version: str | None = None
    provider: str | None = None
    model: str | None = None
    model_answered: str | None = None
    operation: str | None = None
    user: str | None = None
    conversation_id: str | None = None
    response_id: str | None = None
    trace_id: str | None = None
    span_id: str | None = None
    outcome: Outcome | None = None
    error_class: ErrorClass | None = None
    error_type: str | None = None
    error_text: str | None = None
    http_status: Annotated[int, Field(ge=100, le=599)] | None = None
    finish_reason: str | None = None
    input_tokens: Count | None = None
    cached_tokens: Count | None = None
    output_tokens: Count | None = None
    cache_write_tokens: Count | None = None
    reasoning_tokens: Count | None = None
    stream: bool | None = None
    cost: Annotated[Decimal, Field(ge=0, lt=10**6)] | None = None
    latency_ms: Annotated[float, Field(ge=0, lt=10**10)] | None = None
    first_token_ms: Annotated[float, Field(ge=0, lt=10**10)] | None = None
    retries: Annotated[int, Field(ge=0, lt=2**15)] | None = None
    attempt_group: str | None = None
    attempt: Annotated[int, Field(ge=1, lt=2**15)] | None = None
    input: Any = None
    output: Any = None

    @field_validator("*", mode="before")
    @classmethod
    def _empty_is_untold(cls, value: Any) -> Any:
        # PostgreSQL keeps no NUL in a text.
        cleaned = value.replace("\0", "") if isinstance(value, str) else value
        return None if cleaned == "" else cleaned

    @field_validator("ts", mode="before")
    @classmethod
    def _finer_units(cls, value: Any) -> Any:
        """Seconds and milliseconds since 1970 are known already; micro- and nanoseconds are told by their size."""
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) > _LARGEST_MS:
            return value / 1e6 if abs(value) <= _LARGEST_MS * 1000 else value / 1e9
        return value

    @model_validator(mode="after")
    def _tells_something(self) -> Self:
        if self.output is None and "output" not in self.model_fields_set and not self.failed:
            raise ValueError("output is missing; a call without one needs error_class, error_text or outcome: error")
        return self

    @property
    def failed(self) -> bool:
        return self.outcome is Outcome.ERROR or bool(self.error_class or self.error_type or self.error_text)


def sighting(line: bytes, *, system: str | None = None) -> Sighting:
    """The call that a line tells of; `system` is whose call it is where the line does not say.

    The call is known again by its trace and span ids, else by its id, else by the line's content: a line that comes
    again adds nothing. Raises LineError.
    """
    return of_record(_loaded(line), system=system)


def of_record(record: dict[str, Any], *, system: str | None = None) -> Sighting:
    """The same for a line that is read already."""
    try:
        told = _Line.model_validate(record)
        trace_id, span_id = _identity(told, record)
        return Sighting(Kind.CALL, trace_id, span_id, None, _facts(told, system))
    except ValidationError as error:
        raise LineError(_sentence(error)) from None
    except (RecursionError, orjson.JSONEncodeError):
        raise LineError("it is nested too deeply") from None


def _loaded(line: bytes) -> dict[str, Any]:
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise LineError(f"no JSON: {error}") from None
    if not isinstance(record, dict):
        raise LineError("a line must hold one JSON object")
    return record


def _sentence(error: ValidationError) -> str:
    parts = []
    for one in error.errors(include_url=False, include_context=False, include_input=False):
        field = ".".join(str(part) for part in one["loc"])
        what = str(one["msg"]).removeprefix("Value error, ")
        missing = one["type"] == "missing"
        parts.append(f"{field} is missing" if missing else f"{field}: {what}" if field else what)
    return "; ".join(parts)


def _identity(told: _Line, record: dict[str, Any]) -> tuple[bytes, bytes]:
    trace_id, span_id = _hex(told.trace_id, 16), _hex(told.span_id, 8)
    if trace_id and span_id:
        return trace_id, span_id
    if told.id is not None:
        known_by = f"{told.system or ''}\0{told.id}".encode()
    else:
        known_by = orjson.dumps(record, option=orjson.OPT_SORT_KEYS)
    # Different personalisation: an id that is the beginning of another one would look related.
    return (
        trace_id or blake2b(known_by, digest_size=16, person=b"line trace").digest(),
        blake2b(known_by, digest_size=8, person=b"line span").digest(),
    )


def _hex(text: str | None, size: int) -> bytes | None:
    try:
        value = bytes.fromhex(text or "")
    except ValueError:
        return None
    return value if len(value) == size and value not in _NO_ID else None


def _facts(told: _Line, system: str | None) -> Facts:
    outcome, error_class = _verdict(told)
    return Facts(
        system=told.system or system or UNKNOWN_SYSTEM,
        environment=told.environment,
        release=told.release,
        feature=told.feature,
        route=told.route,
        prompt_name=told.prompt_name,
        prompt_version=told.prompt_version,
        provider=told.provider.lower() if told.provider else None,
        model_asked=told.model,
        model_answered=told.model_answered,
        operation=told.operation or "chat",
        emitter=EMITTER,
        start_us=microseconds(told.ts if told.ts.tzinfo else told.ts.replace(tzinfo=UTC)),
        duration_us=_us(told.latency_ms),
        first_token_us=_us(told.first_token_ms),
        outcome=outcome,
        error_class=error_class,
        error_type=told.error_type,
        error_text=told.error_text,
        http_status=told.http_status,
        finish_reason=told.finish_reason or (_FINISHES.get(error_class) if error_class else None),
        json_expected=error_class is ErrorClass.MALFORMED_OUTPUT,
        retries=told.retries,
        response_id=told.response_id,
        conversation_id=told.conversation_id,
        user=told.user,
        external_id=told.id,
        input_tokens=told.input_tokens,
        cached_tokens=told.cached_tokens,
        output_tokens=told.output_tokens,
        cache_write_tokens=told.cache_write_tokens,
        reasoning_tokens=told.reasoning_tokens,
        stream=told.stream,
        cached_split_told=told.cached_tokens is not None,
        emitter_cost_nano=int(told.cost.scaleb(9)) if told.cost is not None else None,
        input=_input(told.input),
        output=_text(told.output),
        group_key=told.attempt_group,
        attempt_hint=told.attempt - 1 if told.attempt is not None else None,
        ranks=_RANKS,
    )


def _verdict(told: _Line) -> tuple[Outcome, ErrorClass | None]:
    """Whether the caller got an answer; a failure always has a class, since that is what lists of errors go by."""
    failed = told.failed and told.error_class not in _ANSWERED
    outcome = told.outcome or (Outcome.ERROR if failed else Outcome.OK)
    if outcome is Outcome.ERROR and told.error_class is None:
        return outcome, errors.classify(told.error_type, told.http_status, told.error_text)
    return outcome, told.error_class


def _us(milliseconds: float | None) -> int | None:
    return round(milliseconds * 1000) if milliseconds is not None else None


def _input(value: Any) -> str | None:
    """Messages of any vendor in one shape; what is none stays as it is."""
    if value is None or isinstance(value, str):
        return value
    return messages.input_text(messages.read_messages(value)) or _text(value)


def _text(value: Any) -> str | None:
    """Texts stay as they are, anything else becomes JSON."""
    if value is None or isinstance(value, str):
        return value
    return orjson.dumps(value).decode()
