"""What people change about an open incident by hand: its severity, its status, its title."""

from datetime import datetime

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.catalog import Catalog
from bot.incidents import incidents, timeline
from bot.incidents.life import State
from bot.incidents.races import Outcome, locked
from bot.incidents.severity import Severity, worse
from bot.incidents.status import Status, told
from bot.paging import escalation
from bot.store import audit
from bot.store.tables import Incident

LONGEST_TITLE = 120


async def set_severity(
    session: AsyncSession, catalog: Catalog, incident_id: int, *, severity: Severity, actor: str, now: datetime
) -> Outcome:
    """Change how grave it is: a raise to a severity that pages begins to page, a lowering to sev3 ends that.

    What findings have told until now does not change it back; only a graver one does. Raises LookupError.
    """
    incident = await locked(session, incident_id)
    before = Severity(incident.severity)
    refused = _over(incident) or (Outcome(False, incident, f"already {severity}") if severity is before else None)
    if refused is not None:
        return refused
    incident.severity = severity
    incident.overruled = worse(before, incident.overruled or before)
    text = f"Severity changed from {before} to {severity}{_effect(incident, before)}"
    await _keep(session, incident, "severity", text, actor=actor, before=before, after=severity, now=now)
    if severity.pages and not before.pages and incident.state == State.TRIGGERED:
        await escalation.start(session, catalog, incident, now=now)
    if before.pages and not severity.pages:
        await escalation.end(session, incident_id, now=now)
    await incidents.touch(session, incident, now=now)
    return Outcome(True, incident)


async def set_status(
    session: AsyncSession, incident_id: int, *, status: Status, words: str = "", actor: str, now: datetime
) -> Outcome:
    """Say how far people are; saying it again with new words is an update, without words a refusal.

    Raises LookupError.
    """
    incident = await locked(session, incident_id)
    before = Status(incident.status)
    meaning = told(before, status) or (f"Still {status}" if words else None)
    if (over := _over(incident)) is not None:
        return over
    if meaning is None:
        return Outcome(False, incident, f"already {status}")
    incident.status = status
    text = f"{meaning.partition(':')[0]}: {words}" if words else meaning
    await _keep(session, incident, "status", text, actor=actor, before=before, after=status, now=now)
    await incidents.touch(session, incident, now=now)
    return Outcome(True, incident)


async def set_title(session: AsyncSession, incident_id: int, *, title: str, actor: str, now: datetime) -> Outcome:
    """Give it a better name, also afterwards. Raises LookupError, and ValueError for a title of no use."""
    wanted = " ".join(title.split())
    if not 3 <= len(wanted) <= LONGEST_TITLE:
        raise ValueError(f"a title has 3 to {LONGEST_TITLE} characters, this one has {len(wanted)}")
    incident = await locked(session, incident_id)
    before = incident.title
    if wanted == before:
        return Outcome(False, incident, "already called so")
    incident.title = wanted
    text = f"Title changed to “{wanted}”; it was “{before}”"
    await _keep(session, incident, "title", text, actor=actor, before=before, after=wanted, now=now)
    await incidents.touch(session, incident, now=now)
    return Outcome(True, incident)


def _over(incident: Incident) -> Outcome | None:
    if incident.resolved_at is None:
        return None
    return Outcome(False, incident, "already resolved", incident.resolved_by, incident.resolved_at)


def _effect(incident: Incident, before: Severity) -> str:
    """What the new severity means for whoever is, or was, to be woken."""
    after = Severity(incident.severity)
    if after.pages == before.pages:
        return ""
    if not after.pages:
        return ": nobody is paged any more"
    return ": paging begins" if incident.state == State.TRIGGERED else "; it is acknowledged, so nobody is paged"


async def _keep(
    session: AsyncSession,
    incident: Incident,
    what: str,
    text: str,
    *,
    actor: str,
    before: str,
    after: str,
    now: datetime,
) -> None:
    assert incident.id is not None
    await timeline.add(session, incident.id, kind=what, actor=actor, text=text, now=now, show=True)
    await audit.record(
        session,
        actor=actor,
        action=f"incident.{what}",
        object=f"incident:{incident.id}",
        before=before,
        after=after,
        incident_id=incident.id,
        now=now,
    )
