"""`badday calls list | show | tail`: what is in the trail, for terminals and programs."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import click
from sqlalchemy import select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.settings import Settings
from bot.store import migrate
from bot.store.database import Database
from bot.store.tables import Call
from bot.trail.identity import id_floor, microseconds
from bot.trail.queries import asking as queries
from bot.trail.queries import listing
from bot.trail.queries.finding import Filter
from bot.trail.queries.records import CallRecord, load
from bot.trail.queries.since import SinceError, read_since

LOOK_EVERY = 1.0
SHOWN_FIRST = 10
LATE = timedelta(minutes=10)
"""A call is told of at its end and started before; one that comes later than this is not followed any more."""
CLOCKS_DIFFER = timedelta(seconds=5)
"""Between being stamped with its arrival and being committed."""
AT_ONCE = 500


def asked(
    *,
    system: str | None,
    since: str | None,
    errors: bool,
    model: str | None,
    feature: str | None,
    prompt_version: str | None,
    words: str | None,
) -> Filter:
    """What the options of the command ask for. Raises click.UsageError for a time that is none."""
    try:
        start = None if since is None else read_since(since, datetime.now(UTC))
    except SinceError as error:
        raise click.BadParameter(str(error), param_hint="--since") from None
    return Filter(
        systems=() if system is None else (system,),
        model=model,
        feature=feature,
        prompt_version=prompt_version,
        since=start,
        errors=errors,
        words=words,
    )


def list_calls(settings: Settings, wanted: Filter, limit: int | None, *, as_json: bool) -> int:
    """Print calls, newest first, page by page: the memory of one page, however many there are."""

    async def work(session: AsyncSession) -> int:
        if not as_json:
            _print(listing.HEADER)
        async for record in _listed(session, wanted, limit, bodies=as_json):
            _print(listing.line(record) if as_json else listing.row(record))
        return 0

    return asyncio.run(_reading(settings, work))


def show_call(settings: Settings, call_id: str, *, as_json: bool) -> int:
    """Print one call whole, by its id, an imported id or the provider's response id; 1 where there is none."""

    async def work(session: AsyncSession) -> int:
        record = await queries.by_id(session, call_id)
        if record is None:
            click.echo(f"badday calls show: there is no call {call_id}; badday calls list prints their ids", err=True)
            return 1
        _print(listing.line(record) if as_json else listing.page(record))
        return 0

    return asyncio.run(_reading(settings, work))


def tail_calls(settings: Settings, system: str | None, *, errors: bool, as_json: bool) -> int:
    """Print the last calls and every one that arrives, oldest first, until SIGINT or SIGTERM."""
    return asyncio.run(_tail(settings, system, errors=errors, as_json=as_json))


async def _listed(
    session: AsyncSession, wanted: Filter, limit: int | None, *, bodies: bool
) -> AsyncIterator[CallRecord]:
    if limit is not None and limit <= queries.PAGE:
        for record in await queries.newest(session, wanted, limit, bodies=bodies) if limit else ():
            yield record
        return
    left = limit
    async for record in queries.stream(session, wanted, bodies=bodies):
        yield record
        if left is not None:
            left -= 1
            if not left:
                return


async def _reading(settings: Settings, work: Callable[[AsyncSession], Awaitable[int]]) -> int:
    async with _database(settings) as db, db.reading() as session:
        return await work(session)


@asynccontextmanager
async def _database(settings: Settings) -> AsyncIterator[Database]:
    db = Database(settings.database_url)
    try:
        await migrate.upgrade(db.engine)
        yield db
    finally:
        await db.close()


async def _tail(settings: Settings, system: str | None, *, errors: bool, as_json: bool) -> int:
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    async with _database(settings) as db:
        follower = _Follower(db, system, errors=errors, bodies=as_json)
        if not as_json:
            _print(listing.HEADER)
        records = await follower.last()
        while True:
            for record in records:
                _print(listing.line(record) if as_json else listing.row(record))
            sys.stdout.flush()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), LOOK_EVERY)
            if stopping.is_set():
                return 0
            records = await follower.new()


class _Follower:
    """Knows what it has shown; calls arrive in another order than they started in."""

    def __init__(self, db: Database, system: str | None, *, errors: bool, bodies: bool) -> None:
        self._db = db
        self._system = system
        self._errors = errors
        self._bodies = bodies
        self._shown: set[int] = set()
        self._arrived_us = microseconds(datetime.now(UTC))

    async def last(self) -> list[CallRecord]:
        """The last calls that are there, oldest first."""
        asked = Filter(systems=(self._system,) if self._system is not None else (), errors=self._errors)
        async with self._db.reading() as session:
            records = await queries.newest(session, asked, SHOWN_FIRST, bodies=self._bodies)
            self._shown = await self._arrived(session) | {record.id for record in records}
        return records[::-1]

    async def new(self) -> list[CallRecord]:
        """What has arrived since the last look, in order of its start."""
        now_us = microseconds(datetime.now(UTC))
        found: dict[int, CallRecord] = {}
        async with self._db.reading() as session:
            ids = sorted(await self._arrived(session) - self._shown)
            for start in range(0, len(ids), AT_ONCE):
                found |= await load(session, ids[start : start + AT_ONCE], bodies=self._bodies)
        self._arrived_us = now_us
        self._shown = {call_id for call_id in self._shown if call_id >= self._floor()}.union(ids)
        return [found[call_id] for call_id in ids if call_id in found and self._asked(found[call_id])]

    async def _arrived(self, session: AsyncSession) -> set[int]:
        since_us = self._arrived_us - CLOCKS_DIFFER // timedelta(microseconds=1)
        query = select(col(Call.id)).where(col(Call.id) >= self._floor(), col(Call.received_us) >= since_us)
        return set((await session.execute(query)).scalars())

    def _floor(self) -> int:
        return id_floor(self._arrived_us - LATE // timedelta(microseconds=1))

    def _asked(self, record: CallRecord) -> bool:
        of_system = self._system is None or record.system == self._system
        return of_system and (record.error_class is not None or not self._errors)


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
