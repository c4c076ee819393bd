"""Builds OTLP requests for tests: the same spans in protobuf and in JSON."""

from typing import Any

import orjson
from google.protobuf.json_format import MessageToDict  # type: ignore[import-untyped]
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

TRACE = bytes.fromhex("0af7651916cd43dd8448eb211c80319c")
SPAN = bytes.fromhex("b7ad6b7169203331")
START_NS = 1_795_440_000_000_000_000


def any_value(value: Any) -> AnyValue:
    """The OTLP wrapper of a plain value."""
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, str):
        return AnyValue(string_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    if isinstance(value, float):
        return AnyValue(double_value=value)
    if isinstance(value, bytes):
        return AnyValue(bytes_value=value)
    wrapped = AnyValue()
    if isinstance(value, list):
        wrapped.array_value.SetInParent()
        wrapped.array_value.values.extend(any_value(each) for each in value)
    elif isinstance(value, dict):
        wrapped.kvlist_value.SetInParent()
        for key, each in value.items():
            wrapped.kvlist_value.values.add(key=key).value.CopyFrom(any_value(each))
    return wrapped


def trace_request(service: str | None = "shop", scope: str = "handmade") -> ExportTraceServiceRequest:
    """A request without spans."""
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    if service is not None:
        group.resource.attributes.add(key="service.name").value.string_value = service
    group.scope_spans.add().scope.name = scope
    return request


def add_span(
    request: ExportTraceServiceRequest, *, attributes: dict[str, Any] | None = None, **fields: Any
) -> ExportTraceServiceRequest:
    """Append a span to the request's only scope."""
    told = {
        "trace_id": TRACE,
        "span_id": SPAN,
        "name": "chat gpt-4.1-mini",
        "kind": 3,
        "start_time_unix_nano": START_NS,
        "end_time_unix_nano": START_NS + 1_000_000_000,
    }
    span = request.resource_spans[0].scope_spans[0].spans.add(**(told | fields))
    for key, value in (attributes or {}).items():
        span.attributes.add(key=key).value.CopyFrom(any_value(value))
    return request


def chat(response_id: str, **fields: Any) -> ExportTraceServiceRequest:
    """A request with one finished chat call."""
    return add_span(trace_request(), attributes=chat_attributes(response_id), **fields)


def chat_attributes(response_id: str) -> dict[str, Any]:
    """What the conventions ask of a chat span."""
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4.1-mini",
        "gen_ai.response.model": "gpt-4.1-mini-2025-04-14",
        "gen_ai.response.id": response_id,
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 10,
        "gen_ai.input.messages": '[{"role":"user","parts":[{"type":"text","content":"Where is my parcel?"}]}]',
        "gen_ai.output.messages": '[{"role":"assistant","parts":[{"type":"text","content":"On its way."}]}]',
    }


def as_json(request: ExportTraceServiceRequest | ExportLogsServiceRequest) -> bytes:
    """OTLP/JSON: as protobuf's own form, but ids in hex and enums as numbers."""
    document = MessageToDict(request, use_integers_for_enums=True)
    _hex(document)
    return orjson.dumps(document)


def _hex(value: Any) -> None:
    import base64

    if isinstance(value, list):
        for each in value:
            _hex(each)
    elif isinstance(value, dict):
        for key, each in value.items():
            if key in ("traceId", "spanId", "parentSpanId"):
                value[key] = base64.b64decode(each).hex()
            else:
                _hex(each)
