"""Bodies over a real socket: what is taken, what is refused and how, and who may post."""

import asyncio
import base64
import gzip
import re
import socket
import threading
import zlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from prometheus_client import REGISTRY, generate_latest
from pydantic import SecretStr
from starlette.applications import Starlette

from bot.http import bodies, trail
from bot.http.problems import EXCEPTION_HANDLERS
from bot.http.server import HttpServer
from bot.settings import Settings
from bot.store import tokens
from bot.store.database import Database
from bot.store.tokens import TokenBook, TokenScope
from bot.trail.receiving import wire
from bot.trail.receiving.otlp import decode_logs, decode_traces
from bot.trail.receiving.otlp.jsonform import parsed
from bot.trail.receiving.writer import Failure, PathKind, Posted, Receipt, Writer, overloaded
from tests.unit.trail.otlp_bodies import add_span, as_json, chat, trace_request

PROTOBUF = {"Content-Type": "application/x-protobuf"}
JSON = {"Content-Type": "application/json"}
LANGFUSE = "/api/public/otel/v1/traces"


@dataclass
class Taken:
    kind: PathKind
    system: str | None
    size: int
    rejected: dict[str, int] = field(default_factory=dict)


@dataclass
class Memory:
    """A pipeline that decodes and remembers; `gate` holds it back, `locked` makes it refuse."""

    taken: list[Taken] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)
    locked: bool = False

    def __post_init__(self) -> None:
        self.gate.set()

    def read(self, posted: Posted) -> Taken:
        if posted.kind is PathKind.LITELLM:
            return Taken(posted.kind, posted.system, len(parsed(posted.body)))
        decoded = (decode_traces if posted.kind is PathKind.TRACES else decode_logs)(posted.body, posted.json)
        return Taken(posted.kind, posted.system, len(decoded.spans) + len(decoded.logs), decoded.rejected)

    def write(self, readings: Sequence[Taken]) -> Sequence[Receipt | Failure]:
        self.gate.wait(10)
        if self.locked:
            return [Failure(overloaded("database", "the database cannot be written now"))] * len(readings)
        self.taken += readings
        return [Receipt(sum(one.rejected.values()), "; ".join(one.rejected)) for one in readings]

    def close(self) -> None:
        pass


@asynccontextmanager
async def serving(
    db: Database, memory: Memory, *, token: str | None = None, **options: int
) -> AsyncIterator[httpx.AsyncClient]:
    writer = Writer[Taken](lambda: memory, **options)
    writer.start()
    settings = Settings(api_token=SecretStr(token) if token else None)
    app = Starlette(routes=trail.routes(settings, TokenBook(db), writer), exception_handlers=EXCEPTION_HANDLERS)
    async with HttpServer(app, host="127.0.0.1", port=0) as server:
        limits = httpx.Limits(max_connections=100)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", limits=limits, timeout=20) as client:
            yield client
    memory.gate.set()
    await writer.stop()


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
async def http(db: Database, memory: Memory) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(db, memory) as client:
        yield client


def problem_of(answer: httpx.Response) -> dict[str, Any]:
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert document["status"] == answer.status_code
    return document


def status_of(answer: httpx.Response) -> tuple[int, str]:
    """A `google.rpc.Status`, read by hand: its code and its message."""
    assert answer.headers["content-type"] == "application/x-protobuf"
    content = answer.content
    assert (content[0], content[2]) == (0x08, 0x12)
    length, start = content[3], 4
    if length > 127:
        length, start = (length & 127) + (content[4] << 7), 5
    assert len(content) == start + length
    return content[1], content[start:].decode()


RAW = zlib.compressobj(wbits=-15)
CHAT = chat("chatcmpl-1").SerializeToString()
PACKED = [
    ({}, CHAT),
    ({"Content-Encoding": "gzip"}, gzip.compress(CHAT)),
    ({"Content-Encoding": "deflate"}, zlib.compress(CHAT)),
    ({"Content-Encoding": "deflate"}, RAW.compress(CHAT) + RAW.flush()),
    ({"Content-Encoding": "identity"}, CHAT),
    ({"Content-Type": "application/json; charset=utf-8"}, as_json(chat("chatcmpl-1"))),
    ({"Content-Type": "application/json", "Content-Encoding": "gzip"}, gzip.compress(as_json(chat("chatcmpl-1")))),
]


@pytest.mark.parametrize(("headers", "body"), PACKED)
async def test_a_call_is_taken_in_every_form(
    http: httpx.AsyncClient, memory: Memory, headers: dict[str, str], body: bytes
) -> None:
    answer = await http.post("/v1/traces", content=body, headers=PROTOBUF | headers)
    assert answer.status_code == 200
    assert memory.taken == [Taken(PathKind.TRACES, None, 1)]
    if "json" in headers.get("Content-Type", ""):
        assert answer.headers["content-type"] == "application/json"
        assert answer.json() == {}
    else:
        assert answer.headers["content-type"] == "application/x-protobuf"
        assert ExportTraceServiceResponse.FromString(answer.content) == ExportTraceServiceResponse()


@pytest.mark.parametrize(
    ("path", "kind", "body"),
    [
        (LANGFUSE, PathKind.TRACES, as_json(chat("chatcmpl-1"))),
        ("/v1/logs", PathKind.LOGS, b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[{}]}]}]}'),
        ("/v1/litellm", PathKind.LITELLM, b'[{"id": "x"}]'),
    ],
)
async def test_every_path_is_read_as_what_it_is(
    http: httpx.AsyncClient, memory: Memory, path: str, kind: PathKind, body: bytes
) -> None:
    answer = await http.post(path, content=body, headers=JSON)
    assert (answer.status_code, answer.json()) == (200, {})
    assert memory.taken == [Taken(kind, None, 1)]


async def test_metrics_are_swallowed(http: httpx.AsyncClient, memory: Memory) -> None:
    answer = await http.post("/v1/metrics", content=b"anything", headers=PROTOBUF)
    assert (answer.status_code, answer.content) == (200, b"")
    assert (await http.post("/v1/metrics", content=b"{}", headers=JSON)).json() == {}
    assert memory.taken == []


async def test_refused_spans_are_told_in_the_form_of_the_request(http: httpx.AsyncClient) -> None:
    request = add_span(add_span(trace_request(), trace_id=b"short"), span_id=bytes(8))
    add_span(request)
    answer = await http.post("/v1/traces", content=request.SerializeToString(), headers=PROTOBUF)
    partial = ExportTraceServiceResponse.FromString(answer.content).partial_success
    assert (answer.status_code, partial.rejected_spans) == (200, 2)
    assert "trace_id is not 16 bytes" in partial.error_message
    answer = await http.post("/v1/traces", content=as_json(request), headers=JSON)
    assert answer.json()["partialSuccess"]["rejectedSpans"] == "2"
    body = b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[5, {"traceId": "aa"}]}]}]}'
    answer = await http.post("/v1/logs", content=body, headers=JSON)
    assert answer.json()["partialSuccess"]["rejectedLogRecords"] == "2"
    answer = await http.post("/v1/logs", content=b"\x0a\x08\x12\x06\x12\x04\x4a\x02ab", headers=PROTOBUF)
    assert ExportLogsServiceResponse.FromString(answer.content).partial_success.rejected_log_records == 1


@pytest.mark.parametrize(
    ("headers", "body", "status", "field"),
    [
        ({}, b"\x0a\xff", 400, None),
        ({"Content-Encoding": "gzip"}, CHAT, 400, None),
        ({"Content-Encoding": "gzip"}, gzip.compress(CHAT)[:-9], 400, None),
        ({"Content-Encoding": "br"}, CHAT, 415, None),
        (JSON, b'{"resourceSpans": [', 400, "body"),
        (JSON, b"[]", 400, "body"),
        (JSON | {"Content-Encoding": "br"}, b"{}", 415, "Content-Encoding"),
        ({"Content-Type": "text/plain"}, CHAT, 415, "Content-Type"),
        ({"Content-Type": "application/x-ndjson"}, b"{}", 415, "Content-Type"),
    ],
)
async def test_what_cannot_be_read_is_refused_in_the_form_of_the_request(
    http: httpx.AsyncClient, memory: Memory, headers: dict[str, str], body: bytes, status: int, field: str | None
) -> None:
    answer = await http.post("/v1/traces", content=body, headers=PROTOBUF | headers)
    assert answer.status_code == status
    if field is None:
        code, message = status_of(answer)
        assert code == 3
        assert message
    else:
        assert problem_of(answer)["field"] == field
    assert memory.taken == []


async def test_a_body_without_a_content_type_is_refused(http: httpx.AsyncClient) -> None:
    answer = await http.post("/v1/traces", content=CHAT)
    assert answer.status_code == 415
    assert "no content type" in problem_of(answer)["detail"]


async def test_a_bomb_is_refused(http: httpx.AsyncClient) -> None:
    bomb = gzip.compress(bytes(wire.LARGEST_BODY + 10), compresslevel=9)
    assert len(bomb) < 50_000
    answer = await http.post("/v1/traces", content=bomb, headers=PROTOBUF | {"Content-Encoding": "gzip"})
    assert answer.status_code == 413
    assert "larger than 32 MB" in status_of(answer)[1]


async def test_a_body_of_unknown_length_is_capped_while_it_comes(http: httpx.AsyncClient) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield bytes(1_000_000)

    answer = await http.post("/v1/traces", content=endless(), headers=PROTOBUF)
    assert answer.status_code == 413


async def test_other_methods_are_not_allowed(http: httpx.AsyncClient) -> None:
    assert (await http.get("/v1/traces")).status_code == 405


async def test_a_client_that_hangs_up_disturbs_nobody(http: httpx.AsyncClient, memory: Memory) -> None:
    for head in (b"Content-Length: 100\r\n\r\nabc", b"Transfer-Encoding: chunked\r\n\r\n5\r\nab"):
        with socket.create_connection((http.base_url.host, http.base_url.port or 0)) as client:
            client.sendall(b"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\n" + head)
            await asyncio.sleep(0.02)
    assert (await http.post("/v1/traces", content=CHAT, headers=PROTOBUF)).status_code == 200
    assert len(memory.taken) == 1


async def test_overload_is_503_with_retry_after_and_nothing_is_lost(db: Database, memory: Memory) -> None:
    memory.gate.clear()
    async with serving(db, memory, most_requests=4) as http:
        posts = [
            asyncio.create_task(http.post("/v1/traces", content=CHAT, headers=PROTOBUF if odd else JSON))
            for odd in (True,) * 20
        ]
        await asyncio.sleep(0.3)
        memory.gate.set()
        answers = await asyncio.gather(*posts)
        assert {answer.status_code for answer in answers} == {200, 503}
        for answer in answers:
            if answer.status_code == 503:
                assert answer.headers["retry-after"] == "1"
                assert status_of(answer)[0] == 14
        assert len(memory.taken) == sum(answer.status_code == 200 for answer in answers)
        assert (await http.post("/v1/traces", content=CHAT, headers=PROTOBUF)).status_code == 200


async def test_a_locked_database_is_503(http: httpx.AsyncClient, memory: Memory) -> None:
    memory.locked = True
    answer = await http.post("/v1/traces", content=as_json(chat("x")), headers=JSON)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert "database" in problem_of(answer)["detail"]


async def test_a_server_that_stops_answers_503_not_500(db: Database, memory: Memory) -> None:
    memory.gate.clear()
    async with serving(db, memory) as http:
        answered = asyncio.create_task(http.post("/v1/traces", content=CHAT, headers=PROTOBUF))
        await asyncio.sleep(0.1)
        # As uvicorn does to requests that outlast its patience.
        next(task for task in asyncio.all_tasks() if "run_asgi" in repr(task)).cancel()
        answer = await answered
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


async def test_a_defect_of_ours_is_503_not_500(http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(bodies, "Unpacker", fail)
    assert (await http.post("/v1/traces", content=CHAT, headers=PROTOBUF)).status_code == 503


async def test_what_is_going_on_can_be_measured(http: httpx.AsyncClient) -> None:
    await http.post("/v1/traces", content=CHAT, headers=PROTOBUF)
    told = generate_latest(REGISTRY).decode()
    documented = (Path(__file__).parents[3] / "docs/reference/http.md").read_text()
    names = set(re.findall(r"^# TYPE (badday_trail_\w+?)(?:_total)? ", told, re.MULTILINE))
    assert names >= {"badday_trail_bodies", "badday_trail_overloads", "badday_trail_waiting"}
    assert all(name in documented for name in names if not name.endswith("_created"))


@pytest.mark.parametrize("compression", [Compression.NoCompression, Compression.Gzip, Compression.Deflate])
async def test_opentelemetrys_exporter_sends_again_what_was_not_taken(
    http: httpx.AsyncClient, memory: Memory, compression: Compression
) -> None:
    memory.locked = True

    def report() -> None:
        exporter = OTLPSpanExporter(endpoint=f"{http.base_url}/v1/traces", timeout=10, compression=compression)
        provider = TracerProvider(resource=Resource({"service.name": "shop"}), shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        provider.get_tracer("test").start_span("chat gpt-4.1-mini", attributes={"gen_ai.operation.name": "chat"}).end()
        provider.shutdown()

    reporting = asyncio.create_task(asyncio.to_thread(report))
    await asyncio.sleep(0.3)
    assert memory.taken == []
    memory.locked = False
    await reporting
    assert memory.taken == [Taken(PathKind.TRACES, None, 1)]


async def test_without_any_token_the_door_is_open_whatever_is_sent(http: httpx.AsyncClient) -> None:
    headers = PROTOBUF | {"Authorization": "Basic " + base64.b64encode(b"pk-lf-1:sk-lf-1").decode()}
    assert (await http.post(LANGFUSE, content=CHAT, headers=headers)).status_code == 200


def basic(token: str) -> str:
    return "Basic " + base64.b64encode(f"anybody:{token}".encode()).decode()


async def test_once_there_is_a_token_one_is_needed(
    db: Database, http: httpx.AsyncClient, memory: Memory, now: datetime
) -> None:
    async with db.transaction() as session:
        made = await tokens.create(session, "shop", TokenScope.INGEST, actor="maria", now=now)
        reader = await tokens.create(session, "shop", TokenScope.READ, actor="maria", now=now)

    async def post(path: str, authorization: str | None) -> httpx.Response:
        headers = {} if authorization is None else {"Authorization": authorization}
        return await http.post(path, content=CHAT, headers=PROTOBUF | headers)

    for path in ("/v1/traces", "/v1/logs", "/v1/metrics", "/v1/litellm", LANGFUSE):
        for wrong in (None, "Bearer wrong", f"Bearer {made.token}x", f"Bearer bd_{made.id}_", "Basic %%%"):
            answer = await post(path, wrong)
            assert answer.status_code == 401, (path, wrong)
            assert problem_of(answer)["field"] == "Authorization"
            assert answer.headers["www-authenticate"].startswith("Bearer")
        answer = await post(path, f"Bearer {reader.token}")
        assert answer.status_code == 403
        assert made.token not in answer.text
    assert (await post("/v1/traces", basic(made.token))).status_code == 401
    for path, right in (
        ("/v1/traces", f"Bearer {made.token}"),
        ("/v1/traces", f"bearer%20{made.token}"),
        (LANGFUSE, f"Bearer {made.token}"),
        (LANGFUSE, basic(made.token)),
    ):
        assert (await post(path, right)).status_code == 200
    assert {one.system for one in memory.taken} == {"shop"}
    async with db.transaction() as session:
        await tokens.revoke(session, made.id, actor="maria", now=now)
    await asyncio.sleep(1.1)
    assert (await post("/v1/traces", f"Bearer {made.token}")).status_code == 401


async def test_the_admin_token_may_post_for_every_system(db: Database, memory: Memory) -> None:
    async with serving(db, memory, token="secret") as http:
        assert (await http.post("/v1/traces", content=CHAT, headers=PROTOBUF)).status_code == 401
        for path, authorization in (("/v1/traces", "Bearer secret"), (LANGFUSE, basic("secret"))):
            headers = PROTOBUF | {"Authorization": authorization}
            assert (await http.post(path, content=CHAT, headers=headers)).status_code == 200
    assert {one.system for one in memory.taken} == {None}


async def test_tokens_that_cannot_be_looked_up_are_503(memory: Memory) -> None:
    absent = Database("postgresql://127.0.0.1:1/none")
    async with serving(absent, memory) as http:
        answer = await http.post("/v1/traces", content=orjson.dumps({}), headers=JSON)
    await absent.close()
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
