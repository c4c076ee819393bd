"""Opening, acknowledging, resolving and reopening incidents."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.catalog import Catalog
from bot.incidents import flapping, returns, timeline
from bot.incidents.life import Event, State, after
from bot.incidents.races import Outcome as Outcome
from bot.incidents.races import locked
from bot.incidents.severity import Severity
from bot.incidents.status import Status
from bot.incidents.timeline import root_key
from bot.paging import escalation
from bot.spans import clock
from bot.store import audit, outbox
from bot.store.database import wake_after_commit
from bot.store.tables import Incident, IncidentFinding, TimelineEntry

TOPIC = "incidents"
REOPEN_WITHIN = timedelta(minutes=30)
"""The same cause so soon after a resolution is the same incident, not a new one."""
_HOW = {
    "email": " by the link in an e-mail",
    "pagerduty": " in PagerDuty",
    "twilio": " by phone",
    "webhook": " by the link of a webhook",
    "command": " by command",
}


async def open_incident(
    session: AsyncSession,
    catalog: Catalog,
    *,
    system: str,
    cause: str,
    title: str,
    severity: str,
    known: str,
    actor: str,
    now: datetime,
    provider: str | None = None,
    finding_ids: Iterable[int] = (),
    page_first: Sequence[str] = (),
) -> Incident:
    """Open an incident of a system: its thread, and an escalation where the severity asks for one.

    `page_first` are targets (`person:sam`) that are paged before the policy's own. An open incident with the same
    cause takes the findings instead of a second one being opened; one that was resolved shortly before is reopened in
    its old thread.
    """
    existing = await _open_with_cause(session, system, cause)
    if existing is None:
        existing = await _reopen_recent(session, catalog, system, cause, severity=severity, known=known, now=now)
    if existing is not None:
        await link(session, existing, finding_ids)
        return existing
    entry = catalog.systems[system]
    incident = Incident(
        system=system,
        cause=cause,
        title=title,
        severity=severity,
        state=State.TRIGGERED,
        owner=entry.owner,
        channel=entry.channel,
        provider=provider,
        opened_at=now,
        opened_by=actor,
        known=known,
    )
    session.add(incident)
    await session.flush()
    assert incident.id is not None
    await link(session, incident, finding_ids)
    await outbox.post(
        session,
        key=root_key(incident.id),
        kind="incident_root",
        subject={"incident": incident.id},
        channel=incident.channel,
        priority=outbox.Priority.ROOT,
        now=now,
        incident_id=incident.id,
    )
    await timeline.add(session, incident.id, kind="opened", actor=actor, text=f"Incident opened: {title}", now=now)
    await audit.record(
        session,
        actor=actor,
        action="incident.open",
        object=f"incident:{incident.id}",
        after={"system": system, "cause": cause, "severity": severity},
        incident_id=incident.id,
        now=now,
    )
    if Severity(severity).pages:
        await escalation.begin(session, catalog, incident, first=page_first, now=now)
    wake_after_commit(session, TOPIC)
    return incident


async def get(session: AsyncSession, incident_id: int) -> Incident | None:
    """The incident with this number."""
    return await session.get(Incident, incident_id)


async def open_incidents(session: AsyncSession, system: str | None = None) -> Sequence[Incident]:
    """Incidents that are not resolved, gravest first, then oldest."""
    statement = (
        select(Incident)
        .where(col(Incident.resolved_at).is_(None))
        .order_by(col(Incident.severity), col(Incident.opened_at))
    )
    if system is not None:
        statement = statement.where(col(Incident.system) == system)
    return (await session.execute(statement)).scalars().all()


async def acknowledge(
    session: AsyncSession, incident_id: int, *, version: int | None, actor: str, now: datetime, how: str = "slack"
) -> Outcome:
    """Take the incident on; the first to ask wins, the others are told who it was.

    `how` is the face: slack, command, email, pagerduty, twilio, webhook. Where the policy wants several people, it is
    acknowledged with the last of them. Raises LookupError when there is no such incident.
    """
    incident = await locked(session, incident_id)
    refused = _refusal(incident, Event.ACKNOWLEDGE, version)
    if refused is not None:
        return refused
    by = _HOW.get(how, "")
    ack = await escalation.acknowledge(session, incident, actor=actor, how=how, now=now)
    if not ack.applied:
        return Outcome(False, incident, "already acknowledged", actor, now)
    if ack.missing:
        text = f"Acknowledged{by}; {ack.missing} more {'has' if ack.missing == 1 else 'have'} to"
        await timeline.add(session, incident_id, kind="acknowledged", actor=actor, text=text, now=now, show=True)
        await touch(session, incident, now=now)
        return Outcome(True, incident)
    before = incident.state
    incident.state = State.ACKNOWLEDGED
    incident.acknowledged_at, incident.acknowledged_by = now, actor
    incident.version += 1
    await timeline.add(
        session, incident_id, kind="acknowledged", actor=actor, text=f"Acknowledged{by}", now=now, show=True
    )
    await _record_state(session, incident, before, actor=actor, now=now)
    await touch(session, incident, now=now)
    return Outcome(True, incident)


async def resolve(
    session: AsyncSession, incident_id: int, *, version: int | None, actor: str, now: datetime, resolution: str = ""
) -> Outcome:
    """End the incident, by hand or (actor `badday`) because its recovery held. Raises LookupError like acknowledge.

    `resolution` is what it was and what ended it, as a person says it.
    """
    incident = await locked(session, incident_id)
    refused = _refusal(incident, Event.RESOLVE, version)
    if refused is not None:
        return refused
    before = incident.state
    by_itself = incident.recovered_at is not None and actor == "badday"
    held = incident.resolve_due - incident.recovered_at if incident.resolve_due and incident.recovered_at else None
    incident.state = State.RESOLVED
    incident.resolved_at, incident.resolved_by = now, actor
    incident.resolve_due = incident.update_due = None
    incident.resolution = resolution.strip()
    incident.version += 1
    text = "Resolved: the recovery held" if by_itself else "Resolved"
    text += f": {incident.resolution}" if incident.resolution else ""
    if incident.flapping_since is not None:
        text += f". It came {incident.flaps} times since {clock(incident.flapping_since, now)}"
    await timeline.add(session, incident_id, kind="resolved", actor=actor, text=text, now=now)
    await _record_state(session, incident, before, actor=actor, now=now)
    await escalation.end(session, incident_id, now=now)
    await outbox.post(
        session,
        key=_summary_key(incident),
        kind="summary",
        # Whoever saw in the channel that it climbed sees there that it is over; the others have the root message.
        subject={
            "incident": incident_id,
            "reopened": incident.reopened,
            "broadcast": await _climbed(session, incident_id),
        },
        channel=incident.channel,
        thread_key=root_key(incident_id),
        priority=outbox.Priority.REPLY,
        incident_id=incident_id,
        now=now,
        after=flapping.summary_after(held) if by_itself and held is not None else timedelta(),
    )
    await touch(session, incident, now=now)
    return Outcome(True, incident)


async def note(session: AsyncSession, incident_id: int, *, actor: str, text: str, now: datetime) -> TimelineEntry:
    """Add a person's note to the timeline."""
    return await timeline.add(session, incident_id, kind="note", actor=actor, text=text, now=now, show=True)


async def touch(session: AsyncSession, incident: Incident, *, now: datetime, urgent: bool = True) -> None:
    """Show the incident's root message anew and wake those who follow incidents."""
    assert incident.id is not None
    await session.flush()
    await outbox.edit(session, root_key(incident.id), now=now, urgent=urgent)
    wake_after_commit(session, TOPIC)


def _refusal(incident: Incident, event: Event, version: int | None) -> Outcome | None:
    if after(State(incident.state), event) is None:
        if incident.state == State.RESOLVED:
            return Outcome(False, incident, "already resolved", incident.resolved_by, incident.resolved_at)
        return Outcome(False, incident, "already acknowledged", incident.acknowledged_by, incident.acknowledged_at)
    if version is not None and version != incident.version and event is Event.RESOLVE:
        # Acknowledging twice is told above; resolving by an old button could end what was reopened meanwhile.
        return Outcome(False, incident, "out of date", incident.acknowledged_by, incident.acknowledged_at)
    return None


def _summary_key(incident: Incident) -> str:
    return f"incident:{incident.id}:summary:{incident.reopened}"


async def _climbed(session: AsyncSession, incident_id: int) -> bool:
    """Whether the channel was told of an escalation."""
    statement = select(col(TimelineEntry.id)).where(
        col(TimelineEntry.incident_id) == incident_id, col(TimelineEntry.kind).in_(("escalated", "exhausted"))
    )
    return (await session.execute(statement.limit(1))).first() is not None


async def _record_state(session: AsyncSession, incident: Incident, before: str, *, actor: str, now: datetime) -> None:
    await audit.record(
        session,
        actor=actor,
        action="incident.state",
        object=f"incident:{incident.id}",
        before=before,
        after=str(incident.state),
        incident_id=incident.id,
        now=now,
    )


async def _open_with_cause(session: AsyncSession, system: str, cause: str) -> Incident | None:
    statement = (
        select(Incident)
        .where(col(Incident.system) == system, col(Incident.cause) == cause, col(Incident.resolved_at).is_(None))
        .with_for_update()
    )
    return (await session.execute(statement)).scalar_one_or_none()


async def _reopen_recent(
    session: AsyncSession, catalog: Catalog, system: str, cause: str, *, severity: str, known: str, now: datetime
) -> Incident | None:
    statement = (
        select(Incident)
        .where(
            col(Incident.system) == system,
            col(Incident.cause) == cause,
            col(Incident.resolved_at) > now - REOPEN_WITHIN,
        )
        .order_by(col(Incident.resolved_at).desc())
        .limit(1)
        .with_for_update()
    )
    incident: Incident | None = (await session.execute(statement)).scalar_one_or_none()
    if incident is None or incident.id is None:
        return None
    before = incident.state
    incident.state = State.TRIGGERED
    incident.severity, incident.known = severity, known
    incident.resolved_at = incident.resolved_by = None
    incident.acknowledged_at = incident.acknowledged_by = None
    incident.recovered_at = incident.resolve_due = None
    incident.runbooks_started_at = incident.update_due = incident.overruled = None
    incident.status, incident.resolution = Status.INVESTIGATING, ""
    # Whoever was not told that it is over need not be told that it is back.
    untold = await outbox.withdraw(session, _summary_key(incident))
    incident.reopened += 1
    incident.version += 1
    incident.flapping_since, incident.flaps = None, 0
    await returns.keep(
        session, incident, returns.REOPENED, "Reopened: the same cause is back", show=not untold, now=now
    )
    await _record_state(session, incident, before, actor="badday", now=now)
    if Severity(severity).pages:
        await escalation.resume(session, catalog, incident, now=now)
    await touch(session, incident, now=now)
    return incident


async def link(session: AsyncSession, incident: Incident, finding_ids: Iterable[int]) -> None:
    """Let the incident hold the findings, too."""
    assert incident.id is not None
    for finding_id in finding_ids:
        if await session.get(IncidentFinding, (incident.id, finding_id)) is None:
            session.add(IncidentFinding(incident_id=incident.id, finding_id=finding_id))
    await session.flush()
