"""How long every question of `/badday calls` takes over thirty days of calls: a million of them, FULL=1 five million.

FULL=1 asks PostgreSQL too. Each question is asked several times; its figure is its best time.
"""

import asyncio
import os
import tempfile
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import structlog

from benchmarks._history import RARE, RARE_WORD, fill
from benchmarks._report import say
from bot.store import migrate
from bot.store.database import Database
from bot.trail.queries import asking as queries
from bot.trail.queries.asking import Filter
from tests.postgres import server

FULL = bool(os.environ.get("FULL"))
CALLS = int(os.environ.get("CALLS", 5_000_000 if FULL else 1_000_000))
TIMES = 5
SHOWN = 10
Question = Callable[[Any], Awaitable[object]]


def filters(now: datetime) -> dict[str, Filter]:
    return {
        "": Filter(),
        ", of a system": Filter(systems=("support-bot",)),
        ", of a model": Filter(model="claude-haiku-4-5"),
        ", of a feature": Filter(feature="answers"),
        ", of a rare feature": Filter(feature=RARE),
        ", of a prompt version": Filter(prompt_version="v2"),
        ", of a system and a prompt version": Filter(systems=("writer",), prompt_version="v3"),
    }


def questions(now: datetime, known: queries.CallRecord) -> Iterator[tuple[str, str, Question]]:
    """Kind, words, and what is asked."""
    times = {"24 hours": now - timedelta(hours=24), "30 days": now - timedelta(days=30, minutes=17)}
    for narrowed, one in filters(now).items():
        for name, since in times.items():
            for kind, asked in lists(one, since).items():
                yield "list", f"{kind}{narrowed}, {name}", asked
    for name, since in times.items():
        for by in ("system", "model", "feature", "prompt_version", "provider"):
            asked = Filter(since=since)
            yield "sum", f"by {by}, {name}", lambda s, f=asked, b=by: queries.breakdown(s, f, b)
    yield "id", "by id", lambda s: queries.by_id(s, known.call_id)
    yield "id", "by response id", lambda s: queries.by_id(s, known.response_id or "")
    yield "id", "by an id that nobody has", lambda s: queries.by_id(s, "resp_unknown")
    for words in (WORD, RARE_WORD, f"{WORD} {OTHER}", f"{WORD} {RARE_WORD}", "nobodysaysthis"):
        for name, since in times.items():
            for narrowed, one in list(filters(now).items())[:5]:
                asked = Filter(one.systems, one.model, one.feature, one.prompt_version, since=since, words=words)
                yield "words", f"“{words}”{narrowed}, {name}", lambda s, f=asked: queries.newest(s, f, 50, bodies=True)


def lists(one: Filter, since: datetime) -> dict[str, Question]:
    asked = Filter(one.systems, one.model, one.feature, one.prompt_version, since=since)
    failed = Filter(one.systems, one.model, one.feature, one.prompt_version, since=since, errors=True)
    return {
        "newest": lambda s: queries.newest(s, asked, SHOWN, bodies=True),
        "last errors": lambda s: queries.newest(s, failed, SHOWN, bodies=True),
        "slowest": lambda s: queries.slowest(s, asked, SHOWN),
        "dearest": lambda s: queries.dearest(s, asked, SHOWN),
        "totals": lambda s: queries.totals(s, asked),
    }


WORD, OTHER = "", ""
BARS = {"list": "<= 100", "sum": "<= 100", "id": "<= 5", "words": "<= 50"}
KINDS = {"list": "newest, errors, slowest, dearest, totals", "sum": "breakdowns", "id": "by id", "words": "words"}


async def measure(url: str, where: str) -> None:
    global WORD, OTHER
    from benchmarks._traffic import Traffic

    traffic = Traffic(7)
    WORD, OTHER = traffic._words[0], traffic._words[40]
    db = Database(url)
    await migrate.upgrade(db.engine)
    now = datetime.now(UTC)
    started = time.perf_counter()
    await asyncio.to_thread(fill, url, CALLS, until_us=round(now.timestamp() * 1_000_000))
    say(f"{where}: filled with {CALLS:,} calls in", time.perf_counter() - started, "s")
    async with db.reading() as session:
        known = (await queries.newest(session, Filter(until=now - timedelta(days=9)), 1))[0]
    worst: defaultdict[str, list[tuple[float, str]]] = defaultdict(list)
    for kind, words, ask in questions(now, known):
        taken = [await once(db, ask) for _ in range(TIMES)]
        worst[kind].append((min(taken), words))
    for kind, found in worst.items():
        slowest, words = max(found)
        name = f"{where}: {KINDS[kind]}, the slowest of {len(found)} questions ({words})"
        say(name, slowest, "ms", BARS[kind])
        if os.environ.get("VERBOSE"):
            for milliseconds, each in sorted(found, reverse=True)[:12]:
                print(f"    {milliseconds:8.2f} ms  {each}")
    await db.close()


async def once(db: Database, ask: Question) -> float:
    async with db.reading() as session:
        started = time.perf_counter()
        await ask(session)
        return (time.perf_counter() - started) * 1000


def main() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    with tempfile.TemporaryDirectory() as name:
        asyncio.run(measure(f"sqlite:///{Path(name) / 'badday.db'}", "SQLite"))
    if FULL or os.environ.get("POSTGRES"):
        with server() as postgres, postgres.database() as url:
            asyncio.run(measure(url, "PostgreSQL"))


if __name__ == "__main__":
    main()
