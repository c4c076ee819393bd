"""One model call as the trail knows it, and the sightings it is joined from."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Outcome(StrEnum):
    """Whether the caller got a complete answer."""

    OK = "ok"
    ERROR = "error"


class ErrorClass(StrEnum):
    """What kind of failure. The last three come with outcome `ok`: an answer came, but not the one that was wanted."""

    TIMEOUT = "timeout"
    RATE_LIMIT = "rate_limit"
    OVERLOADED = "overloaded"
    SERVER = "server"
    AUTH = "auth"
    BAD_REQUEST = "bad_request"
    MODEL_GONE = "model_gone"
    TRANSPORT = "transport"
    MALFORMED_BODY = "malformed_body"
    MALFORMED_OUTPUT = "malformed_output"
    TRUNCATED = "truncated"
    FILTERED = "filtered"


class CostSource(StrEnum):
    """Where a cost comes from; `…_upper_bound` where the emitter hides how much of the input was cached."""

    CONTRACT = "contract"
    CONTRACT_UPPER_BOUND = "contract_upper_bound"
    PRICE_LIST = "price_list"
    PRICE_LIST_UPPER_BOUND = "price_list_upper_bound"
    EMITTER = "emitter"


class Kind(StrEnum):
    """What a span is to the call that it tells about."""

    CALL = "call"
    """The call itself; several of one call are twins."""
    ATTEMPT = "attempt"
    """A try of its own under another call's span: never merged with its parent."""
    PART = "part"
    """More about the call of the parent span, or of the span with the same response id: never a call by itself."""
    WRAPPER = "wrapper"
    """Stands around calls (agent, chain, router): counts nothing, may hint at what its calls were for."""


@dataclass(slots=True)
class Facts:
    """What is known about a call, by one sighting or by several joined. None means: not told.

    Times are microseconds, money is billionths of a US dollar (whole numbers add up exactly), `input_tokens` include
    the cached ones. Texts are redacted before they are joined with what is stored.
    """

    system: str = ""
    environment: str | None = None
    release: str | None = None
    """`service.version`"""
    feature: str | None = None
    route: str | None = None
    prompt_name: str | None = None
    prompt_version: str | None = None
    provider: str | None = None
    """As the conventions spell it (openai, anthropic, aws.bedrock), lower case."""
    model_asked: str | None = None
    model_answered: str | None = None
    operation: str = "chat"
    """chat, text_completion, embeddings, generate_content, responses …"""
    emitter: str = ""
    """The vocabulary's name (openllmetry, openinference, litellm-generic …)."""
    emitter_version: str = ""

    start_us: int = 0
    duration_us: int | None = None
    first_token_us: int | None = None
    """From the start to the first token."""
    stream: bool | None = None

    outcome: Outcome = Outcome.OK
    error_class: ErrorClass | None = None
    error_type: str | None = None
    error_text: str | None = None
    http_status: int | None = None
    finish_reason: str | None = None
    retries: int | None = None
    """Repetitions inside the SDK, where it tells."""

    response_id: str | None = None
    conversation_id: str | None = None
    user: str | None = None
    """Whom the call was for, as told; only a hash of it is stored."""
    external_id: str | None = None
    """The id that an import brought; it is the call's public id."""

    input_tokens: int | None = None
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None
    cached_split_told: bool = True
    """False where the emitter never says how much of the input was cached: a price is then an upper bound."""
    emitter_cost_nano: int | None = None

    input: str | None = None
    """The messages as canonical JSON, a list of `{"role", "content", …}`, or plain text."""
    output: str | None = None
    """The text of the answer; tool calls as JSON where there is no text."""
    json_expected: bool = False
    """Whether the caller asked for JSON."""
    json_schema: str | None = None
    """The JSON Schema asked for, as JSON, where the body shows it."""
    extra: dict[str, Any] = field(default_factory=dict)
    """Attributes that no field holds and that may be worth reading later (tools, parameters, tags)."""

    truncated: bool = False
    """The emitter dropped attributes (SDK limits): parts may be missing."""
    redactions: int = 0
    group_key: str | None = None
    """What ties attempts together beyond trace and parent, as LiteLLM's trace_id."""
    attempt_hint: int | None = None
    """The attempt number where the emitter tells it (0-based)."""
    ranks: int = 0
    """Which emitter's word stands for each group of fields (see merging): the state of the join."""


@dataclass(slots=True)
class Sighting:
    """What one span or record tells about a call.

    `trace_id` has 16 bytes and `span_id` 8; empty where there is none.
    """

    kind: Kind
    trace_id: bytes
    span_id: bytes
    parent_span_id: bytes | None
    facts: Facts
    links: tuple[bytes, ...] = ()
    """Made-up trace ids under which a twin in another trace without a response id can be found (see merging): the store
    reads the spans and calls of these like those of `trace_id`."""
    anchor_us: int = 0
    """When, on the clock of such a meeting point."""
    native: bool = False
    """From the provider's own SDK, which doubles every instrumentation around it."""
    halved: bool = False
    """The rest of the call comes (or this is the rest, for a part) in a span of another trace."""
    stands: tuple[bytes, ...] = ()
    """Those of the links at which others find it; none: at the first."""


@dataclass(slots=True)
class SeenSpan:
    """A span that the store remembers beside the calls: a twin, a part or a wrapper with hints."""

    trace_id: bytes
    span_id: bytes
    parent_span_id: bytes | None
    kind: Kind
    call_id: int | None
    start_us: int
    hints: dict[str, Any] | None = None


@dataclass(slots=True)
class StoredCall:
    """A call with its identity in the store. The primary span's ids stand here, other sightings in SeenSpan rows."""

    id: int
    """Ordered by time: milliseconds since 2020 in the high bits (see identity)."""
    trace_id: bytes
    span_id: bytes
    parent_span_id: bytes | None
    facts: Facts
    kind: Kind = Kind.CALL
    received_us: int = 0
