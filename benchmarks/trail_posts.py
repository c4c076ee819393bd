"""How long a sender waits for its acknowledgement: one-span posts at 16 connections, 512-span posts, and overload.

The bot is a real process, `badday run --only trail`, on SQLite; an acknowledgement comes after the commit.
"""

import asyncio
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks._calls import CONNECTIONS, Connection, bodies
from benchmarks._report import percentile, say
from benchmarks.start import resident
from tests.acceptance.desk import Bot, a_desk

SECONDS = 20.0 if os.environ.get("FULL") else 6.0
LARGE = 512


async def posts(bot: Bot, waiting: Iterator[bytes], connections: int, seconds: float) -> tuple[list[float], list[int]]:
    """Post from so many connections at once; milliseconds and statuses."""
    times: list[float] = []
    statuses: list[int] = []
    until = time.perf_counter() + seconds

    async def send() -> None:
        connection = await Connection.open(bot.port)
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
