"""The catalog's watches as rows: one poll target for each URL, one state for each watch of it."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import func, select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.catalog import Catalog, Watch
from bot.incidents import findings
from bot.store.database import is_postgres
from bot.store.tables import Finding, PollTarget, WatchState
from bot.watches import calls
from bot.watches.slots import Grid
from bot.watches.source import source_for

FIRST_POLLS_APART = timedelta(milliseconds=10)
"""New targets are first polled this far apart, at most over one interval: thousands do not all start at once."""

LOCK = 0x62616464_77617463
"""PostgreSQL advisory lock of one transaction: "baddwatc"."""


def target_id(engine: str, url: str) -> str:
    """The same for all watches that ask the same."""
    return sha256(f"{engine}\n{url}".encode()).hexdigest()[:16]


def address(watch: Watch) -> str:
    """The URL that is polled for a watch."""
    source = source_for(watch.engine)
    return source.address(source.Options(page=watch.page))


async def sync(session: AsyncSession, catalog: Catalog, *, now: datetime) -> None:
    """Add, change and retire rows so that they say what the catalog says; safe to run in several replicas."""
    await _alone(session)
    wanted = {watch.name: watch for watch in catalog.watches.values()}
    targets = await _targets(session, wanted.values(), now=now)
    states = {state.name: state for state in (await session.execute(select(WatchState).with_for_update())).scalars()}
    for name in wanted:
        state = states.get(name)
        if state is None:
            session.add(WatchState(name=name, target_id=targets[name]))
        else:
            state.target_id, state.active = targets[name], True
    for name in states.keys() - wanted.keys():
        await _retire(session, states[name], now=now)
    await session.flush()
    await calls.sync(session, catalog, now=now)


async def _alone(session: AsyncSession) -> None:
    """Replicas that start together do this one after the other; SQLite has one writer anyway."""
    if is_postgres(session):
        await session.execute(select(func.pg_advisory_xact_lock(LOCK)))


async def _targets(session: AsyncSession, watches: Iterable[Watch], *, now: datetime) -> dict[str, str]:
    """Poll targets of the watches; returns the id of each watch's."""
    wanted: dict[str, tuple[str, str, timedelta]] = {}
    ids: dict[str, str] = {}
    for watch in watches:
        url = address(watch)
        key = ids[watch.name] = target_id(watch.engine, url)
        shortest = min(watch.interval, wanted[key][2]) if key in wanted else watch.interval
        wanted[key] = (watch.engine, url, shortest)
    rows = {row.id: row for row in (await session.execute(select(PollTarget).with_for_update())).scalars()}
    fresh = [key for key in wanted if key not in rows or _abandoned(rows[key], now)]
    late = {key for key in fresh if key in rows and rows[key].active}
    for key, (engine, url, interval) in wanted.items():
        seconds = max(int(interval.total_seconds()), 1)
        row = rows.get(key)
        if row is None:
            row = rows[key] = PollTarget(id=key, engine=engine, url=url, interval_seconds=seconds, next_due=now)
            session.add(row)
        row.active = True
        if row.interval_seconds != seconds:
            row.interval_seconds = seconds
            row.next_due = min(row.next_due, now + interval)
    for place, key in enumerate(fresh):
        row, interval = rows[key], wanted[key][2]
        if key in late:
            row.missed_slots += Grid.of(key, interval).missed(row.next_due, now)
        row.next_due = now + (place * FIRST_POLLS_APART) % interval
    for key in rows.keys() - wanted.keys():
        rows[key].active = False
    await session.flush()  # before the states that refer to them
    return ids


def _abandoned(row: PollTarget, now: datetime) -> bool:
    """Whether nobody has polled it for so long that it starts anew rather than being late."""
    return not row.active or row.next_due < now - 2 * timedelta(seconds=row.interval_seconds)


async def _retire(session: AsyncSession, state: WatchState, *, now: datetime) -> None:
    """A watch that left the catalog sees nothing any more: what it had found does not stay open for ever."""
    state.active = False
    state.detector = None
    statement = select(Finding).where(col(Finding.watch) == state.name, col(Finding.cleared_at).is_(None))
    for finding in (await session.execute(statement)).scalars().all():
        finding.cleared_at = now
        finding.evidence = {**(finding.evidence or {}), "known": f"the watch {state.name} was removed from the catalog"}
        await session.flush()
        await findings.cleared(session, finding, now=now, hold=timedelta())
