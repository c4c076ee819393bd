"""How a race for an incident is decided: its row is held while somebody acts, and who comes too late is told."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

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
