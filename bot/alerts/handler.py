"""Tells incidents about alerts that could not be told when they were taken in, and lets alerts end whose end has come.

Any number of replicas may run it: a group is held while it is worked on, and what was told is marked in the same
transaction.
"""

from collections.abc import Callable
from datetime import datetime

import structlog

from bot.alerts import rows, telling
from bot.alerts.intake import TOPIC
from bot.alerts.rows import Group
from bot.catalog import Catalog
from bot.store.database import Database

log = structlog.get_logger(__name__)
LOOK_EVERY = 1.0
AT_ONCE = 50


class AlertHandler:
    """A worker. A group that cannot be told is logged and tried again; it never stops the others."""

    def __init__(self, db: Database, catalog: Callable[[], Catalog], clock: Callable[[], datetime]) -> None:
        self._db = db
        self._catalog = catalog
        self._clock = clock

    async def run(self) -> None:
        while True:
            if not await self.work():
                await self._db.woken(TOPIC, timeout=LOOK_EVERY)

    async def work(self) -> int:
        """Tell what waits and end what is over; returns how many groups were told."""
        async with self._db.reading() as session:
            over = await rows.expired(session, now=self._clock(), limit=AT_ONCE)
            waiting = await rows.waiting(session, limit=AT_ONCE)
        told = 0
        for group in dict.fromkeys((*waiting, *over)):
            told += await self._guarded(group)
        return told

    async def _guarded(self, group: Group) -> bool:
        try:
            return await self._tell(group)
        except Exception:
            log.exception("alerts not told, tried again", system=group.system, alertname=group.cause)
            return False

    async def _tell(self, group: Group) -> bool:
        async with self._db.transaction() as session:
            now = self._clock()
            await rows.hold_groups(session, [group])
            await rows.expire(session, [group], now=now)
            change = await rows.handle(session, group)
            if change is not None:
                await telling.tell(session, self._catalog(), [change], now=now)
        return change is not None
