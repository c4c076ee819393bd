"""The Pager: takes what is due of escalations and pages, so that they climb by themselves.

Any number of replicas may run it. A due row is claimed by its lease; what it does is one transaction under the lock of
its incident, which gives the lease back first: a Pager that died did nothing, and one that was overtaken does nothing.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from sqlalchemy import ColumnElement, or_, select
from sqlmodel import col

from bot.catalog import Catalog
from bot.incidents.races import locked
from bot.paging import escalation, pages, ways
from bot.store import leases
from bot.store.database import Database
from bot.store.tables import Escalation, Page

log = structlog.get_logger(__name__)
LOOK_EVERY = 0.5
LEASE = timedelta(seconds=5)
"""A dead replica's rows are taken over after so long."""
AT_ONCE = 20


class Pager:
    """A worker. An error of one row never stops the others."""

    def __init__(self, db: Database, catalog: Callable[[], Catalog], clock: Callable[[], datetime]) -> None:
        self._db = db
        self._catalog = catalog
        self._clock = clock
        self._owner = leases.new_owner()

    async def run(self) -> None:
        while True:
            if not await self.work():
                await self._db.woken(ways.WAKES, timeout=LOOK_EVERY)

    async def work(self) -> int:
        """Do what is due now; returns how many rows were claimed."""
        now = self._clock()
        async with self._db.reading() as session:
            due = await session.execute(
                select(col(Escalation.id)).where(*_due(Escalation, now), _free(Escalation, now)).limit(1)
            )
            pages_due = await session.execute(select(col(Page.id)).where(*_due(Page, now), _free(Page, now)).limit(1))
            if due.first() is None and pages_due.first() is None:
                return 0
        async with self._db.transaction() as session:
            climbing = await leases.claim(
                session,
                Escalation,
                *_due(Escalation, now),
                owner=self._owner,
                now=now,
                lease=LEASE,
                limit=AT_ONCE,
                order_by=(col(Escalation.next_at),),
            )
            waiting = await leases.claim(
                session,
                Page,
                *_due(Page, now),
                owner=self._owner,
                now=now,
                lease=LEASE,
                limit=AT_ONCE,
                order_by=(col(Page.next_at),),
            )
        for row in climbing:
            await self._guarded(row)
        for one in waiting:
            await self._guarded(one)
        return len(climbing) + len(waiting)

    async def _guarded(self, row: Escalation | Page) -> None:
        try:
            if isinstance(row, Escalation):
                await self._climb(row)
            else:
                await self._go_on(row)
        except Exception:
            # The lease ends, and it is tried again.
            log.exception("due row left to its lease", table=row.__tablename__, id=row.id, incident=row.incident_id)

    async def _climb(self, row: Escalation) -> None:
        async with self._db.transaction() as session:
            incident = await locked(session, row.incident_id)
            if not await leases.finish(session, row):
                return
            current = await session.get_one(Escalation, row.id, populate_existing=True)
            now = self._clock()
            if current.next_at is None or current.next_at > now or current.ended_at is not None:
                return
            await escalation.due(session, self._catalog(), incident, current, now=now)

    async def _go_on(self, one: Page) -> None:
        async with self._db.transaction() as session:
            await pages.hold(session, one.incident_id)
            if not await leases.finish(session, one):
                return
            current = await session.get_one(Page, one.id, populate_existing=True)
            now = self._clock()
            if current.next_at is None or current.next_at > now:
                return
            await pages.tick(session, current, now=now)


def _due(table: type[Escalation] | type[Page], now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (col(table.next_at) <= now,)


def _free(table: type[Escalation] | type[Page], now: datetime) -> ColumnElement[bool]:
    return or_(col(table.lease_until).is_(None), col(table.lease_until) <= now)
