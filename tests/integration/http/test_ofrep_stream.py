"""The stream of changes: told of what another process changed, and only to those whose keys it concerns."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import perf_counter
from typing import Any

import httpx
import pytest
from httpx_sse import EventSource, ServerSentEvent, aconnect_sse
from starlette.applications import Starlette

from bot.app import utc_now
from bot.catalog import Catalog, parse_catalog
from bot.http import ofrep, ofrep_stream
from bot.http.ofrep_stream import Streams
from bot.http.problems import EXCEPTION_HANDLERS
from bot.http.server import HttpServer
from bot.settings import Settings
from bot.store import tokens
from bot.store.database import Database
from bot.store.tokens import TokenScope
from bot.switchboard import board

CATALOG = parse_catalog("""
badday: 1
people:
  maria: {name: Maria Ortiz, email: maria@example.com}
providers: {northwind: {}, cirrus: {}}
systems:
  support-bot:
    owner: maria
    channel: support-bot
    routes: {chat: {primary: northwind, standbys: [cirrus]}}
  other:
    owner: maria
    channel: other
    routes: {voice: {primary: northwind, standbys: [cirrus]}}
""")


async def change(db: Database, key: str, value: Any, catalog: Catalog = CATALOG) -> None:
    async with db.transaction() as session:
        await board.change(session, catalog, key, value, actor="maria", now=utc_now())


@asynccontextmanager
async def serving(db: Database) -> AsyncIterator[httpx.AsyncClient]:
    """A bot's process that serves and looks for changes; its streams have ended before it stops."""
    streams = Streams(db, lambda: CATALOG, utc_now)
    routes = ofrep.routes(Settings(), db, lambda: CATALOG, utc_now, streams)
    looking = asyncio.create_task(streams.run())
    try:
        async with (
            HttpServer(
                Starlette(routes=routes, exception_handlers=EXCEPTION_HANDLERS), host="127.0.0.1", port=0
            ) as server,
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", timeout=10, trust_env=False) as client,
        ):
            yield client
            streams.close()
    finally:
        looking.cancel()


@asynccontextmanager
async def listening(client: httpx.AsyncClient, token: str = "") -> AsyncIterator[AsyncIterator[ServerSentEvent]]:
    """A stream whose first event, which stands for everything before it, has come."""
    headers = {"X-API-Key": token} if token else {}
    async with aconnect_sse(client, "GET", ofrep_stream.STREAM, headers=headers) as stream:
        events = _events(stream)
        await anext(events)
        await asyncio.sleep(0.4)  # its first look at the board
        yield events


async def _events(stream: EventSource) -> AsyncIterator[ServerSentEvent]:
    async for event in stream.aiter_sse():
        yield event


async def test_a_change_of_another_process_is_told_within_a_second(db: Database, database_url: str) -> None:
    other = Database(database_url)  # wakes nobody here
    try:
        async with serving(db) as client, listening(client) as events:
            begun = perf_counter()
            await change(other, "route.chat", "cirrus")
            told = (await asyncio.wait_for(anext(events), 5)).json()
            assert perf_counter() - begun < 1
            assert told.keys() == {"type", "etag", "lastModified"}
    finally:
        await other.close()


async def test_a_system_hears_of_its_own_keys_alone(db: Database) -> None:
    async with db.transaction() as session:
        token = (await tokens.create(session, "other", TokenScope.READ, actor="maria", now=utc_now())).token
    async with serving(db) as client:
        assert (await client.get(ofrep_stream.STREAM)).status_code == 401
        async with listening(client, token) as events:
            await change(db, "route.chat", "cirrus")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(anext(events), 0.8)
        async with listening(client, token) as events:
            await change(db, "route.voice", "cirrus")
            assert (await asyncio.wait_for(anext(events), 5)).json()["type"] == "refetchEvaluation"


async def test_a_silent_stream_shows_that_it_lives(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ofrep_stream, "ALIVE_EVERY", 0.1)
    async with serving(db) as client, client.stream("GET", ofrep_stream.STREAM) as stream:
        async for line in stream.aiter_lines():
            if line.startswith(":"):
                break
