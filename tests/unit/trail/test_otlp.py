"""OTLP bodies, good, bad and hostile, become spans and log records or a refusal; never anything else."""

import time
from typing import Any

import orjson
import pytest
from google.protobuf.internal.encoder import _VarintBytes  # type: ignore[import-untyped]
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from bot.trail.receiving.otlp import UndecodableError, decode_logs, decode_traces
from bot.trail.receiving.otlp.parts import BAD_SHAPE, BAD_SPAN_ID, BAD_TRACE_ID, CUT_OFF
from bot.trail.spans import Decoded
from tests.unit.trail.otlp_bodies import SPAN, START_NS, TRACE, add_span, any_value, as_json, trace_request

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
IDS = st.one_of(st.binary(min_size=16, max_size=16), st.binary(max_size=20), st.just(bytes(16)), st.just(TRACE))
SPAN_IDS = st.one_of(st.binary(min_size=8, max_size=8), st.binary(max_size=12), st.just(bytes(8)), st.just(SPAN))
VALUES = st.recursive(
    st.one_of(
        TEXTS,
        st.integers(-(2**63) + 1, 2**63 - 1),
        st.floats(allow_nan=False, allow_infinity=False),
        st.booleans(),
        st.binary(max_size=8),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=8,
)
ATTRIBUTES = st.dictionaries(TEXTS, VALUES, max_size=5)
TIMES = st.integers(0, 2**63 - 1)


@st.composite
def trace_requests(draw: st.DrawFn) -> ExportTraceServiceRequest:
    request = trace_request(draw(st.none() | TEXTS), draw(TEXTS))
    for _ in range(draw(st.integers(0, 3))):
        add_span(
            request,
            trace_id=draw(IDS),
            span_id=draw(SPAN_IDS),
            parent_span_id=draw(SPAN_IDS),
            name=draw(TEXTS),
            kind=draw(st.integers(0, 5)),
            start_time_unix_nano=draw(TIMES),
            end_time_unix_nano=draw(TIMES),
            dropped_attributes_count=draw(st.integers(0, 2**32 - 1)),
            attributes=draw(ATTRIBUTES),
        )
        span = request.resource_spans[0].scope_spans[0].spans[-1]
        span.status.code = draw(st.integers(0, 2))
        span.status.message = draw(TEXTS)
        for key, value in draw(ATTRIBUTES).items():
            span.events.add(name=draw(TEXTS)).attributes.add(key=key).value.CopyFrom(any_value(value))
    return request


@st.composite
def log_requests(draw: st.DrawFn) -> ExportLogsServiceRequest:
    request = ExportLogsServiceRequest()
    scope = request.resource_logs.add().scope_logs.add()
    for _ in range(draw(st.integers(0, 3))):
        record = scope.log_records.add(
            trace_id=draw(IDS | st.just(b"")),
            span_id=draw(SPAN_IDS | st.just(b"")),
            event_name=draw(TEXTS),
            time_unix_nano=draw(TIMES),
            observed_time_unix_nano=draw(TIMES),
            severity_number=draw(st.integers(0, 24)),
        )
        record.body.CopyFrom(any_value(draw(VALUES)))
        for key, value in draw(ATTRIBUTES).items():
            record.attributes.add(key=key).value.CopyFrom(any_value(value))
    return request


@given(trace_requests())
def test_spans_are_the_same_in_protobuf_and_in_json(request: ExportTraceServiceRequest) -> None:
    assert decode_traces(request.SerializeToString(), False) == decode_traces(as_json(request), True)


@given(log_requests())
def test_log_records_are_the_same_in_protobuf_and_in_json(request: ExportLogsServiceRequest) -> None:
    assert decode_logs(request.SerializeToString(), False) == decode_logs(as_json(request), True)


@given(st.dictionaries(TEXTS, VALUES, max_size=8))
def test_attribute_values_arrive_as_they_were_sent(attributes: dict[str, Any]) -> None:
    body = add_span(trace_request(), attributes=attributes).SerializeToString()
    assert decode_traces(body, False).spans[0].attributes == attributes


@given(st.binary(max_size=300), st.booleans(), st.booleans())
def test_arbitrary_bytes_are_decoded_or_refused(body: bytes, json: bool, of_traces: bool) -> None:
    assert_decoded_or_refused(body, json, of_traces)


@given(trace_requests(), st.data())
def test_damaged_bodies_are_decoded_or_refused(request: ExportTraceServiceRequest, data: st.DataObject) -> None:
    body = bytearray(request.SerializeToString())
    for _ in range(data.draw(st.integers(1, 5))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    assert_decoded_or_refused(bytes(body), False, data.draw(st.booleans()))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
NAMES = """
resourceSpans resourceLogs resource attributes scopeSpans scopeLogs scope spans logRecords traceId spanId name
kind startTimeUnixNano status code events key value stringValue intValue doubleValue boolValue bytesValue
arrayValue kvlistValue values body severityNumber droppedAttributesCount parentSpanId
"""
WORDS = st.sampled_from(NAMES.split())
SHAPED = st.recursive(
    JSON | st.sampled_from([TRACE.hex(), SPAN.hex()]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=6),
    max_leaves=20,
)


@given(SHAPED, st.booleans())
@settings(max_examples=300)
def test_any_json_is_decoded_or_refused(document: Any, of_traces: bool) -> None:
    try:
        body = orjson.dumps(document)
    except TypeError:  # whole numbers that orjson does not write
        return
    assert_decoded_or_refused(body, True, of_traces)


@given(SHAPED)
def test_a_span_of_any_shape_does_not_spoil_its_neighbour(odd: Any) -> None:
    document = orjson.loads(as_json(add_span(trace_request())))
    document["resourceSpans"][0]["scopeSpans"][0]["spans"].insert(0, odd)
    try:
        body = orjson.dumps(document)
    except TypeError:
        return
    decoded = decode_traces(body, True)
    assert any(span.span_id == SPAN for span in decoded.spans)
    assert len(decoded.spans) + sum(decoded.rejected.values()) == 2


def assert_decoded_or_refused(body: bytes, json: bool, of_traces: bool) -> None:
    try:
        decoded = (decode_traces if of_traces else decode_logs)(body, json)
    except UndecodableError:
        return
    for span in decoded.spans:
        assert len(span.trace_id) == 16
        assert len(span.span_id) == 8
        assert_storable(span.attributes)
        assert_storable(span.name)
    for record in decoded.logs:
        assert len(record.trace_id) in (0, 16)
        assert len(record.span_id) in (0, 8)
        assert_storable(record.body)


def assert_storable(value: Any) -> None:
    """No half surrogate, no NUL, nothing that a 64-bit column cannot hold."""
    if isinstance(value, str):
        value.encode()
        assert "\0" not in value
    elif isinstance(value, int):
        assert abs(value) < 2**63 or value == -(2**63)
    elif isinstance(value, float):
        assert value - value == 0
    elif isinstance(value, list):
        for each in value:
            assert_storable(each)
    elif isinstance(value, dict):
        for key, each in value.items():
            assert_storable(key)
            assert_storable(each)


@pytest.mark.parametrize("json", [False, True])
def test_spans_with_bad_ids_are_counted_and_their_neighbours_kept(json: bool) -> None:
    request = trace_request()
    add_span(request, trace_id=bytes(16))
    add_span(request, trace_id=TRACE[:8])
    add_span(request, span_id=b"")
    add_span(request)
    decoded = decode_traces(as_json(request) if json else request.SerializeToString(), json)
    assert [span.span_id for span in decoded.spans] == [SPAN]
    assert decoded.rejected == {BAD_TRACE_ID: 2, BAD_SPAN_ID: 1}


def test_json_takes_numbers_as_texts_enums_by_name_and_ids_in_base64() -> None:
    document = {
        "resourceSpans": [
            {
                "newThing": 1,
                "scopeSpans": [
                    {
                        "spans": [
                            {
                                "traceId": "CvdlGRbNQ92ESOshHIAxnA==",
                                "spanId": "t61rcWkgMzE=",
                                "kind": "SPAN_KIND_CLIENT",
                                "startTimeUnixNano": START_NS,
                                "endTimeUnixNano": str(START_NS + 1000),
                                "status": {"code": "STATUS_CODE_ERROR"},
                                "attributes": [
                                    {"key": "a", "value": {"intValue": "100"}},
                                    {"key": "b", "value": {"doubleValue": "1.5"}},
                                    {"key": "c", "value": {"intValue": 10.0}},
                                    {"key": "d", "value": {"intValue": "many"}},
                                    {"key": "e", "value": {"doubleValue": "NaN"}},
                                    {"key": "f", "value": {"intValue": "FAR"}},
                                ],
                            },
                            7,
                        ]
                    }
                ],
            }
        ]
    }
    decoded = decode_traces(orjson.dumps(document).replace(b'"FAR"', b"1e30"), True)
    span = decoded.spans[0]
    assert (span.trace_id, span.span_id, span.kind, span.status) == (TRACE, SPAN, 3, 2)
    assert (span.start_us, span.end_us) == (START_NS // 1000, START_NS // 1000 + 1)
    assert span.attributes == {"a": 100, "b": 1.5, "c": 10}
    assert decoded.rejected == {BAD_SHAPE: 1}


def test_names_in_snake_case_are_read_too() -> None:
    body = b"""{"resource_spans": [{"scope_spans": [{"spans": [{"trace_id": "%s", "span_id": "%s",
        "attributes": [{"key": "k", "value": {"string_value": "v"}}]}]}]}]}"""
    span = decode_traces(body % (TRACE.hex().encode(), SPAN.hex().encode()), True).spans[0]
    assert span.attributes == {"k": "v"}


def test_half_an_emoji_and_nul_do_not_reach_the_database() -> None:
    told = as_json(add_span(trace_request(), attributes={"k": "MARK"}))
    span = decode_traces(told.replace(b"MARK", rb"cut \ud83d off\u0000"), True).spans[0]
    assert span.attributes == {"k": "cut ? off"}
    span = decode_traces(add_span(trace_request(), attributes={"k\0": "a\0b"}).SerializeToString(), False).spans[0]
    assert span.attributes == {"k": "ab"}


def test_text_that_is_not_utf_8_is_mended_in_both_forms() -> None:
    request = add_span(trace_request(), attributes={"k": "MARK", "n": 5})
    for body, json in ((request.SerializeToString(), False), (as_json(request), True)):
        span = decode_traces(body.replace(b"MARK", b"ok\xe2\x82"), json).spans[0]
        assert span.attributes == {"k": "ok\N{REPLACEMENT CHARACTER}", "n": 5}
        assert (span.trace_id, span.span_id) == (TRACE, SPAN)


def test_deep_values_are_cut_off_or_refused() -> None:
    value: Any = "x"
    for _ in range(40):
        value = [value]
    request = add_span(trace_request(), attributes={"deep": value})
    assert CUT_OFF in str(decode_traces(as_json(request), True).spans[0].attributes)
    message = b""
    for field in (b"\x0a", b"\x2a") * 1000 + (b"\x12", b"\x4a", b"\x12", b"\x12", b"\x0a"):
        message = field + _VarintBytes(len(message)) + message
    for json, body in (
        (False, message),
        (True, b'{"resourceSpans":' + b"[" * 100_000),
        (True, b"[" * 900 + b"]" * 900),
    ):
        with pytest.raises(UndecodableError):
            decode_traces(body, json)


@pytest.mark.parametrize(
    ("body", "json"),
    [
        (b"\n\x00" * 8_000_000, False),
        (b'{"resourceSpans":[' + b"[]," * 8_000_000 + b"[]]}", True),
    ],
)
def test_a_body_of_nothing_but_tiny_parts_is_refused_quickly(body: bytes, json: bool) -> None:
    started = time.process_time()
    with pytest.raises(UndecodableError, match="too many parts"):
        decode_traces(body, json)
    assert time.process_time() - started < 1


@pytest.mark.parametrize("body", [b"", b"[]", b"5", b"null", b"{", b'"x"'])
def test_json_that_is_no_request_is_refused(body: bytes) -> None:
    with pytest.raises(UndecodableError):
        decode_traces(body, True)


def test_an_empty_request_is_no_error() -> None:
    assert decode_traces(b"", False) == decode_traces(b"{}", True) == Decoded()


def test_a_log_record_needs_no_span_and_may_be_named_by_an_attribute() -> None:
    request = ExportLogsServiceRequest()
    records = request.resource_logs.add().scope_logs.add().log_records
    records.add(observed_time_unix_nano=START_NS).attributes.add(key="event.name").value.string_value = "gen_ai.choice"
    records.add(trace_id=TRACE[:3])
    decoded = decode_logs(request.SerializeToString(), False)
    assert [(r.trace_id, r.span_id, r.time_us, r.event_name) for r in decoded.logs] == [
        (b"", b"", START_NS // 1000, "gen_ai.choice")
    ]
    assert decoded.rejected == {BAD_TRACE_ID: 1}
