"""How a race for an incident is decided: its row is held while somebody acts, and who comes too late is told."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.incidents.life import Event, State, after
from bot.store import audit
from bot.store.tables import Incident


@dataclass(frozen=True)
class Outcome:
    """What came of asking for a change of state: applied, or refused because of what `by` did at `at`."""

    applied: bool
    incident: Incident
    refusal: str = ""
    """Why not, without names and times: `already acknowledged`, `already resolved`, `out of date`."""
    by: str | None = None
    at: datetime | None = None


async def locked(session: AsyncSession, incident_id: int) -> Incident:
    """The incident, held against other transactions until this one ends: the race is decided here.

    Raises LookupError when there is no such incident.
    """
    statement = (
        select(Incident)
        .where(col(Incident.id) == incident_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    incident: Incident | None = (await session.execute(statement)).scalar_one_or_none()
    if incident is None:
        raise LookupError(f"there is no incident {incident_id}")
    return incident


async def take_back(session: AsyncSession, incident: Incident, *, now: datetime) -> None:
    """Take the acknowledgement back: the incident waits for somebody again. Nothing where nobody has acknowledged."""
    following = after(State(incident.state), Event.UNACKNOWLEDGE)
    if following is None:
        return
    before, incident.state = incident.state, following
    incident.acknowledged_at = incident.acknowledged_by = None
    incident.version += 1
    await audit.record(
        session,
        actor="badday",
        action="incident.state",
        object=f"incident:{incident.id}",
        before=before,
        after=str(following),
        incident_id=incident.id,
        now=now,
    )
