"""Resolves incidents whose recovery has held for long enough."""

from collections.abc import Callable
from datetime import datetime

import structlog
from sqlalchemy import select
from sqlmodel import col

from bot.incidents import incidents
from bot.store.database import Database
from bot.store.tables import Incident

log = structlog.get_logger(__name__)
LOOK_EVERY = 0.5
"""Seconds; the hold of a watch is minutes in earnest and seconds in the demo."""


class Closer:
    """A worker; any number of replicas may run it, the database decides who resolves."""

    def __init__(self, db: Database, clock: Callable[[], datetime]) -> None:
        self._db = db
        self._clock = clock

    async def run(self) -> None:
        while True:
            await self.close_due()
            await self._db.woken("closing", timeout=LOOK_EVERY)

    async def close_due(self) -> int:
        """Resolve what is due; returns how many incidents were resolved."""
        now = self._clock()
        due = col(Incident.resolve_due) <= now
        async with self._db.reading() as session:
            ids = (await session.execute(select(col(Incident.id)).where(due))).scalars().all()
        closed = 0
        for incident_id in ids:
            async with self._db.transaction() as session:
                incident = await session.get(Incident, incident_id, with_for_update=True)
                if incident is None or incident.resolve_due is None or incident.resolve_due > now:
                    continue  # it relapsed, or another replica was faster
                outcome = await incidents.resolve(session, incident_id, version=None, actor="badday", now=now)
                closed += outcome.applied
            log.info("incident resolved", incident=incident_id, by="badday")
        return closed
