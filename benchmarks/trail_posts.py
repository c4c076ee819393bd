"""How long a sender waits for its acknowledgement: one-span posts at 16 connections, 512-span posts, and overload.

The bot is a real process, `badday run --only trail`, on SQLite; an acknowledgement comes after the commit.
"""

import asyncio
import gzip
import os
import random
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from benchmarks._report import percentile, say
from benchmarks.start import resident
from tests.acceptance.desk import Bot, a_desk
from tests.unit.trail.otlp_bodies import add_span, chat_attributes, trace_request

CONNECTIONS = 16
SECONDS = 20.0 if os.environ.get("FULL") else 6.0
LARGE = 512
WORDS = (
    "parcel",
    "refund",
    "invoice",
    "the",
    "a",
    "where",
    "is",
    "my",
    "order",
    "late",
    "delivery",
    "address",
    "please",
)


class Connection:
    """Just enough of an HTTP client, kept open: the sender shall not be slower than the bot."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, bot: Bot) -> "Connection":
        return cls(*await asyncio.open_connection("127.0.0.1", bot.port))

    async def post(self, body: bytes) -> int:
        """The status of the answer."""
        encoding = b"Content-Encoding: gzip\r\n" if body[:2] == b"\x1f\x8b" else b""
        head = b"POST /v1/traces HTTP/1.1\r\nHost: bot\r\nContent-Type: application/x-protobuf\r\n"
        self._writer.write(head + encoding + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        head = await self._reader.readuntil(b"\r\n\r\n")
        for line in head.split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                await self._reader.readexactly(int(value))
        return int(head.split(None, 2)[1])

    def close(self) -> None:
        self._writer.close()


def text(characters: int) -> str:
    """Words like those of a support desk, no two texts alike."""
    return " ".join(random.choices(WORDS, k=characters // 6)) + f" {random.getrandbits(64):x}"


def request(spans: int) -> ExportTraceServiceRequest:
    """Calls of just now with 3.3 KB of content each."""
    made = trace_request()
    now = time.time_ns()
    for _ in range(spans):
        attributes = chat_attributes(f"chatcmpl-{random.getrandbits(96):x}") | {
            "gen_ai.input.messages": f'[{{"role":"user","parts":[{{"type":"text","content":"{text(2500)}"}}]}}]',
            "gen_ai.output.messages": f'[{{"role":"assistant","parts":[{{"type":"text","content":"{text(600)}"}}]}}]',
        }
        add_span(
            made,
            trace_id=random.randbytes(16),
            span_id=random.randbytes(8),
            start_time_unix_nano=now - 10**9,
            end_time_unix_nano=now,
            attributes=attributes,
        )
    return made


def bodies(spans: int, *, count: int, packed: bool) -> list[bytes]:
    made = (request(spans).SerializeToString() for _ in range(count))
    return [gzip.compress(body, 6) if packed else body for body in made]


async def posts(bot: Bot, waiting: Iterator[bytes], connections: int, seconds: float) -> tuple[list[float], list[int]]:
    """Post from so many connections at once; milliseconds and statuses."""
    times: list[float] = []
    statuses: list[int] = []
    until = time.perf_counter() + seconds

    async def send() -> None:
        connection = await Connection.open(bot)
        for body in waiting:
            started = time.perf_counter()
            statuses.append(await connection.post(body))
            times.append((time.perf_counter() - started) * 1000)
            if time.perf_counter() > until:
                break
        connection.close()

    await asyncio.gather(*(send() for _ in range(connections)))
    return times, statuses


async def small(bot: Bot) -> None:
    waiting = iter(bodies(1, count=int(SECONDS * 3000), packed=False))
    started = time.perf_counter()
    times, statuses = await posts(bot, waiting, CONNECTIONS, SECONDS)
    took = time.perf_counter() - started
    assert set(statuses) == {200}, set(statuses)
    say(f"one-span posts at {CONNECTIONS} connections", len(times) / took, "posts/s")
    say("one-span posts, p50", percentile(times, 0.5), "ms")
    say("one-span posts, p99", percentile(times, 0.99), "ms", "<= 20")


async def large(bot: Bot) -> None:
    waiting = iter(bodies(LARGE, count=int(SECONDS * 5), packed=True))
    started = time.perf_counter()
    times, statuses = await posts(bot, waiting, 4, SECONDS)
    took = time.perf_counter() - started
    assert set(statuses) == {200}, set(statuses)
    say(f"{LARGE}-span posts at 4 connections", len(times) * LARGE / took, "calls/s")
    say(f"{LARGE}-span posts, p50", percentile(times, 0.5), "ms")
    say(f"{LARGE}-span posts, p99", percentile(times, 0.99), "ms", "<= 1000")


async def overload(bot: Bot) -> None:
    """More than fits into the process at once: only 200 and 503, and it goes on afterwards."""
    made = bodies(LARGE, count=16, packed=False)
    _, statuses = await posts(bot, iter(made * 6), 64, SECONDS)
    say("overload, answered with 200", statuses.count(200), "posts")
    say("overload, answered with 503", statuses.count(503), "posts")
    say(
        "overload, answered with anything else", len(statuses) - statuses.count(200) - statuses.count(503), "posts", "0"
    )


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with a_desk(Path(folder), f"sqlite:///{folder}/badday.db") as desk:
            bot = await desk.start(only="trail")
            await posts(bot, iter(bodies(1, count=200, packed=False)), CONNECTIONS, 10)  # the first loads the libraries
            await small(bot)
            await large(bot)
            await overload(bot)
            say("resident afterwards", resident(bot.process.pid), "MB", "<= 250")


if __name__ == "__main__":
    asyncio.run(main())
