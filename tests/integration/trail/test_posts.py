"""Odd bodies posted to the running bot: status, calls and rejections as a receiver of OTLP owes them."""

import gzip
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from bot.app import Application
from bot.settings import Settings
from bot.trail.queries import asking as queries
from bot.trail.queries.asking import Filter
from bot.trail.queries.records import CallRecord
from tests.unit.trail.otlp_bodies import SPAN, START_NS, TRACE, add_span, as_json, chat, chat_attributes, trace_request

CATALOG = """
badday: 1
people:
  maria: {name: Maria Ortiz, email: maria@example.com}
providers: {openai: {}}
systems:
  shop: {owner: maria, channel: shop}
"""
PROTOBUF, JSON = "application/x-protobuf", "application/json"
YEAR_NS = 365 * 86_400 * 10**9


@dataclass
class Posts:
    """The bot's role `trail`, and what one posts to it."""

    http: httpx.AsyncClient
    application: Application

    async def __call__(self, body: bytes, *, form: str = PROTOBUF, path: str = "/v1/traces", **headers: str) -> int:
        answer = await self.http.post(path, content=body, headers={"Content-Type": form} | headers)
        if answer.status_code != 200:
            return answer.status_code
        if form == PROTOBUF:
            self.rejected = ExportTraceServiceResponse.FromString(answer.content).partial_success.rejected_spans
        return 200

    rejected: int = field(default=0, init=False)

    async def calls(self) -> list[CallRecord]:
        async with self.application.db.reading() as session:
            return await queries.newest(session, Filter(), None, bodies=True)


@pytest.fixture
async def post(tmp_path: Path, database_url: str) -> AsyncIterator[Posts]:
    (tmp_path / "badday.yaml").write_text(CATALOG)
    settings = Settings(config=tmp_path / "badday.yaml", database_url=database_url, http_port=0)
    application = Application(settings, only={"trail"})
    await application.start()
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{application.http_port}", timeout=20) as http:
            yield Posts(http, application)
    finally:
        await application.stop()


def one(attributes: dict[str, Any] | None = None, service: str | None = "shop", **fields: Any) -> bytes:
    """A body with one call."""
    told = chat_attributes("chatcmpl-1") | (attributes or {})
    return add_span(trace_request(service), attributes=told, **fields).SerializeToString()


async def test_the_very_same_bytes_again_add_nothing(post: Posts) -> None:
    assert [await post(one()), await post(one())] == [200, 200]
    (call,) = await post.calls()
    assert (call.system, call.response_id, call.input_tokens, call.output_tokens) == ("shop", "chatcmpl-1", 100, 10)
    assert (call.output, call.latency_ms) == ("On its way.", 1000.0)


@pytest.mark.parametrize(
    ("body", "form", "encoding", "status"),
    [
        (b"", PROTOBUF, "", 200),
        (b"{}", JSON, "", 200),
        (one()[:-20], PROTOBUF, "", 400),
        (b"not gzip", PROTOBUF, "gzip", 400),
        (one(), PROTOBUF, "br", 415),
        (b"hello", "text/plain", "", 415),
        (gzip.compress(bytes(40_000_000)), PROTOBUF, "gzip", 413),
        (b'{"resourceSpans": [{', JSON, "", 400),
    ],
)
async def test_bodies_without_calls_are_answered_by_the_rules(
    post: Posts, body: bytes, form: str, encoding: str, status: int
) -> None:
    headers = {"Content-Encoding": encoding} if encoding else {}
    assert await post(body, form=form, **headers) == status
    assert await post.calls() == []


async def test_messages_may_be_nested_values(post: Posts) -> None:
    messages = [{"role": "assistant", "parts": [{"type": "text", "content": "Tomorrow."}], "finish_reason": "stop"}]
    assert await post(one({"gen_ai.output.messages": messages})) == 200
    assert [call.output for call in await post.calls()] == ["Tomorrow."]


async def test_a_call_without_a_service_name_is_kept(post: Posts) -> None:
    assert await post(one(service=None)) == 200
    assert [call.system for call in await post.calls()] == ["unknown"]


async def test_odd_times_cost_no_call(post: Posts) -> None:
    request = trace_request()
    for number, (start, end) in enumerate(
        [(START_NS, START_NS - 1), (0, START_NS), (START_NS + 10 * YEAR_NS, START_NS + 11 * YEAR_NS)]
    ):
        add_span(
            request,
            trace_id=bytes([number + 1] * 16),
            span_id=bytes([number + 1] * 8),
            start_time_unix_nano=start,
            end_time_unix_nano=end,
            attributes=chat_attributes(f"chatcmpl-{number}"),
        )
    assert await post(request.SerializeToString()) == 200
    calls = await post.calls()
    assert len(calls) == 3
    assert all(call.latency_ms is None or call.latency_ms >= 0 for call in calls)


async def test_bad_ids_are_refused_one_by_one(post: Posts) -> None:
    request = add_span(trace_request(), trace_id=bytes(16), attributes=chat_attributes("chatcmpl-2"))
    add_span(request, span_id=b"abc", attributes=chat_attributes("chatcmpl-3"))
    add_span(request, attributes=chat_attributes("chatcmpl-1"))
    assert await post(request.SerializeToString()) == 200
    assert post.rejected == 2
    assert [call.response_id for call in await post.calls()] == ["chatcmpl-1"]


async def test_spans_of_other_things_are_neither_stored_nor_refused(post: Posts) -> None:
    body = add_span(trace_request(), name="GET /", attributes={"http.request.method": "GET"}).SerializeToString()
    assert await post(body) == 200
    assert post.rejected == 0
    assert await post.calls() == []


async def test_two_spans_of_one_call_in_two_posts_are_one_call(post: Posts) -> None:
    inner = one(parent_span_id=bytes([7] * 8))
    outer = add_span(
        trace_request(scope="another"), span_id=bytes([7] * 8), attributes=chat_attributes("chatcmpl-1")
    ).SerializeToString()
    assert [await post(inner), await post(outer)] == [200, 200]
    assert len(await post.calls()) == 1


async def test_numbers_may_be_texts_and_fractions(post: Posts) -> None:
    assert await post(one({"gen_ai.usage.input_tokens": "100", "gen_ai.usage.output_tokens": 10.0})) == 200
    (call,) = await post.calls()
    assert (call.input_tokens, call.output_tokens) == (100, 10)


async def test_dropped_attributes_are_told(post: Posts) -> None:
    assert await post(one(dropped_attributes_count=55)) == 200
    assert [call.truncated for call in await post.calls()] == [True]


async def test_json_is_the_same_call(post: Posts) -> None:
    document = orjson.loads(as_json(chat("chatcmpl-1")))
    span = document["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
    span |= {"kind": "SPAN_KIND_CLIENT", "startTimeUnixNano": START_NS, "newField": {"x": 1}}
    assert (span["traceId"], span["spanId"]) == (TRACE.hex(), SPAN.hex())
    assert await post(orjson.dumps(document), form=JSON) == 200
    assert await post(chat("chatcmpl-1").SerializeToString()) == 200
    (call,) = await post.calls()
    assert (call.input_tokens, call.output) == (100, "On its way.")
