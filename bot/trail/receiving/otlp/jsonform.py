"""OTLP in JSON: numbers as numbers or texts, enums by number or name, ids in hex (or base64), unknown fields ignored.

https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding. What generic protobuf printers make of a request
(names in snake case, base64 ids) is read as well.
"""

import base64
import binascii
import json
from collections.abc import Iterator
from typing import Any

import orjson

from bot.trail.receiving.otlp.parts import (
    BAD_SHAPE,
    BAD_SPAN_ID,
    BAD_TRACE_ID,
    CUT_OFF,
    DEEPEST,
    MOST_PARTS,
    SMALL_BODY,
    UndecodableError,
    clean,
    count,
    finite,
    good_span_id,
    good_trace_id,
    parent_of,
    whole,
)
from bot.trail.spans import Decoded, Event, LogRecord, Scope, Span

KINDS = {
    f"SPAN_KIND_{name}": number
    for number, name in enumerate(("UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"))
}
STATUSES = {"STATUS_CODE_UNSET": 0, "STATUS_CODE_OK": 1, "STATUS_CODE_ERROR": 2}
SEVERITIES = {
    f"SEVERITY_NUMBER_{name}{step or ''}": first + max(0, step - 1)
    for first, name in ((1, "TRACE"), (5, "DEBUG"), (9, "INFO"), (13, "WARN"), (17, "ERROR"), (21, "FATAL"))
    for step in (0, 2, 3, 4)
}
Object = dict[str, Any]


def traces(body: bytes) -> Decoded:
    decoded = Decoded()
    for scope, spans in _groups(_document(body), "Spans", "spans", "resource_spans", "scope_spans", "spans"):
        for span in spans:
            _add_span(span, scope, decoded)
    return decoded


def logs(body: bytes) -> Decoded:
    decoded = Decoded()
    groups = _groups(_document(body), "Logs", "logRecords", "resource_logs", "scope_logs", "log_records")
    for scope, records in groups:
        for record in records:
            _add_record(record, scope, decoded)
    return decoded


def parsed(body: bytes) -> Any:
    """Any JSON document, also one with half a surrogate pair, broken UTF-8 or NaN in it; raises UndecodableError."""
    if len(body) > SMALL_BODY and body.count(b",") > MOST_PARTS:
        raise UndecodableError("the body has too many parts; send fewer spans at once")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        problem = error
    try:
        # JavaScript cuts texts in the middle of an emoji and sends `\ud83d`; only the standard library reads that.
        return json.loads(body.decode("utf-8-sig", "replace"), strict=False)
    except (ValueError, RecursionError):
        raise UndecodableError(f"the body is not JSON: {problem}") from None


def _document(body: bytes) -> Object:
    document = parsed(body)
    if not isinstance(document, dict):
        raise UndecodableError("the body is JSON, but not an object")
    return document


def _groups(document: Object, kind: str, leaf: str, *snake: str) -> Iterator[tuple[Scope, list[Any]]]:
    of_resources, of_scopes, leaves = snake
    for group in _objects(_either(document, f"resource{kind}", of_resources)):
        resource = _attributes(_object(group.get("resource")).get("attributes"))
        url = _text(_either(group, "schemaUrl", "schema_url"))
        for of_scope in _objects(_either(group, f"scope{kind}", of_scopes)):
            scope = _object(of_scope.get("scope"))
            own_url = _text(_either(of_scope, "schemaUrl", "schema_url"))
            yield (
                Scope(_text(scope.get("name")), _text(scope.get("version")), resource, own_url or url),
                _list(_either(of_scope, leaf, leaves)),
            )


def _add_span(span: Any, scope: Scope, decoded: Decoded) -> None:
    if not isinstance(span, dict):
        return count(decoded.rejected, BAD_SHAPE)
    trace_id = _id(_either(span, "traceId", "trace_id"))
    if not good_trace_id(trace_id):
        return count(decoded.rejected, BAD_TRACE_ID)
    span_id = _id(_either(span, "spanId", "span_id"))
    if not good_span_id(span_id):
        return count(decoded.rejected, BAD_SPAN_ID)
    status = _object(span.get("status"))
    decoded.spans.append(
        Span(
            scope,
            trace_id,
            span_id,
            parent_of(_id(_either(span, "parentSpanId", "parent_span_id"))),
            _text(span.get("name")),
            _enum(span.get("kind"), KINDS),
            _time(span, "startTimeUnixNano", "start_time_unix_nano"),
            _time(span, "endTimeUnixNano", "end_time_unix_nano"),
            _enum(status.get("code"), STATUSES),
            _text(status.get("message")),
            _attributes(span.get("attributes")),
            [_event(each) for each in _objects(span.get("events"))],
            _dropped(span),
        )
    )
    return None


def _event(event: Object) -> Event:
    return Event(
        _text(event.get("name")), _time(event, "timeUnixNano", "time_unix_nano"), _attributes(event.get("attributes"))
    )


def _add_record(record: Any, scope: Scope, decoded: Decoded) -> None:
    if not isinstance(record, dict):
        return count(decoded.rejected, BAD_SHAPE)
    told_trace, told_span = _either(record, "traceId", "trace_id"), _either(record, "spanId", "span_id")
    trace_id, span_id = _id(told_trace), _id(told_span)
    if told_trace and not good_trace_id(trace_id) and (any(trace_id) or not trace_id):
        return count(decoded.rejected, BAD_TRACE_ID)
    if told_span and not good_span_id(span_id) and (any(span_id) or not span_id):
        return count(decoded.rejected, BAD_SPAN_ID)
    attributes = _attributes(record.get("attributes"))
    name = _text(_either(record, "eventName", "event_name")) or attributes.get("event.name")
    decoded.logs.append(
        LogRecord(
            scope,
            trace_id if any(trace_id) else b"",
            span_id if any(span_id) else b"",
            _nanoseconds(record, "timeUnixNano", "time_unix_nano", "observedTimeUnixNano", "observed_time_unix_nano")
            // 1000,
            name if isinstance(name, str) else "",
            _enum(_either(record, "severityNumber", "severity_number"), SEVERITIES),
            _value(record.get("body")),
            attributes,
            _dropped(record),
        )
    )
    return None


def _attributes(pairs: Any) -> Object:
    found: Object = {}
    for pair in _objects(pairs):
        key, value = pair.get("key", ""), pair.get("value")
        plain = _value(value)
        if isinstance(key, str) and plain is not None:
            found[clean(key)] = plain
    return found


def _value(value: Any, depth: int = 0) -> Any:
    """What an AnyValue holds; None for an empty one, and for one whose content does not fit its name."""
    if not isinstance(value, dict):
        return None
    for name, content in value.items():
        match name:
            case "stringValue" | "string_value":
                return clean(content) if isinstance(content, str) else None
            case "intValue" | "int_value":
                return _integer(content)
            case "doubleValue" | "double_value":
                return _double(content)
            case "boolValue" | "bool_value":
                return content if isinstance(content, bool) else None
            case "bytesValue" | "bytes_value":
                return _base64(content)
            case "arrayValue" | "array_value" | "kvlistValue" | "kvlist_value" if depth >= DEEPEST:
                return CUT_OFF
            case "arrayValue" | "array_value":
                return [_value(each, depth + 1) for each in _list(_object(content).get("values"))]
            case "kvlistValue" | "kvlist_value":
                pairs = _objects(_object(content).get("values"))
                return {_text(each.get("key")): _value(each.get("value"), depth + 1) for each in pairs}
    return None


def _integer(content: Any) -> int | None:
    if isinstance(content, str):
        try:
            content = int(content)
        except ValueError:
            content = _double(content)
    if isinstance(content, float) and content.is_integer():
        content = int(content)
    return whole(content) if isinstance(content, int) and not isinstance(content, bool) else None


def _double(content: Any) -> float | None:
    if isinstance(content, bool) or not isinstance(content, int | float | str):
        return None
    try:
        return finite(float(content))
    except (ValueError, OverflowError):
        return None


def _time(holder: Object, name: str, snake: str) -> int:
    """Microseconds; 0 where no time is told."""
    return _nanoseconds(holder, name, snake) // 1000


def _nanoseconds(holder: Object, *names: str) -> int:
    """Of the first name that tells a time."""
    return next((time for name in names if (time := _integer(holder.get(name)) or 0) > 0), 0)


def _dropped(holder: Object) -> int:
    return max(0, _integer(_either(holder, "droppedAttributesCount", "dropped_attributes_count")) or 0)


def _enum(content: Any, names: dict[str, int]) -> int:
    if isinstance(content, str) and content in names:
        return names[content]
    return _integer(content) or 0


def _id(content: Any) -> bytes:
    """The bytes of an id in hex, as OTLP has it, or in base64, as protobuf's own JSON form has it; else nothing."""
    if not isinstance(content, str):
        return b""
    try:
        return bytes.fromhex(content)
    except ValueError:
        return _base64(content) or b""


def _base64(content: Any) -> bytes | None:
    if not isinstance(content, str):
        return None
    try:
        return base64.b64decode(content.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        return None


def _either(holder: Object, name: str, snake: str) -> Any:
    found = holder.get(name)
    return holder.get(snake) if found is None else found


def _text(content: Any) -> str:
    return clean(content) if isinstance(content, str) else ""


def _list(content: Any) -> list[Any]:
    return content if isinstance(content, list) else []


def _object(content: Any) -> Object:
    return content if isinstance(content, dict) else {}


def _objects(content: Any) -> list[Object]:
    return [each for each in content if isinstance(each, dict)] if isinstance(content, list) else []
