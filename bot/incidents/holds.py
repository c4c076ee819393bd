"""Holds: what keeps a finding from an incident, so that it opens none and pages nobody, and yet is counted and said.

    held by        | until
    silence:3      | the silence ends or is cancelled
    maintenance:x  | the window of the catalog ends
    incident:42    | the incident that explains it is resolved

A finding may touch several systems, so it is held for each of them by itself. Whoever opens incidents asks here first;
bot.incidents.releasing opens what is still true when the reason has gone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.catalog import Catalog
from bot.incidents import silences, windows
from bot.store.tables import Finding, Hold, Incident, IncidentFinding

TOPIC = "holds"
"""Woken when a hold may have lost its reason."""


@dataclass(frozen=True, slots=True)
class Reason:
    """What keeps a finding back, and why in words."""

    held_by: str
    why: str


async def hold_for(
    session: AsyncSession, catalog: Catalog, finding: Finding, system: str, provider: str | None, *, now: datetime
) -> Hold | None:
    """Hold the finding back from an incident of the system where something says so; None: it may open one.

    What an open incident of the system is about already goes on there: nothing is opened by that.
    """
    reason = await _reason(session, catalog, finding, system, now=now)
    if reason is None or await _has_incident(session, finding, system):
        await drop(session, finding, system=system, now=now)
        return None
    return await _put(session, finding, system, reason, now=now)


async def drop(session: AsyncSession, finding: Finding, *, system: str | None = None, now: datetime) -> None:
    """Nothing holds the finding any more: it is over, or it opens its incident (of the system, or of every one)."""
    statement = update(Hold).where(col(Hold.finding_id) == finding.id, col(Hold.released_at).is_(None))
    if system is not None:
        statement = statement.where(col(Hold.system) == system)
    await session.execute(statement.values(released_at=now).execution_options(synchronize_session=False))


async def is_held(session: AsyncSession, finding: Finding) -> bool:
    statement = select(col(Hold.id)).where(col(Hold.finding_id) == finding.id, col(Hold.released_at).is_(None))
    return (await session.execute(statement.limit(1))).first() is not None


async def standing(session: AsyncSession) -> Sequence[tuple[Hold, Finding]]:
    """Everything that is held back now, the oldest first."""
    statement = (
        select(Hold, Finding)
        .join(Finding, col(Finding.id) == col(Hold.finding_id))
        .where(col(Hold.released_at).is_(None), col(Finding.cleared_at).is_(None))
        .order_by(col(Hold.since), col(Hold.id))
    )
    return [(hold, finding) for hold, finding in (await session.execute(statement)).all()]


async def _reason(
    session: AsyncSession, catalog: Catalog, finding: Finding, system: str, *, now: datetime
) -> Reason | None:
    silence = await silences.of_finding(session, finding, system, now=now)
    if silence is not None:
        return Reason(f"silence:{silence.id}", silence.reason)
    window = windows.of_system(catalog, system, now)
    if window is not None:
        return Reason(f"maintenance:{window.name}", window.reason)
    return None


async def _has_incident(session: AsyncSession, finding: Finding, system: str) -> bool:
    """Whether an open incident of the system holds the finding, or has the same cause."""
    linked = select(col(IncidentFinding.incident_id)).where(col(IncidentFinding.finding_id) == finding.id)
    statement = select(col(Incident.id)).where(
        col(Incident.system) == system,
        col(Incident.resolved_at).is_(None),
        (col(Incident.cause) == f"{finding.kind}:{finding.subject}") | col(Incident.id).in_(linked),
    )
    return (await session.execute(statement.limit(1))).first() is not None


async def _put(session: AsyncSession, finding: Finding, system: str, reason: Reason, *, now: datetime) -> Hold:
    assert finding.id is not None
    statement = select(Hold).where(
        col(Hold.finding_id) == finding.id, col(Hold.system) == system, col(Hold.released_at).is_(None)
    )
    hold: Hold | None = (await session.execute(statement)).scalar_one_or_none()
    if hold is None:
        hold = Hold(finding_id=finding.id, system=system, held_by="", reason="", since=now)
        session.add(hold)
    hold.held_by, hold.reason = reason.held_by, reason.why
    await session.flush()
    return hold
