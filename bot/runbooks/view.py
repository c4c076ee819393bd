"""A step as people see it: where it stands, the exact change, and what may be asked of it now."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from pydantic import ValidationError
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.actions.contract import ActionContext, ActionError, Reading
from bot.actions.registry import Registry, packaged
from bot.catalog import Catalog
from bot.runbooks import approvals, clicks, freeze
from bot.runbooks.clicks import Verb
from bot.runbooks.execution import written_step
from bot.runbooks.keeper import ANSWER_WITHIN
from bot.runbooks.life import State
from bot.runbooks.schema import Step
from bot.store.tables import Incident, RunbookRun, RunbookStep

_HAS_CHANGE = frozenset(
    {
        *(State.DONE, State.DRY_RUN, State.WAITING, State.CHECKING, State.CONSENT),
        *(State.UNDO_READY, State.UNDOING, State.UNDONE, State.UNDO_FAILED, State.UNDO_UNKNOWN),
    }
)
"""States in which it is told what the step did; in the others, what it would do."""


@dataclass(frozen=True, slots=True)
class StepView:
    """What a face needs to show a step; it holds no rule of its own."""

    id: int
    version: int
    incident_id: int
    system: str
    title: str
    state: State
    note: str | None
    is_action: bool
    change: str | None
    """What it did, or would do if it were run now: `Switch route chat from openai to anthropic`. None for a note."""
    undo_change: str | None
    """What an undo would do now; None where there is nothing to undo."""
    dry_run: bool
    """Whether running it only shows what it would do, because the system is not armed."""
    verbs: tuple[Verb, ...]
    """What people may ask of it now: its buttons."""
    by: str | None
    """Who asked last for what the state says."""
    at: datetime | None
    undone_by: str | None
    undone_at: datetime | None
    error: str | None
    approval: "ApprovalView | None" = None
    """The question that the step waits for."""
    takes_effect: str | None = None
    """When the change is felt, where that is not at once."""
    consent_url: str | None = None
    """Where somebody must consent in the other system."""
    expects: str | None = None
    """What its check expects, while it is looked at."""
    until: datetime | None = None
    """Until when it waits, is checked, or (a change) lasts; which of them the state says."""
    expiring: bool = False
    """Whether the owner was asked if the change may last longer."""
    frozen: bool = False
    """Whether all changes are frozen."""


@dataclass(frozen=True, slots=True)
class ApprovalView:
    """Who may say yes, how many are needed, who did, and how long is waited."""

    people: tuple[str, ...]
    count: int
    yes: tuple[str, ...]
    not_opener: bool
    until: datetime | None


async def view(
    session: AsyncSession, catalog: Catalog, step_id: int, *, now: datetime, actions: Registry | None = None
) -> StepView | None:
    """The step as it is at `now`; None where there is no such step."""
    step = await session.get(RunbookStep, step_id)
    if step is None:
        return None
    assert step.id is not None
    incident = await session.get_one(Incident, step.incident_id)
    possible = await clicks.verbs(session, step, incident)
    change, undo_change = await _changes(
        session, catalog, step, incident, actions if actions is not None else packaged()
    )
    written = written_step(await session.get_one(RunbookRun, step.run_id), step.name)
    frozen = step.action is not None and await freeze.in_force(session) is not None
    return StepView(
        id=step.id,
        version=step.version,
        incident_id=step.incident_id,
        system=incident.system,
        title=step.title,
        state=State(step.state),
        note=step.note,
        is_action=step.action is not None,
        change=change,
        undo_change=undo_change if Verb.UNDO in possible or Verb.RETRY in possible else None,
        dry_run=step.dry_run,
        verbs=possible,
        by=step.requested_by,
        at=step.finished_at or step.requested_at,
        undone_by=step.undone_by,
        undone_at=step.undone_at,
        error=step.error,
        approval=await _approval(session, catalog, step, written, incident, now),
        takes_effect=step.takes_effect,
        consent_url=step.consent_url,
        expects=written.check.expect if written.check is not None and step.state == State.CHECKING else None,
        until=_until(step),
        expiring=step.state == State.DONE and step.expiry_asked_at is not None,
        frozen=frozen,
    )


async def _approval(
    session: AsyncSession, catalog: Catalog, step: RunbookStep, written: Step, incident: Incident, now: datetime
) -> ApprovalView | None:
    if step.state != State.AWAITING_APPROVAL or written.approve is None:
        return None
    people = await approvals.eligible(session, catalog, written.approve, incident, now=now)
    yes = tuple(row.person for row in await approvals.answers(session, step) if row.approved)
    return ApprovalView(people, written.approve.count, yes, written.approve.not_opener, step.approval_due)


def _until(step: RunbookStep) -> datetime | None:
    match step.state:
        case State.WAITING:
            return step.not_before
        case State.CHECKING:
            return step.check_until
        case State.DONE if step.expiry_asked_at is not None:
            return step.expiry_asked_at + ANSWER_WITHIN
        case State.DONE:
            return step.expires_at
    return None


async def _changes(
    session: AsyncSession, catalog: Catalog, step: RunbookStep, incident: Incident, actions: Registry
) -> tuple[str | None, str | None]:
    """The change of the step, and that of its undo, in words."""
    action = actions.get(step.action or "")
    system = catalog.systems.get(incident.system)
    done = (step.result or {}).get("change") if step.state in _HAS_CHANGE else None
    if action is None or system is None:
        return done, None

    @asynccontextmanager
    async def same() -> AsyncIterator[AsyncSession]:
        yield session

    context = ActionContext(
        catalog=catalog,
        system=system,
        actor="badday",
        incident_id=step.incident_id,
        clock=_no_clock,
        reading=same,
        transaction=same,
    )
    current: Reading | None = None
    try:
        arguments = action.With.model_validate(step.arguments or {})
        if action.is_local(catalog, system, arguments):
            current = await action.read(context, arguments)
    except (ActionError, ValidationError):
        return done, None
    back = action.reverse(arguments, step.previous) if step.previous is not None else None
    undo = action.describe(back, current) if back is not None else None
    return done or action.describe(arguments, current), undo


def _no_clock() -> datetime:
    raise RuntimeError("looking at a step takes no time of its own")
