"""Keeps up to date what an open incident says about calls and users: at most once a minute, when it changed."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.incidents import incidents
from bot.incidents.timeline import root_key
from bot.store import outbox
from bot.store.database import Database
from bot.store.tables import Incident
from bot.trail.queries.impact import WINDOW, Impact, impact

LOOK_EVERY = 15.0
REFRESH = timedelta(minutes=1)


async def of_incident(session: AsyncSession, incident: Incident, *, now: datetime) -> Impact | None:
    """What happened to the system's calls in the last hour, of an ended incident in its last hour.

    None where the trail has no calls of the system.
    """
    until = incident.resolved_at or now
    return await impact(session, incident.system, until - WINDOW, until)


class ImpactKeeper:
    """A worker; any number of replicas may run it: who finds the message changed a moment ago leaves it alone."""

    def __init__(self, db: Database, clock: Callable[[], datetime]) -> None:
        self._db = db
        self._clock = clock
        self._told: dict[int, Impact] = {}

    async def run(self) -> None:
        while True:
            await self.refresh()
            await asyncio.sleep(LOOK_EVERY)

    async def refresh(self) -> int:
        """Let messages that say what is no longer so be shown anew; returns how many."""
        now = self._clock()
        changed: dict[int, Impact] = {}
        async with self._db.reading() as session:
            open_now = {one.id: one for one in await incidents.open_incidents(session) if one.id is not None}
            for incident_id, incident in open_now.items():
                found = await of_incident(session, incident, now=now)
                if found is not None and found.without_calls() != self._known(incident_id):
                    changed[incident_id] = found
        self._told = {incident_id: told for incident_id, told in self._told.items() if incident_id in open_now}
        shown = 0
        for incident_id, found in changed.items():
            if await self._show(incident_id, now=now):
                self._told[incident_id] = found
                shown += 1
        return shown

    def _known(self, incident_id: int) -> Impact | None:
        told = self._told.get(incident_id)
        return None if told is None else told.without_calls()

    async def _show(self, incident_id: int, *, now: datetime) -> bool:
        async with self._db.transaction() as session:
            incident = await incidents.get(session, incident_id)
            message = await outbox.get(session, root_key(incident_id))
            if incident is None or incident.resolved_at is not None or message is None:
                return False
            if now - message.changed_at < REFRESH:
                return False
            await incidents.touch(session, incident, now=now, urgent=False)
        return True
