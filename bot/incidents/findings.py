"""What a finding means for incidents: it opens, joins, recovers or relapses one for each system that is touched.

Whoever takes several incidents takes them by their number, so that two callers never wait for each other.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.catalog import Catalog
from bot.incidents import flapping, holds, incidents, returns, timeline
from bot.incidents.severity import Severity, worse
from bot.paging import escalation
from bot.store.tables import Finding, Incident, IncidentFinding


async def opened(
    session: AsyncSession, catalog: Catalog, finding: Finding, *, now: datetime, only: str | None = None
) -> Sequence[Incident]:
    """Open (or join, or reopen) the incident of every system that the finding touches, or of `only` one of them.

    What troubles one system because of one provider is one incident, whichever detector saw it: a finding joins the
    open one instead of paging a second time. A system for which something holds the finding back has no incident in
    what is returned; see bot.incidents.holds.
    """
    assert finding.id is not None
    touched = []
    wanted = [(system, provider) for system, provider in touches(catalog, finding) if only in (None, system)]
    if len(wanted) > 1:
        await _hold(session, [system for system, _ in wanted])
    for system, provider in wanted:
        if await holds.hold_for(session, catalog, finding, system, provider, now=now) is not None:
            continue
        cause = f"{finding.kind}:{finding.subject}"
        incident = await _at_hand(session, finding, system=system, provider=provider, cause=cause)
        if incident is None:
            incident = await incidents.open_incident(
                session,
                catalog,
                system=system,
                cause=cause,
                title=finding.title,
                severity=finding.severity,
                known=_known(finding),
                actor="badday",
                now=now,
                provider=provider,
                finding_ids=[finding.id],
            )
        else:
            await _join(session, incident, finding, now=now)
        await _relapse(session, incident, now=now)
        touched.append(incident)
    return touched


async def hold_of(session: AsyncSession, found: Collection[Finding]) -> None:
    """Hold the incidents of several findings, for one who goes through the findings one after the other."""
    linked = select(col(IncidentFinding.incident_id)).where(
        col(IncidentFinding.finding_id).in_([finding.id for finding in found])
    )
    await session.execute(_by_number(col(Incident.id).in_(linked)))


async def _hold(session: AsyncSession, systems: Collection[str]) -> None:
    """Hold the open incidents of the systems: the finding may join any of them, or be explained by it."""
    await session.execute(_by_number(col(Incident.system).in_(systems)))


def _by_number(which: ColumnElement[bool]) -> Select[int | None]:
    statement = select(col(Incident.id)).where(which, col(Incident.resolved_at).is_(None))
    return statement.order_by(col(Incident.id)).with_for_update()


def touches(catalog: Catalog, finding: Finding) -> list[tuple[str, str | None]]:
    """The systems that a finding is about, each with the provider that is to blame as far as known."""
    if finding.system is not None:
        return [(finding.system, finding.provider)] if finding.system in catalog.systems else []
    provider = _provider(catalog, finding)
    return [(system.name, provider) for system in catalog.systems_using(provider)] if provider else []


async def changed(session: AsyncSession, finding: Finding, *, now: datetime, quietly: bool = False) -> None:
    """Tell what is known now about a finding that stays open; a graver severity is taken over.

    `quietly`: what is merely known anew stands in the root message alone.
    """
    for incident in await _incidents(session, finding):
        known = await _known_of(session, incident)
        if incident.known == known and _severity(finding, incident) == incident.severity:
            continue
        if quietly and _severity(finding, incident) == incident.severity:
            incident.known = known
            await incidents.touch(session, incident, now=now, urgent=False)
            continue
        await _tell(session, incident, finding, known=known, now=now)


async def cleared(session: AsyncSession, finding: Finding, *, now: datetime, hold: timedelta) -> None:
    """Note the recovery; an incident without an open finding resolves itself once the recovery has held."""
    await holds.drop(session, finding, now=now)
    for incident in await _incidents(session, finding):
        assert incident.id is not None
        if incident.recovered_at is not None:
            continue
        left = await _known_of(session, incident)
        if await _has_open_finding(session, incident.id):
            if left and left != incident.known:
                incident.known = left
                await incidents.touch(session, incident, now=now, urgent=False)
            continue
        await _recover(session, incident, finding, now=now, hold=hold)


async def _recover(
    session: AsyncSession, incident: Incident, finding: Finding, *, now: datetime, hold: timedelta
) -> None:
    """Told once: not when it resolves at once, and not when it came back lately and may do so again."""
    assert incident.id is not None
    flaps = incident.flapping_since is not None
    incident.recovered_at = now
    incident.resolve_due = now + flapping.hold(hold, flapping=flaps)
    if not flaps:
        await timeline.add(
            session,
            incident.id,
            kind="recovered",
            actor="badday",
            text=f"Recovered: {_known(finding)}" if _known(finding) else "Recovered",
            now=now,
            data={"resolve_due": incident.resolve_due.isoformat()},
            show=bool(hold) and not await returns.any_lately(session, incident, now=now),
            after=flapping.told_after(hold),
        )
    await incidents.touch(session, incident, now=now, urgent=not flaps)


async def is_attended(session: AsyncSession, finding: Finding) -> bool:
    """Whether an incident of the finding is not resolved, or it is held back from having one.

    People may end an incident while the finding is still open.
    """
    return bool(await _incidents(session, finding)) or await holds.is_held(session, finding)


async def others_recovered(session: AsyncSession, finding: Finding) -> bool:
    """Whether everything else that an unresolved incident of the finding holds is over, and there was something."""
    for incident in await _incidents(session, finding):
        statement = (
            select(col(Finding.cleared_at))
            .join(IncidentFinding, col(IncidentFinding.finding_id) == col(Finding.id))
            .where(col(IncidentFinding.incident_id) == incident.id, col(Finding.id) != finding.id)
        )
        others = (await session.execute(statement)).scalars().all()
        if others and all(cleared_at is not None for cleared_at in others):
            return True
    return False


async def _at_hand(
    session: AsyncSession, finding: Finding, *, system: str, provider: str | None, cause: str
) -> Incident | None:
    """The open incident that a finding belongs to although another cause opened it."""
    related: Any = col(Incident.id).in_(
        select(col(IncidentFinding.incident_id)).where(col(IncidentFinding.finding_id) == finding.id)
    )
    if provider is not None:
        related |= (col(Incident.provider) == provider) & (col(Incident.opened_by) == "badday")
    statement = (
        select(Incident)
        .where(col(Incident.system) == system, col(Incident.resolved_at).is_(None))
        .where(related | (col(Incident.cause) == cause))
        .order_by(col(Incident.id))
        .with_for_update()
    )
    found = (await session.execute(statement)).scalars().all()
    own = next((incident for incident in found if incident.cause == cause), None)
    return None if own is not None else next(iter(found), None)


async def _join(session: AsyncSession, incident: Incident, finding: Finding, *, now: datetime) -> None:
    assert incident.id is not None
    assert finding.id is not None
    await incidents.link(session, incident, [finding.id])
    known = await _known_of(session, incident)
    if known != incident.known or _severity(finding, incident) != incident.severity:
        await _tell(session, incident, finding, known=known, now=now)


async def _tell(session: AsyncSession, incident: Incident, finding: Finding, *, known: str, now: datetime) -> None:
    assert incident.id is not None
    paged_before = Severity(incident.severity).pages
    incident.known = known
    incident.severity = _severity(finding, incident)
    await timeline.add(
        session, incident.id, kind="seen", actor="badday", text=_known(finding) or finding.title, now=now, show=True
    )
    if Severity(incident.severity).pages and not paged_before:
        await escalation.request(session, incident, now=now)
    await incidents.touch(session, incident, now=now, urgent=False)


def _severity(finding: Finding, incident: Incident) -> str:
    """The incident's severity with this finding: the graver one, unless a person overruled what was told before."""
    if incident.overruled is not None and worse(finding.severity, incident.overruled) == incident.overruled:
        return incident.severity
    return worse(finding.severity, incident.severity)


async def _relapse(session: AsyncSession, incident: Incident, *, now: datetime) -> None:
    if incident.recovered_at is None:
        return
    incident.recovered_at = incident.resolve_due = None
    await returns.keep(session, incident, returns.RELAPSED, "It is back", now=now)
    await incidents.touch(session, incident, now=now, urgent=incident.flapping_since is None)


async def _incidents(session: AsyncSession, finding: Finding) -> Sequence[Incident]:
    statement = (
        select(Incident)
        .join(IncidentFinding, col(IncidentFinding.incident_id) == col(Incident.id))
        .where(col(IncidentFinding.finding_id) == finding.id, col(Incident.resolved_at).is_(None))
        .order_by(col(Incident.id))
        .with_for_update()
    )
    return (await session.execute(statement)).scalars().all()


async def _known_of(session: AsyncSession, incident: Incident) -> str:
    """What all open findings of the incident say, in the order in which they were made."""
    statement = (
        select(Finding)
        .join(IncidentFinding, col(IncidentFinding.finding_id) == col(Finding.id))
        .where(col(IncidentFinding.incident_id) == incident.id, col(Finding.cleared_at).is_(None))
        .order_by(col(Finding.id))
    )
    said = [_known(finding) for finding in (await session.execute(statement)).scalars()]
    return " · ".join(dict.fromkeys(text for text in said if text))


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
