"""Removes what nobody needs any more; incidents, timelines and the audit log stay."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from bot.store import inbox
from bot.store.database import Database

log = structlog.get_logger(__name__)
LOOK_EVERY = 3600.0
INBOX_FOR = timedelta(days=7)
"""Redeliveries come within hours; a week leaves time to look into what happened."""


class Retention:
    """A worker; several replicas may run it, since removing twice removes nothing more."""

    def __init__(self, db: Database, clock: Callable[[], datetime]) -> None:
        self._db = db
        self._clock = clock

    async def run(self) -> None:
        while True:
            await self.prune()
            await asyncio.sleep(LOOK_EVERY)

    async def prune(self) -> int:
        """Remove old inbox items that were worked off; returns how many."""
        now = self._clock()
        async with self._db.transaction() as session:
            items = await inbox.prune(session, before=now - INBOX_FOR)
        if items:
            log.info("old rows removed", inbox=items)
        return items
