"""`badday calls tail` prints the last calls, and each one that arrives, until it is interrupted."""

import asyncio
import json
import os
import signal
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.store.database import Database
from bot.trail.calls import Sighting
from tests.integration.trail.calls import Writing, failed, sighting


async def read(stream: asyncio.StreamReader | None) -> str:
    assert stream is not None
    line = await asyncio.wait_for(stream.readline(), 10)
    name: str = json.loads(line)["call_id"]
    return name


async def test_tail_follows_what_arrives_in_whatever_order_it_began(db: Database, database_url: str) -> None:
    writing = Writing(database_url, lambda: datetime.now(UTC))

    def write(*sightings: Sighting) -> None:
        writing(*sightings)

    def call(name: str, ago: int) -> Sighting:
        return sighting(datetime.now(UTC) - timedelta(seconds=ago), external_id=name)

    await asyncio.to_thread(write, call("first", 100), call("second", 90))
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("badday")),
        *("calls", "tail", "--json"),
        env={"DATABASE_URL": database_url, "PATH": os.environ["PATH"]},
        stdout=asyncio.subprocess.PIPE,
    )
    assert [await read(process.stdout), await read(process.stdout)] == ["first", "second"]
    await asyncio.to_thread(write, call("late", 95), call("newest", 1))
    assert [await read(process.stdout), await read(process.stdout)] == ["late", "newest"]
    await asyncio.to_thread(write, failed(datetime.now(UTC), external_id="failed"))
    assert await read(process.stdout) == "failed"
    process.send_signal(signal.SIGINT)
    rest, _ = await asyncio.wait_for(process.communicate(), 10)
    assert (process.returncode, rest) == (0, b"")
    await asyncio.to_thread(writing.close)
