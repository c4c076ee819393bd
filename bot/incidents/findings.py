"""What a finding means for incidents: it opens, joins, recovers or relapses one for each system that is touched."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.catalog import Catalog
from bot.incidents import incidents, timeline
from bot.incidents.severity import Severity, worse
from bot.paging import pages
from bot.store.tables import Finding, Incident, IncidentFinding


async def opened(session: AsyncSession, catalog: Catalog, finding: Finding, *, now: datetime) -> Sequence[Incident]:
    """Open (or join, or reopen) the incident of every system that depends on what the finding is about."""
    assert finding.id is not None
    touched = []
    provider = _provider(catalog, finding)
    for system in catalog.systems_using(provider) if provider else ():
        incident = await incidents.open_incident(
            session,
            catalog,
            system=system.name,
            cause=f"{finding.kind}:{finding.subject}",
            title=finding.title,
            severity=finding.severity,
            known=_known(finding),
            actor="badday",
            now=now,
            provider=provider,
            finding_ids=[finding.id],
        )
        await _relapse(session, incident, now=now)
        touched.append(incident)
    return touched


async def changed(session: AsyncSession, finding: Finding, *, now: datetime) -> None:
    """Tell what is known now about a finding that stays open; a graver severity is taken over."""
    for incident in await _incidents(session, finding):
        known = _known(finding)
        if incident.known == known and worse(finding.severity, incident.severity) == incident.severity:
            continue
        assert incident.id is not None
        paged_before = Severity(incident.severity).pages
        incident.known = known
        incident.severity = worse(finding.severity, incident.severity)
        await timeline.add(session, incident.id, kind="seen", actor="badday", text=known, now=now, show=True)
        if Severity(incident.severity).pages and not paged_before:
            await pages.page(session, incident, incident.owner, now=now)
        await incidents.touch(session, incident, now=now, urgent=False)


async def cleared(session: AsyncSession, finding: Finding, *, now: datetime, hold: timedelta) -> None:
    """Note the recovery; an incident without an open finding resolves itself once the recovery has held."""
    for incident in await _incidents(session, finding):
        assert incident.id is not None
        if incident.recovered_at is not None or await _has_open_finding(session, incident.id):
            continue
        incident.recovered_at = now
        incident.resolve_due = now + hold
        await timeline.add(
            session,
            incident.id,
            kind="recovered",
            actor="badday",
            text=f"Recovered: {_known(finding)}" if _known(finding) else "Recovered",
            now=now,
            data={"resolve_due": incident.resolve_due.isoformat()},
            show=True,
        )
        await incidents.touch(session, incident, now=now)


async def _relapse(session: AsyncSession, incident: Incident, *, now: datetime) -> None:
    if incident.recovered_at is None:
        return
    assert incident.id is not None
    incident.recovered_at = incident.resolve_due = None
    await timeline.add(session, incident.id, kind="relapsed", actor="badday", text="It is back", now=now)
    await incidents.touch(session, incident, now=now)


async def _incidents(session: AsyncSession, finding: Finding) -> Sequence[Incident]:
    statement = (
        select(Incident)
        .join(IncidentFinding, col(IncidentFinding.incident_id) == col(Incident.id))
        .where(col(IncidentFinding.finding_id) == finding.id, col(Incident.resolved_at).is_(None))
        .with_for_update()
    )
    return (await session.execute(statement)).scalars().all()


async def _has_open_finding(session: AsyncSession, incident_id: int) -> bool:
    statement = (
        select(col(Finding.id))
        .join(IncidentFinding, col(IncidentFinding.finding_id) == col(Finding.id))
        .where(col(IncidentFinding.incident_id) == incident_id, col(Finding.cleared_at).is_(None))
        .limit(1)
    )
    return (await session.execute(statement)).first() is not None


def _provider(catalog: Catalog, finding: Finding) -> str | None:
    if finding.watch is not None and finding.watch in catalog.watches:
        return catalog.watches[finding.watch].provider
    return finding.subject if finding.subject in catalog.providers else None


def _known(finding: Finding) -> str:
    return str((finding.evidence or {}).get("known", ""))
