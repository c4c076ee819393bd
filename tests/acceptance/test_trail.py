"""Calls posted to real processes: what was acknowledged survives kill -9, what comes again adds nothing."""

import asyncio
import random

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from bot.store.database import Database
from bot.trail.queries import asking as queries
from bot.trail.queries.asking import Filter
from tests.acceptance.desk import Bot, Desk
from tests.unit.trail.otlp_bodies import START_NS, add_span, chat_attributes, trace_request

PROTOBUF = {"Content-Type": "application/x-protobuf"}
SENDERS = 8


def batch(number: int, spans: int = 5) -> tuple[set[str], bytes]:
    """A body of calls that no other body has, and their response ids."""
    request: ExportTraceServiceRequest = trace_request()
    ids = [f"chatcmpl-{number}-{each}" for each in range(spans)]
    for response_id in ids:
        add_span(
            request,
            trace_id=random.randbytes(16),
            span_id=random.randbytes(8),
            start_time_unix_nano=START_NS,
            end_time_unix_nano=START_NS + 10**9,
            attributes=chat_attributes(response_id),
        )
    return set(ids), request.SerializeToString()


async def stored(database_url: str) -> list[str]:
    db = Database(database_url)
    try:
        async with db.reading() as session:
            return [call.response_id or "" for call in await queries.newest(session, Filter(), None)]
    finally:
        await db.close()


async def post(client: httpx.AsyncClient, bot: Bot, body: bytes) -> int | None:
    """The status; None where the connection broke."""
    try:
        return (await client.post(f"{bot.url}/v1/traces", content=body, headers=PROTOBUF)).status_code
    except httpx.TransportError:
        return None


async def test_what_was_acknowledged_survives_kill_9_and_adds_nothing_when_it_comes_again(desk: Desk) -> None:
    bot = await desk.start(only="trail")
    acknowledged: set[str] = set()
    bodies: list[bytes] = []
    numbers = iter(range(100_000))

    async def send() -> None:
        while True:
            ids, body = batch(next(numbers))
            bodies.append(body)
            status = await post(desk.client, bot, body)
            if status is None:
                return
            assert status in (200, 503)
            if status == 200:
                acknowledged.update(ids)

    senders = [asyncio.create_task(send()) for _ in range(SENDERS)]
    while len(acknowledged) < 500:  # noqa: ASYNC110 - it grows in other tasks
        await asyncio.sleep(0.01)
    await bot.killed()
    await asyncio.gather(*senders)
    restarted = await desk.start(only="trail")
    found = await stored(desk.database_url)
    assert acknowledged <= set(found)
    for body in bodies:
        assert await post(desk.client, restarted, body) == 200
    again = await stored(desk.database_url)
    assert len(again) == len(set(again)) == 5 * len(bodies)
    assert set(found) <= set(again)


async def test_sigterm_answers_everything_that_was_taken(desk: Desk) -> None:
    bot = await desk.start(only="trail")
    made = [batch(number, spans=100) for number in range(30)]
    posts = [asyncio.create_task(post(desk.client, bot, body)) for _, body in made]
    await asyncio.sleep(0.3)
    assert await bot.stop() == 0
    statuses = await asyncio.gather(*posts)
    assert set(statuses) <= {200, 503, None}
    found = set(await stored(desk.database_url))
    for (ids, _), status in zip(made, statuses, strict=True):
        if status == 200:
            assert ids <= found


async def test_a_role_without_the_trail_has_no_such_routes(desk: Desk) -> None:
    bot = await desk.start(only="switchboard")
    assert await post(desk.client, bot, b"") == 404


@pytest.mark.parametrize("path", ["/v1/traces", "/api/public/otel/v1/traces"])
async def test_the_first_body_of_a_fresh_process_is_taken(desk: Desk, path: str) -> None:
    bot = await desk.start(only="trail")
    ids, body = batch(1, spans=1)
    answer = await desk.client.post(bot.url + path, content=body, headers=PROTOBUF)
    assert (answer.status_code, answer.content) == (200, b"")
    assert set(await stored(desk.database_url)) == ids
