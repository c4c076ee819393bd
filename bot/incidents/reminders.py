"""Reminds whoever leads an incident to say how it stands, when nothing was said for so long as the catalog allows.

When the next reminder is due is read from the timeline, so a restart forgets none and repeats none; the row's
`update_due` only says when it is worth a look.
"""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import exists, func, or_, select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.catalog import Catalog
from bot.incidents import roles, timeline
from bot.incidents.races import locked
from bot.incidents.timeline import root_key
from bot.store import outbox
from bot.store.database import Database
from bot.store.tables import Incident, IncidentRole, TimelineEntry

LOOK_EVERY = 1.0
SAID = ("acknowledged", "status", "note", "severity", "role", "reopened", "reminder")
"""Entries after which the time begins anew."""


class Reminder:
    """A worker; any number of replicas may run it, the incident's row decides who reminds."""

    def __init__(self, db: Database, catalog: Callable[[], Catalog], clock: Callable[[], datetime]) -> None:
        self._db = db
        self._catalog = catalog
        self._clock = clock

    async def run(self) -> None:
        while True:
            await self.remind()
            await self._db.woken("incidents", timeout=LOOK_EVERY)

    async def remind(self) -> int:
        """Remind where it is due; returns how many incidents."""
        now = self._clock()
        systems = [system.name for system in self._catalog().systems.values() if system.updates is not None]
        if not systems:
            return 0
        due = or_(col(Incident.update_due).is_(None), col(Incident.update_due) <= now)
        led = exists().where(col(IncidentRole.incident_id) == col(Incident.id), col(IncidentRole.role) == roles.LEAD)
        statement = select(col(Incident.id)).where(
            due,
            or_(col(Incident.acknowledged_by).is_not(None), led),  # until then paging goes on
            col(Incident.resolved_at).is_(None),
            col(Incident.system).in_(systems),
        )
        async with self._db.reading() as session:
            worth_a_look = (await session.execute(statement)).scalars().all()
        reminded = 0
        for incident_id in worth_a_look:
            async with self._db.transaction() as session:
                reminded += await look_at(session, self._catalog(), incident_id, now=now)
        return reminded


async def look_at(session: AsyncSession, catalog: Catalog, incident_id: int, *, now: datetime) -> bool:
    """Remind if it is due, and note when to look again; whether somebody was reminded."""
    incident = await locked(session, incident_id)
    system = catalog.systems.get(incident.system)
    if incident.resolved_at is not None or system is None or system.updates is None:
        incident.update_due = None
        return False
    person = await roles.responsible(session, incident)
    if person is None:
        incident.update_due = None
        return False
    due = await _last_said(session, incident) + system.updates
    reminds = due <= now
    if reminds:
        await _remind(session, catalog, incident, person, now=now)
    incident.update_due = now + system.updates if reminds else due
    return reminds


async def _last_said(session: AsyncSession, incident: Incident) -> datetime:
    statement = select(func.max(col(TimelineEntry.at))).where(
        col(TimelineEntry.incident_id) == incident.id, col(TimelineEntry.kind).in_(SAID)
    )
    said: datetime | None = (await session.execute(statement)).scalar_one_or_none()
    return said or incident.acknowledged_at or incident.opened_at


async def _remind(session: AsyncSession, catalog: Catalog, incident: Incident, person: str, *, now: datetime) -> None:
    assert incident.id is not None
    called = catalog.people[person].name if person in catalog.people else person
    entry = await timeline.add(
        session, incident.id, kind="reminder", actor="badday", text=f"Asks {called} how it stands", now=now
    )
    await outbox.post(
        session,
        key=f"reminder:{entry.id}",
        kind="reminder",
        subject={"incident": incident.id, "person": person},
        channel=incident.channel,
        thread_key=root_key(incident.id),
        incident_id=incident.id,
        priority=outbox.Priority.REPLY,
        now=now,
    )
