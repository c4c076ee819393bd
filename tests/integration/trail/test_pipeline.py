"""Whose fault a failure is: a defect costs the span that has it, a locked database costs a second, nothing else."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import orjson
import psycopg
import pytest
from sqlalchemy import select

from bot.catalog import Catalog, parse_catalog
from bot.store.database import Database
from bot.store.tables import Call
from bot.trail.queries import asking as queries
from bot.trail.queries.asking import Filter
from bot.trail.receiving.defects import DEFECT
from bot.trail.receiving.otlp import UndecodableError
from bot.trail.receiving.pipeline import NOT_JSON, TrailPipeline
from bot.trail.receiving.writer import Failure, OverloadedError, PathKind, Posted, Receipt
from bot.trail.redaction.fingerprint import user_hash
from bot.trail.spans import Decoded
from bot.trail.storing import open_store
from tests.unit.trail.otlp_bodies import add_span, as_json, chat, chat_attributes, trace_request

CATALOG = """
badday: 1
people:
  maria: {name: Maria Ortiz, email: maria@example.com}
providers: {openai: {}}
systems:
  shop: {owner: maria, channel: shop}
"""


@pytest.fixture
def catalog() -> Catalog:
    return parse_catalog(CATALOG)


@pytest.fixture
def pipeline(db: Database, database_url: str, catalog: Catalog, now: datetime) -> Iterator[TrailPipeline]:
    made = TrailPipeline(open_store(database_url), catalog=lambda: catalog, clock=lambda: now)
    yield made
    made.close()


def posted(body: bytes, *, kind: PathKind = PathKind.TRACES, json: bool = False, system: str | None = None) -> Posted:
    return Posted(kind, json, body, system)


def of(number: int, attributes: dict[str, Any] | None = None) -> bytes:
    """A body with a call of its own."""
    return many(number, attributes=attributes)


def many(*numbers: int, attributes: dict[str, Any] | None = None) -> bytes:
    request = trace_request()
    for number in numbers:
        add_span(
            request,
            trace_id=number.to_bytes(16, "big"),
            span_id=number.to_bytes(8, "big"),
            attributes=chat_attributes(f"chatcmpl-{number}") | (attributes or {}),
        )
    return request.SerializeToString()


async def response_ids(db: Database) -> set[str | None]:
    async with db.reading() as session:
        return {call.response_id for call in await queries.newest(session, Filter(), None)}


async def test_several_bodies_are_one_commit_and_each_has_its_receipt(db: Database, pipeline: TrailPipeline) -> None:
    readings = [pipeline.read(posted(of(number))) for number in (1, 2, 3)]
    assert pipeline.write(readings) == [Receipt()] * 3
    assert await response_ids(db) == {"chatcmpl-1", "chatcmpl-2", "chatcmpl-3"}


async def test_a_call_belongs_to_the_tokens_system_else_to_the_service(db: Database, pipeline: TrailPipeline) -> None:
    pipeline.write([pipeline.read(posted(of(1))), pipeline.read(posted(of(2), system="desk"))])
    async with db.reading() as session:
        systems = {call.response_id: call.system for call in await queries.newest(session, Filter(), None)}
    assert systems == {"chatcmpl-1": "shop", "chatcmpl-2": "desk"}


async def test_a_defect_in_mapping_costs_only_the_span_that_has_it(
    db: Database, pipeline: TrailPipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    working = pipeline._mapper.map

    def failing(decoded: Decoded, *, system: str | None) -> Any:
        if any(span.span_id[-1] == 2 for span in decoded.spans):
            raise ZeroDivisionError
        return working(decoded, system=system)

    monkeypatch.setattr(pipeline._mapper, "map", failing)
    assert pipeline.write([pipeline.read(posted(many(1, 2, 3)))]) == [Receipt(1, f"{DEFECT} (1)")]
    assert await response_ids(db) == {"chatcmpl-1", "chatcmpl-3"}


async def test_a_defect_in_writing_costs_only_the_span_that_has_it(
    db: Database, pipeline: TrailPipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    working = pipeline._ingest._call

    def failing(call: Any, series_id: int) -> Any:
        if call.span_id[-1] == 5:
            raise ZeroDivisionError
        return working(call, series_id)

    monkeypatch.setattr(pipeline._ingest, "_call", failing)
    readings = [pipeline.read(posted(body)) for body in (many(*range(1, 9)), of(20), of(21))]
    assert pipeline.write(readings) == [Receipt(1, f"{DEFECT} (1)"), Receipt(), Receipt()]
    expected = {f"chatcmpl-{number}" for number in (1, 2, 3, 4, 6, 7, 8, 20, 21)}
    assert await response_ids(db) == expected


async def test_what_is_written_in_parts_is_tidied_once(
    db: Database, pipeline: TrailPipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    working = pipeline._ingest._call

    def failing(call: Any, series_id: int) -> Any:
        if call.span_id[-1] == 2:
            raise ZeroDivisionError
        return working(call, series_id)

    monkeypatch.setattr(pipeline._ingest, "_call", failing)
    pipeline.write([pipeline.read(posted(many(1, 2, 3, attributes={"user.id": "ana"})))])
    async with db.reading() as session:
        users = set((await session.execute(select(Call.user_hash))).scalars())
    assert users == {user_hash("ana")}


@contextmanager
def unavailable(pipeline: TrailPipeline, database_url: str) -> Iterator[None]:
    """The database cannot be written: on SQLite somebody holds it, on PostgreSQL the writer's connections are cut."""
    if database_url.startswith("sqlite"):
        pipeline._store._connected().execute("PRAGMA busy_timeout=50")  # type: ignore[attr-defined]
        holder = sqlite3.connect(database_url.removeprefix("sqlite:///"), isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        yield
        holder.execute("ROLLBACK")
        holder.close()
        return
    with psycopg.connect(database_url, autocommit=True) as cutter:
        cutter.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND state IS NOT NULL"
        )
        yield


async def test_a_database_that_cannot_be_written_is_told_as_such_and_the_body_is_taken_later(
    db: Database, pipeline: TrailPipeline, database_url: str
) -> None:
    pipeline.write([pipeline.read(posted(of(1)))])
    await db.close()
    with unavailable(pipeline, database_url):
        (outcome,) = pipeline.write([pipeline.read(posted(of(2)))])
    assert isinstance(outcome, Failure)
    assert isinstance(outcome.error, OverloadedError)
    assert pipeline.write([pipeline.read(posted(of(2)))]) == [Receipt()]
    assert await response_ids(db) == {"chatcmpl-1", "chatcmpl-2"}


RECORD = {
    "id": "chatcmpl-9",
    "trace_id": "t-1",
    "call_type": "acompletion",
    "status": "success",
    "model": "gpt-4.1-mini",
    "custom_llm_provider": "openai",
    "messages": [{"role": "user", "content": "hi"}],
    "response": {"id": "chatcmpl-9", "choices": [{"message": {"role": "assistant", "content": "hello"}}]},
    "prompt_tokens": 5,
    "completion_tokens": 2,
    "startTime": 1795440000.0,
    "endTime": 1795440001.0,
}


@pytest.mark.parametrize(
    "body",
    [
        orjson.dumps([RECORD]),
        orjson.dumps(RECORD),
        orjson.dumps(RECORD) + b"\n",
        b"\n" + orjson.dumps(RECORD) + b"\r\n",
    ],
)
async def test_litellm_records_come_as_an_array_alone_or_as_lines(
    db: Database, pipeline: TrailPipeline, body: bytes
) -> None:
    reading = pipeline.read(posted(body, kind=PathKind.LITELLM, json=True))
    assert pipeline.write([reading]) == [Receipt()]
    assert await response_ids(db) == {"chatcmpl-9"}


async def test_bad_litellm_records_are_counted(db: Database, pipeline: TrailPipeline) -> None:
    lines = orjson.dumps(RECORD) + b"\n{\n" + orjson.dumps(RECORD | {"id": "chatcmpl-10", "response": {}})
    reading = pipeline.read(posted(lines, kind=PathKind.LITELLM, json=True))
    assert reading.rejected == {NOT_JSON: 1}
    reading = pipeline.read(posted(orjson.dumps([RECORD, 5, "x"]), kind=PathKind.LITELLM, json=True))
    assert (reading.size, sum(reading.rejected.values())) == (1, 2)
    for body in (b"5", b"{", b""):
        with pytest.raises(UndecodableError):
            pipeline.read(posted(body, kind=PathKind.LITELLM, json=True))


HOSTILE: list[dict[str, Any]] = [
    {"gen_ai.input.messages": '[{"role":"user","content":"nul \\u0000 and half \\ud83d"}]'},
    {"gen_ai.output.messages": '[{"role":"assistant","parts":[{"type":"text","content":"\\u0000\\udc00"}]}]'},
    {"gen_ai.output.messages": '[{"role":"assistant","parts":[{"type":"text","content":"nul \\u0000 here"}]}]'},
    {"gen_ai.output.messages": "[{'role': 'assistant', 'content': 'python \\ud83d \\x00'}]"},
    {"gen_ai.completion": '{"choices":[{"message":{"content":"\\u0000"}}]}', "gen_ai.prompt": '"\\ud83d\\u0000"'},
    {"metadata": '{"user":"\\u0000\\ud83d","tags":["\\u0000"]}', "llm.request.parameters": '{"a":"\\u0000"}'},
    {"gen_ai.output.messages": "[" * 5000},
    {"gen_ai.input.messages": "[" * 400 + "]" * 400},
    {"gen_ai.usage.input_tokens": 2**62, "gen_ai.usage.output_tokens": -5},
    {"gen_ai.usage.input_tokens": 1e300},
    {"gen_ai.usage.input_tokens": "9" * 5000},
    {"gen_ai.request.model": "m" * 100_000},
    {"gen_ai.request.model": ["a", {"b": 1}]},
    {"gen_ai.response.id": {"x": 1}},
    {"gen_ai.response.id": "r" * 10_000},
    {"gen_ai.conversation.id": "\N{PILE OF POO}" * 3000},
    {"error.type": "x" * 10_000, "http.response.status_code": 2**60},
    {"gen_ai.prompt.version": True, "gen_ai.prompt.name": b"\xff\x00"},
    {"odd\N{SNOWMAN}": {"deep": [[[[["x"]]]]], "n": 1e308, "b": b"\x00\xff"}},
    {"gen_ai.response.finish_reasons": [1, "stop", ["x"]]},
    {"service.name": "", "user.id": 5, "session.id": 1.5},
]


@pytest.mark.parametrize("attributes", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("json", [False, True])
async def test_hostile_attributes_neither_break_the_database_nor_lose_the_call(
    db: Database, pipeline: TrailPipeline, attributes: dict[str, Any], json: bool
) -> None:
    request = chat("chatcmpl-1")
    del request.resource_spans[0].scope_spans[0].spans[:]
    add_span(request, attributes=chat_attributes("chatcmpl-1") | attributes)
    body = as_json(request) if json else request.SerializeToString()
    assert pipeline.write([pipeline.read(posted(body, json=json))]) == [Receipt()]
    async with db.reading() as session:
        calls = await queries.newest(session, Filter(), None, bodies=True)
    assert len(calls) == 1
