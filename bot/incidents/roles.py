"""Who has which part in an incident: who leads it, who talks to others, who writes down, and a team's own words."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from sqlalchemy import select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.incidents import incidents, timeline
from bot.incidents.races import Outcome, locked
from bot.store import audit
from bot.store.tables import Incident, IncidentRole

LEAD = "lead"
KNOWN: Mapping[str, str] = MappingProxyType(
    {
        LEAD: "leads the incident, decides, and is asked how it stands",
        "communications": "tells users and the company",
        "scribe": "writes down what happens",
    }
)
SHORT: Mapping[str, str] = MappingProxyType({"comms": "communications", "commander": LEAD, "ic": LEAD})
_WORD = re.compile(r"[a-z][a-z0-9_-]{1,29}")


def role_of(typed: str) -> str | None:
    """The role that a word names, also one of a team's own; None for what is no word."""
    word = typed.casefold()
    return SHORT.get(word, word) if _WORD.fullmatch(word) else None


async def give(
    session: AsyncSession, incident_id: int, *, role: str, person: str, called: str, actor: str, now: datetime
) -> Outcome:
    """Give a person a role; whoever had it before has it no more. `called` is the person's name for the timeline.

    Raises LookupError.
    """
    incident = await locked(session, incident_id)
    if incident.resolved_at is not None:
        return Outcome(False, incident, "already resolved", incident.resolved_by, incident.resolved_at)
    held = await session.get(IncidentRole, (incident_id, role))
    if held is not None and held.person == person:
        return Outcome(False, incident, f"already {role}", person, held.since)
    before = held.person if held is not None else None
    if held is None:
        held = IncidentRole(incident_id=incident_id, role=role, person=person, since=now, given_by=actor)
        session.add(held)
    held.person, held.since, held.given_by = person, now, actor
    text = f"Took the role {role}" if person == actor else f"{called} has the role {role} now"
    await _keep(session, incident, role, text, actor=actor, before=before, after=person, now=now)
    return Outcome(True, incident)


async def take_away(session: AsyncSession, incident_id: int, *, role: str, actor: str, now: datetime) -> Outcome:
    """Nobody has the role any more. Raises LookupError."""
    incident = await locked(session, incident_id)
    held = await session.get(IncidentRole, (incident_id, role))
    if held is None:
        return Outcome(False, incident, f"nobody is {role}")
    before = held.person
    await session.delete(held)
    await _keep(session, incident, role, f"Nobody is {role} any more", actor=actor, before=before, after=None, now=now)
    return Outcome(True, incident)


async def of_incident(session: AsyncSession, incident_id: int) -> Sequence[IncidentRole]:
    """The lead first, then by name of the role."""
    statement = select(IncidentRole).where(col(IncidentRole.incident_id) == incident_id)
    rows = (await session.execute(statement)).scalars().all()
    return sorted(rows, key=lambda row: (row.role != LEAD, row.role))


async def responsible(session: AsyncSession, incident: Incident) -> str | None:
    """Who is asked how it stands: the lead, else whoever acknowledged; None while nobody has taken it on."""
    lead = await session.get(IncidentRole, (incident.id, LEAD))
    return lead.person if lead is not None else incident.acknowledged_by


async def _keep(
    session: AsyncSession,
    incident: Incident,
    role: str,
    text: str,
    *,
    actor: str,
    before: str | None,
    after: str | None,
    now: datetime,
) -> None:
    assert incident.id is not None
    await timeline.add(session, incident.id, kind="role", actor=actor, text=text, now=now, show=True)
    await audit.record(
        session,
        actor=actor,
        action="incident.role",
        object=f"incident:{incident.id}:{role}",
        before=before,
        after=after,
        incident_id=incident.id,
        now=now,
    )
    await incidents.touch(session, incident, now=now)
