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
from bot.incidents import inhibition, silences, timeline, windows
from bot.incidents.inhibition import Explaining
from bot.incidents.severity import Severity
from bot.store import outbox
from bot.store.tables import Finding, Hold, Incident, IncidentFinding, TimelineEntry

TOPIC = "holds"
"""Woken when a hold may have lost its reason."""
NAMED = 5
"""So many of the findings that an incident explains are named in its thread."""


@dataclass(frozen=True, slots=True)
class Reason:
    """What keeps a finding back, and why in words."""

    held_by: str
    why: str
    incident: int | None = None
    """The incident that explains it."""


async def hold_for(
    session: AsyncSession, catalog: Catalog, finding: Finding, system: str, provider: str | None, *, now: datetime
) -> Hold | None:
    """Hold the finding back from an incident of the system where something says so; None: it may open one.

    What an open incident of the system is about already goes on there: nothing is opened by that.
    """
    reason = await _reason(session, catalog, finding, system, provider, now=now)
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
    session: AsyncSession, catalog: Catalog, finding: Finding, system: str, provider: str | None, *, now: datetime
) -> Reason | None:
    silence = await silences.of_finding(session, finding, system, now=now)
    if silence is not None:
        return Reason(f"silence:{silence.id}", silence.reason)
    window = windows.of_system(catalog, system, now)
    if window is not None:
        return Reason(f"maintenance:{window.name}", window.reason)
    return await _explained(session, finding, system, provider)


async def _explained(session: AsyncSession, finding: Finding, system: str, provider: str | None) -> Reason | None:
    """An open incident of the system that explains the finding; see inhibition.yaml."""
    if not inhibition.of_kind(inhibition.rules(), finding.kind):
        return None
    statement = (
        select(Incident, col(Finding.kind))
        .join(IncidentFinding, col(IncidentFinding.incident_id) == col(Incident.id))
        .join(Finding, col(Finding.id) == col(IncidentFinding.finding_id))
        .where(col(Incident.system) == system, col(Incident.resolved_at).is_(None))
        .order_by(col(Incident.id))
    )
    found: dict[int, Incident] = {}
    kinds: dict[int, set[str]] = {}
    for incident, kind in (await session.execute(statement)).all():
        if explains(incident, finding):
            found[incident.id] = incident
            kinds.setdefault(incident.id, set()).add(kind)
    candidates = [Explaining(number, one.provider, frozenset(kinds[number])) for number, one in found.items()]
    chosen = inhibition.explained_by(inhibition.rules(), finding.kind, provider, candidates)
    if chosen is None:
        return None
    return Reason(f"incident:{chosen.incident}", found[chosen.incident].title, chosen.incident)


def explains(incident: Incident, finding: Finding) -> bool:
    """An incident that is over explains nothing, and one that pages nobody holds back nothing that would."""
    if incident.resolved_at is not None:
        return False
    return Severity(incident.severity).pages or not Severity(finding.severity).pages


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
    if reason.incident is not None:
        await _say(session, reason.incident, now=now)
    return hold


async def _say(session: AsyncSession, incident_id: int, *, now: datetime) -> None:
    """One entry in the thread of the incident names what it explains; it grows with what comes later."""
    held = (
        select(col(Finding.title))
        .join(Hold, col(Hold.finding_id) == col(Finding.id))
        .where(col(Hold.held_by) == f"incident:{incident_id}")
        .order_by(col(Hold.id))
    )
    titles = list(dict.fromkeys((await session.execute(held)).scalars()))
    more = f"; and {len(titles) - NAMED} more" if len(titles) > NAMED else ""
    text = f"Held back, because this incident explains it: {'; '.join(titles[:NAMED])}{more}"
    told = select(TimelineEntry).where(
        col(TimelineEntry.incident_id) == incident_id, col(TimelineEntry.kind) == "inhibited"
    )
    entry: TimelineEntry | None = (await session.execute(told.limit(1))).scalar_one_or_none()
    if entry is None:
        await timeline.add(session, incident_id, kind="inhibited", actor="badday", text=text, now=now, show=True)
    elif entry.text != text:
        entry.text = text
        await session.flush()
        await outbox.edit(session, timeline.note_key(entry.id or 0), now=now, urgent=False)
