"""Removes what nobody needs any more; incidents, timelines and the audit log stay."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from sqlalchemy import delete
from sqlalchemy.engine import CursorResult
from sqlmodel import col

from bot.store import inbox
from bot.store.database import Database
from bot.store.tables import Observation

log = structlog.get_logger(__name__)
LOOK_EVERY = 3600.0
INBOX_FOR = timedelta(days=7)
"""Redeliveries come within hours; a week leaves time to look into what happened."""
OBSERVATIONS_FOR = timedelta(days=2)


class Retention:
    """A worker; several replicas may run it, since removing twice removes nothing more."""

    def __init__(self, db: Database, clock: Callable[[], datetime]) -> None:
        self._db = db
        self._clock = clock

    async def run(self) -> None:
        while True:
            await self.prune()
            await asyncio.sleep(LOOK_EVERY)

    async def prune(self) -> tuple[int, int]:
        """Remove old inbox items that were worked off, and old observations; returns how many of each."""
        now = self._clock()
        async with self._db.transaction() as session:
            items = await inbox.prune(session, before=now - INBOX_FOR)
            statement = delete(Observation).where(col(Observation.at) < now - OBSERVATIONS_FOR)
            result = await session.execute(statement)
            assert isinstance(result, CursorResult)
        log.info("old rows removed", inbox=items, observations=result.rowcount)
        return items, result.rowcount
