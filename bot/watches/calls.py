"""The calls watch: looks at every system's own calls by route and minute, and notices when none come.

A system is looked at every few seconds by whoever gets the lease of its row; what was seen and what is remembered
stands in the row, so replicas and restarts agree. Each look reads the whole window of minutes anew, so calls that
arrive late count in the minute in which they were made.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.catalog import Catalog, System
from bot.incidents import findings
from bot.store import leases
from bot.store.database import Database
from bot.store.tables import CallsWatchState, Finding
from bot.trail.queries import asking as queries
from bot.watches import calls_deciding, calls_silence, routed
from bot.watches.calls_deciding import Series

log = structlog.get_logger(__name__)

TOPIC = "calls-watch"
LOOK_EVERY = 2.0
"""Seconds between two looks for systems that are due."""
EVERY = timedelta(seconds=10)
"""Between two looks at a system."""
LEASE = timedelta(seconds=30)
AT_ONCE = 50


class LostLeaseError(Exception):
    """Another replica has taken the system over; nothing of this look is written."""


class CallsWatcher:
    """A worker of the role `watch`; any number of them may run on one database."""

    def __init__(
        self,
        db: Database,
        catalog: Callable[[], Catalog],
        clock: Callable[[], datetime],
        *,
        owner: str | None = None,
    ) -> None:
        self._db = db
        self._catalog = catalog
        self._clock = clock
        self._owner = owner or leases.new_owner()

    async def run(self) -> None:
        while True:
            if not await self.look():
                await self._db.woken(TOPIC, timeout=LOOK_EVERY)

    async def look(self) -> int:
        """Look at the systems that are due; returns how many."""
        now = self._clock()
        claimed = await self._claim(now)
        for state in claimed:
            try:
                await self._watch(state, now)
            except LostLeaseError:
                log.info("calls watch taken over", system=state.system)
            except Exception:
                # A defect in one system's watch must not blind the others; it is tried again when the lease ends.
                log.exception("calls not looked at, trying again", system=state.system)
        return len(claimed)

    async def _claim(self, now: datetime) -> list[CallsWatchState]:
        # A clock that was set back must not leave a system unwatched.
        due = (col(CallsWatchState.due) <= now) | (col(CallsWatchState.due) > now + 2 * EVERY)
        conditions = (col(CallsWatchState.active).is_(True), due)
        async with self._db.reading() as session:
            if (await session.execute(select(col(CallsWatchState.system)).where(*conditions).limit(1))).first() is None:
                return []
        async with self._db.transaction() as session:
            return await leases.claim(
                session,
                CallsWatchState,
                *conditions,
                owner=self._owner,
                now=now,
                lease=LEASE,
                limit=AT_ONCE,
                order_by=(col(CallsWatchState.due),),
            )

    async def _watch(self, state: CallsWatchState, now: datetime) -> None:
        catalog = self._catalog()
        system = catalog.systems.get(state.system)
        if system is None or not system.calls.enabled:
            async with self._db.transaction() as session:
                await leases.finish(session, state, due=now + EVERY)
            return
        async with self._db.reading() as session:
            rows = await queries.minutes(session, [system.name], _since(system, now))
            last = (await calls_silence.last_arrivals(session, [system.name])).get(system.name)
        async with self._db.transaction() as session:
            changes = await self._decide(session, catalog, system, state, rows, last, now)
            if not await leases.finish(session, state, due=now + EVERY, evaluated_at=now, **changes):
                raise LostLeaseError

    async def _decide(
        self,
        session: AsyncSession,
        catalog: Catalog,
        system: System,
        state: CallsWatchState,
        rows: list[queries.MinuteRow],
        last: datetime | None,
        now: datetime,
    ) -> dict[str, Any]:
        remembered = [Series.from_json(each) for each in state.series or ()]
        series = await calls_deciding.decide(session, catalog, system, remembered, rows, now=now)
        silent_since, silence = await calls_silence.listen(session, catalog, system, state, last, now=now)
        return {
            "series": [each.to_json() for each in series],
            "last_call_at": last,
            "silent_since": silent_since,
            "silence": silence,
        }


def _since(system: System, now: datetime) -> datetime:
    return now - system.calls.window - 3 * routed.MINUTE


async def sync(session: AsyncSession, catalog: Catalog, *, now: datetime) -> None:
    """A row for every system whose calls are watched; what was found of one that is not any more is over."""
    wanted = {system.name for system in catalog.systems.values() if system.calls.enabled}
    rows = {row.system: row for row in (await session.execute(select(CallsWatchState).with_for_update())).scalars()}
    for name in wanted:
        row = rows.get(name)
        if row is None:
            session.add(CallsWatchState(system=name, due=now))
        elif not row.active:
            row.active, row.due = True, now
    for name in rows.keys() - wanted:
        if rows[name].active:
            await _retire(session, rows[name], now=now)
    await session.flush()


async def _retire(session: AsyncSession, row: CallsWatchState, *, now: datetime) -> None:
    row.active = False
    row.series = row.silent_since = row.silence = None
    kinds = (calls_deciding.KIND, calls_silence.KIND)
    statement = select(Finding).where(
        col(Finding.system) == row.system, col(Finding.kind).in_(kinds), col(Finding.cleared_at).is_(None)
    )
    for finding in (await session.execute(statement)).scalars().all():
        finding.cleared_at = now
        known = f"the calls of {row.system} are not watched any more"
        finding.evidence = {**(finding.evidence or {}), "known": known}
        await session.flush()
        await findings.cleared(session, finding, now=now, hold=timedelta())
