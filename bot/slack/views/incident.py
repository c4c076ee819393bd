"""Incidents as their messages show them: the root, pages, notes, the summary."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlmodel import col

from bot.catalog import Catalog
from bot.incidents import impact, roles
from bot.paging.life import State as Climbing
from bot.runbooks.leftovers import change, is_in_force
from bot.runbooks.life import State as StepState
from bot.slack.messages.incident_root import CallsImpact, IncidentRootView, OfferedStep
from bot.slack.messages.note import NoteView
from bot.slack.messages.page import PagedIncident, PageView
from bot.slack.messages.summary import SummaryView
from bot.slack.messages.words import Deed, Flapping
from bot.slack.views import escalation
from bot.slack.views.look import Look
from bot.slack.views.sources import sources
from bot.store.tables import Incident, Page, RunbookStep, TimelineEntry
from bot.trail.queries.impact import Impact

_NEEDS_SOMEBODY = (StepState.UNKNOWN, StepState.UNDO_UNKNOWN, StepState.FAILED, StepState.UNDO_FAILED)
_AT_WORK = (StepState.READY, StepState.RUNNING, StepState.UNDO_READY, StepState.UNDOING)
_NEXT = (StepState.OFFERED, StepState.DRY_RUN)


async def root(look: Look, subject: dict[str, Any]) -> IncidentRootView:
    incident = await look.session.get_one(Incident, subject["incident"])
    assert incident.id is not None
    steps = await _steps(look, incident.id)
    resolved = await look.deed(incident.resolved_by, incident.resolved_at)
    paging = await escalation.paging(look, incident.id)
    return IncidentRootView(
        number=incident.id,
        version=incident.version,
        system=incident.system,
        title=incident.title,
        severity=incident.severity,
        state=incident.state,
        owner=await look.name(incident.owner),
        since=incident.opened_at,
        opened_by=await look.name(incident.opened_by),
        known=incident.known,
        paging=paging[0] if paging else None,
        more_paging=paging[1:],
        climb=await escalation.climb(look, incident),
        acknowledged=await look.deed(incident.acknowledged_by, incident.acknowledged_at),
        recovered_at=incident.recovered_at,
        resolve_due=incident.resolve_due,
        resolved=resolved,
        step=_next_step(steps),
        impact=await _impact(look, incident),
        undoable=any(is_in_force(step) for step in steps),
        status=incident.status,
        roles=[(one.role, await look.name(one.person)) for one in await roles.of_incident(look.session, incident.id)],
        resolution=incident.resolution,
        flapping=_flapping(incident),
        sources=await sources(look, incident),
    )


async def page(look: Look, subject: dict[str, Any]) -> PageView:
    """The pages of one message, in the order in which they were raised."""
    statement = select(Page).where(col(Page.id).in_(subject["pages"])).order_by(col(Page.id))
    rows = (await look.session.execute(statement)).scalars().all()
    # One who is paged twice about an incident in one message reads of it once.
    newest = {row.incident_id: row for row in rows}
    return PageView([await paged(look, row) for row in newest.values()])


async def note(look: Look, subject: dict[str, Any]) -> NoteView:
    entry = await look.session.get_one(TimelineEntry, subject["entry"])
    return NoteView(entry.kind, await look.name(entry.actor), entry.text, entry.at)


async def summary(look: Look, subject: dict[str, Any]) -> SummaryView:
    incident = await look.session.get_one(Incident, subject["incident"])
    assert incident.id is not None
    steps = await _steps(look, incident.id)
    did = [step for step in steps if step.state in (StepState.DONE, StepState.UNDONE, StepState.FAILED)]
    resolved = await look.deed(incident.resolved_by, incident.resolved_at)
    return SummaryView(
        number=incident.id,
        version=incident.version,
        system=incident.system,
        title=incident.title,
        opened_at=incident.opened_at,
        opened_by=await look.name(incident.opened_by),
        # A reopened incident may be open again by the time its first summary is sent.
        resolved=resolved or Deed("Badday", look.now),
        acknowledged=await look.deed(incident.acknowledged_by, incident.acknowledged_at),
        steps=[await _told(look, step) for step in did],
        left=[change(step) for step in steps if is_in_force(step)],
        resolution=incident.resolution,
        flapped=_flapping(incident),
        sources=[source.name for source in await sources(look, incident)],
        impact=await _impact(look, incident),
    )


def _flapping(incident: Incident) -> Flapping | None:
    if incident.flapping_since is None:
        return None
    until = incident.recovered_at or incident.resolved_at if incident.resolved_at is not None else None
    return Flapping(incident.flaps, incident.flapping_since, until)


async def paged(look: Look, row: Page) -> PagedIncident:
    incident = await look.session.get_one(Incident, row.incident_id)
    assert incident.id is not None
    ahead = await escalation.next_of(look, incident)
    snoozed = ahead is not None and ahead.state in (Climbing.SNOOZED, Climbing.SUSPENDED)
    deed = await look.deed(incident.resolved_by, incident.resolved_at)
    return PagedIncident(
        number=incident.id,
        version=incident.version,
        system=incident.system,
        title=incident.title,
        severity=incident.severity,
        state=incident.state,
        since=incident.opened_at,
        why=f"{row.why} of {incident.system}" if row.why in ("owner", "deputy") else row.why,
        known=incident.known,
        deed=deed or await look.deed(incident.acknowledged_by, incident.acknowledged_at),
        thread=await look.thread(incident.id),
        escalation=ahead.version if ahead is not None else None,
        deadline=ahead.next_at if ahead is not None else None,
        next_name=await escalation.names(look, ahead) if ahead is not None else "",
        snoozed=await look.deed(ahead.changed_by, ahead.changed_at) if ahead is not None and snoozed else None,
        silenced=ahead is not None and ahead.state == Climbing.SUSPENDED,
        told=await escalation.told(look, row),
        sources=await sources(look, incident),
    )


async def _impact(look: Look, incident: Incident) -> CallsImpact | None:
    found = await impact.of_incident(look.session, incident, now=look.now)
    return calls_impact(look.catalog, incident.system, found)


def calls_impact(catalog: Catalog, system_name: str, found: Impact | None) -> CallsImpact | None:
    """What happened to a system's calls, with providers by the names that the catalog gives them."""
    if found is None:
        return None
    system = catalog.systems.get(system_name)
    fell_back: Counter[str] = Counter()
    for (provider, model), calls in found.fell_back.items():
        name = catalog.provider_of(system, provider, model) if system is not None else provider
        fell_back[name or "another provider"] += calls
    return CallsImpact(found.calls, dict(fell_back.most_common()), found.users, found.nobodys)


async def _steps(look: Look, incident_id: int) -> Sequence[RunbookStep]:
    statement = (
        select(RunbookStep)
        .where(col(RunbookStep.incident_id) == incident_id)
        .order_by(col(RunbookStep.run_id), col(RunbookStep.position))
    )
    return (await look.session.execute(statement)).scalars().all()


def _next_step(steps: Sequence[RunbookStep]) -> OfferedStep | None:
    """What needs somebody's answer first, then what is at work, then what is offered."""
    for states in (_NEEDS_SOMEBODY, _AT_WORK, _NEXT):
        for step in steps:
            if step.state in states:
                return OfferedStep(step.position + 1, len(steps), step.title, step.state)
    return None


async def _told(look: Look, step: RunbookStep) -> str:
    word = {StepState.DONE: "done", StepState.UNDONE: "undone", StepState.FAILED: "failed"}[StepState(step.state)]
    by = step.undone_by if step.state == StepState.UNDONE else step.requested_by
    return f"{step.title}: {word}" + (f" by {await look.name(by)}" if by else "")
