"""What arrives, in one shape whatever the wire: spans and log records with the attributes of their resource."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True, frozen=True)
class Scope:
    """Who emitted: the instrumentation's name and version, and the resource it ran in."""

    name: str
    version: str
    resource: Mapping[str, Any]
    schema_url: str = ""


@dataclass(slots=True)
class Event:
    """Something that happened during a span."""

    name: str
    time_us: int
    attributes: Mapping[str, Any]


@dataclass(slots=True)
class Span:
    """One span (OTLP `Span`). Times are microseconds since 1970 UTC, as sent: 0, reversed or in the future included.

    Attribute values are str, bool, int, float, bytes, list or dict (`kvlistValue`), never OTLP wrappers.
    """

    scope: Scope
    trace_id: bytes
    span_id: bytes
    parent_span_id: bytes | None
    name: str
    kind: int
    start_us: int
    end_us: int
    status: int
    """0 unset, 1 ok, 2 error."""
    status_message: str
    attributes: dict[str, Any]
    events: list[Event] = field(default_factory=list)
    dropped_attributes: int = 0


@dataclass(slots=True)
class LogRecord:
    """One log record (OTLP `LogRecord`); ids are empty where the record belongs to no span."""

    scope: Scope
    trace_id: bytes
    span_id: bytes
    time_us: int
    event_name: str
    severity: int
    body: Any
    attributes: dict[str, Any]
    dropped_attributes: int = 0


@dataclass(slots=True)
class Decoded:
    """What one request body held. `rejected` counts spans or records that could not be used, by reason."""

    spans: list[Span] = field(default_factory=list)
    logs: list[LogRecord] = field(default_factory=list)
    rejected: dict[str, int] = field(default_factory=dict)
