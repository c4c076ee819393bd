"""How much of a core polling takes: 10,000 watches of 60 s, each with a page of its own, on 200 hosts.

The pages run in another process. Cold: every answer is a whole page of 10 KB, which is parsed, judged and stored.
Steady: every answer is a 304, observed and stored. Without FULL=1 the steady part has fewer watches at the same rate.
"""

import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import structlog
from sqlalchemy import func, select
from sqlmodel import col

from benchmarks._pages import HOSTS, address
from benchmarks._report import say
from bot.catalog import Catalog, Watch
from bot.store import migrate
from bot.store.database import Database
from bot.store.tables import Observation, PollTarget
from bot.watches.poller import Poller
from bot.watches.sync import sync

FULL = bool(os.environ.get("FULL"))
WATCHES = 10_000
INTERVAL = 60
COLD_SECONDS = 60 if FULL else 20
STEADY_SECONDS = 120 if FULL else 15
SHORT_INTERVAL = 10
BARE_POLLS = 3_000


def clock() -> datetime:
    return datetime.now(UTC)


def cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def resident() -> float:
    """MB in memory now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


@contextmanager
def pages() -> Iterator[int]:
    """The server's port."""
    command = [sys.executable, "-m", "benchmarks._pages"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        yield json.loads(process.stdout.readline())["port"]
        process.stdin.close()


def catalog(port: int, watches: int, interval: int) -> Catalog:
    return Catalog(
        watches={
            f"w{number}": Watch(
                f"w{number}",
                page=f"http://{address(number)}:{port}/{number}",
                provider="acme",
                interval=timedelta(seconds=interval),
                components=("Model 1", "Model 2"),
            )
            for number in range(watches)
        }
    )


@dataclass
class Measured:
    """One stretch of polling."""

    seconds: float
    cpu_seconds: float
    polls: int

    @property
    def share(self) -> float:
        return 100 * self.cpu_seconds / self.seconds

    @property
    def per_poll(self) -> float:
        """Milliseconds of CPU."""
        return 1000 * self.cpu_seconds / max(self.polls, 1)


@asynccontextmanager
async def polling(watching: Catalog) -> AsyncIterator[Database]:
    with tempfile.TemporaryDirectory() as folder:
        db = Database(f"sqlite:///{folder}/badday.db")
        await migrate.upgrade(db.engine)
        async with db.transaction() as session:
            await sync(session, watching, now=clock())
        task = asyncio.create_task(Poller(db, lambda: watching, clock).run())
        try:
            yield db
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await db.close()


async def stretch(db: Database, seconds: float) -> Measured:
    polls, started, used = await observed(db), time.perf_counter(), cpu()
    await asyncio.sleep(seconds)
    lasted, spent = time.perf_counter() - started, cpu() - used
    return Measured(lasted, spent, await observed(db) - polls)


async def observed(db: Database) -> int:
    async with db.reading() as session:
        count: int = (await session.execute(select(func.count()).select_from(Observation))).scalar_one()
    return count


async def missed(db: Database, interval: int) -> int:
    """Slots counted as missed, and URLs that are overdue by a whole interval now."""
    overdue = col(PollTarget.next_due) < clock() - timedelta(seconds=interval)
    async with db.reading() as session:
        counted = (await session.execute(select(func.sum(PollTarget.missed_slots)))).scalar_one()
        late = (await session.execute(select(func.count()).where(overdue))).scalar_one()
    return int(counted or 0) + int(late)


async def bare(port: int) -> float:
    """CPU milliseconds a 304 by httpx alone, one client a host, as the floor."""
    limits = httpx.Limits(max_connections=2, max_keepalive_connections=2, keepalive_expiry=90)
    clients = [httpx.AsyncClient(limits=limits, trust_env=False, verify=False) for _ in range(HOSTS)]
    places = asyncio.Semaphore(20)

    async def ask(number: int) -> None:
        async with places:
            url = f"http://{address(number)}:{port}/{number}"
            await clients[number % HOSTS].get(url, headers={"If-None-Match": '"1"'})

    await asyncio.gather(*(ask(number) for number in range(HOSTS)))
    used = cpu()
    await asyncio.gather(*(ask(number) for number in range(BARE_POLLS)))
    spent = cpu() - used
    for client in clients:
        await client.aclose()
    return 1000 * spent / BARE_POLLS


async def main() -> None:
    structlog.configure(processors=[structlog.processors.KeyValueRenderer()])
    with pages() as port:
        floor = await bare(port)
        interval, watches = (INTERVAL, WATCHES)
        async with polling(catalog(port, watches, interval)) as db:
            await asyncio.sleep(2)
            cold = await stretch(db, COLD_SECONDS)
            lost, memory = await missed(db, interval), resident()
            steady = await stretch(db, STEADY_SECONDS) if FULL else None
            lost, memory = (await missed(db, interval), resident()) if FULL else (lost, memory)
        if steady is None:
            interval, watches = SHORT_INTERVAL, WATCHES * SHORT_INTERVAL // INTERVAL
            async with polling(catalog(port, watches, interval)) as db:
                await asyncio.sleep(interval + 1)
                steady = await stretch(db, STEADY_SECONDS)
                lost += await missed(db, interval)
    say("polls a second", steady.polls / steady.seconds, "1/s", f">= {WATCHES / INTERVAL:.0f}")
    say("share of a core, every page new", cold.share, "%", "<= 100")
    say("share of a core, every page unchanged", steady.share, "%", "<= 25")
    say("missed slots", lost, "", "0")
    say("resident", memory, "MB", "<= 150")
    say("CPU a poll, every page new", cold.per_poll, "ms")
    say("CPU a poll, every page unchanged", steady.per_poll, "ms")
    say("CPU a poll by httpx alone", floor, "ms")
    say("our CPU a poll / httpx alone", steady.per_poll / floor, "x", "<= 1.6")


if __name__ == "__main__":
    asyncio.run(main())
