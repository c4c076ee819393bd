"""What people ask of a step: run it, skip it, undo it, or say whether it happened. The first click wins."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.engine import CursorResult
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.actions.registry import Registry, packaged
from bot.runbooks import freeze
from bot.runbooks.execution import DOING, may_have_happened, written_step
from bot.runbooks.life import Event, State, after
from bot.runbooks.schema import Step
from bot.runbooks.telling import tell
from bot.store.database import wake_after_commit
from bot.store.tables import Freeze, Incident, RunbookRun, RunbookStep

TOPIC = "steps"
FROZEN = "all changes were frozen"


class Verb(StrEnum):
    """What a button asks for."""

    RUN = "run"
    SKIP = "skip"
    CANCEL = "cancel"
    UNDO = "undo"
    KEEP = "keep"
    RETRY = "retry"
    HAPPENED = "happened"
    NOT_HAPPENED = "not_happened"


@dataclass(frozen=True)
class StepOutcome:
    """What came of a click: applied, or refused because of what `by` did at `at`."""

    applied: bool
    step: RunbookStep
    refusal: str = ""
    """Why not, without names and times: `already running`, `out of date`, `the incident is resolved`."""
    by: str | None = None
    at: datetime | None = None


_ALREADY = {
    State.READY: "already asked for",
    State.AWAITING_APPROVAL: "already asked for, and waits for approval",
    State.RUNNING: "already running",
    State.WAITING: "already begun",
    State.CHECKING: "already done, and being checked",
    State.CONSENT: "already asked for, and waits for consent in the other system",
    State.DONE: "already done",
    State.SKIPPED: "already skipped",
    State.DRY_RUN: "already shown as a dry run",
    State.UNDO_READY: "already being undone",
    State.UNDOING: "already being undone",
    State.UNDONE: "already undone",
    State.FAILED: "it failed meanwhile",
    State.UNDO_FAILED: "the undo failed meanwhile",
}

_TOLD = {
    Event.RUN: "Asked for",
    Event.ASK: "Asked for approval of",
    Event.MARK: "Done",
    Event.SKIP: "Skipped",
    Event.CANCEL: "Cancelled",
    Event.LOSE: "Cancelled",
    Event.KEEP: "May stay longer",
    Event.UNDO: "Undo asked for",
    Event.RETRY: "Asked for again",
    Event.HAPPENED: "Said that it happened",
    Event.NOT_HAPPENED: "Said that it did not happen",
}


async def request(
    session: AsyncSession,
    step_id: int,
    *,
    verb: str,
    version: int | None,
    actor: str,
    now: datetime,
    actions: Registry | None = None,
) -> StepOutcome:
    """Ask something of a step; `version` is the one on the button, None to take the step as it is now.

    Raises LookupError where there is no such step and ValueError for an unknown verb.
    """
    step = await locked(session, step_id)
    written = written_step(await session.get_one(RunbookRun, step.run_id), step.name)
    event = _event(Verb(verb), step, written, actions if actions is not None else packaged())
    incident = await session.get_one(Incident, step.incident_id)
    refusal = await _refusal(session, step, written, incident, event, version)
    if refusal is not None:
        frozen = await freeze.in_force(session) if refusal == FROZEN else None
        return StepOutcome(False, step, refusal, *(_last(step) if frozen is None else _froze(frozen)))
    before = State(step.state)
    state = after(before, event)
    assert state is not None
    if not await move(session, step, before, _changes(step, written, event, state, actor=actor, now=now)):
        return StepOutcome(False, step, "out of date", *_last(step))
    await tell(
        session,
        step,
        event=event,
        actor=actor,
        text=f"{_TOLD[event]}: {step.title}",
        before=before,
        after=state,
        now=now,
        urgent=state not in (State.READY, State.UNDO_READY),
    )
    wake_after_commit(session, TOPIC)
    return StepOutcome(True, step)


def stale(step: RunbookStep) -> StepOutcome:
    """The answer to a click that came too late."""
    return StepOutcome(False, step, _ALREADY.get(State(step.state), "out of date"), *_last(step))


async def verbs(session: AsyncSession, step: RunbookStep, incident: Incident) -> tuple[Verb, ...]:
    """What people may ask of the step now: the buttons of its message."""
    written = written_step(await session.get_one(RunbookRun, step.run_id), step.name)
    possible = []
    for verb in Verb:
        event = _event(verb, step, written, packaged())
        if await _refusal(session, step, written, incident, event, version=step.version) is None:
            possible.append(verb)
    return tuple(possible)


def _event(verb: Verb, step: RunbookStep, written: Step, actions: Registry) -> Event:
    if verb is Verb.RUN and step.action is None:
        return Event.MARK
    if verb is Verb.RUN and written.approve is not None and not step.dry_run:
        return Event.ASK
    if verb is Verb.CANCEL and step.state == State.RUNNING and may_have_happened(step, actions):
        return Event.LOSE
    return Event(verb.value)


async def locked(session: AsyncSession, step_id: int) -> RunbookStep:
    statement = (
        select(RunbookStep)
        .where(col(RunbookStep.id) == step_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    step: RunbookStep | None = (await session.execute(statement)).scalar_one_or_none()
    if step is None:
        raise LookupError(f"there is no runbook step {step_id}")
    return step


async def _refusal(
    session: AsyncSession, step: RunbookStep, written: Step, incident: Incident, event: Event, version: int | None
) -> str | None:
    state = State(step.state)
    following = after(state, event)
    if following is None or (version is not None and version != step.version):
        return _ALREADY.get(state, "out of date")
    if state is State.SKIPPED and step.requested_at is None:
        return "there is nothing to do"
    if following in (State.READY, State.AWAITING_APPROVAL) and incident.resolved_at is not None:
        return "the incident is resolved"
    if event is Event.UNDO and not can_undo(step, written):
        return "there is nothing to undo"
    if event is Event.KEEP and step.expiry_asked_at is None:
        return "it does not end yet"
    if following in (State.READY, State.UNDO_READY) and not step.dry_run and not _only_reads(step):
        return FROZEN if await freeze.in_force(session) is not None else None
    return None


def can_undo(step: RunbookStep, written: Step) -> bool:
    """Whether something was there before, and the runbook (as pinned by the run) does not forbid to go back to it."""
    return step.action is not None and step.previous is not None and written.undo != "none"


def _only_reads(step: RunbookStep) -> bool:
    action = packaged().get(step.action or "")
    return step.action is None or (action is not None and action.reads_only)


def _changes(
    step: RunbookStep, written: Step, event: Event, state: State, *, actor: str, now: datetime
) -> dict[str, Any]:
    changes: dict[str, Any] = {"state": state, "version": step.version + 1}
    if state is State.UNDO_READY:
        begun = {"requested_at": now, "tries": 0, "not_before": None}
        return changes | {"error": None, "undone_by": actor, "undone_at": None} | begun
    if event in (Event.CANCEL, Event.LOSE):
        return changes | _cancelled(step, event, now)
    if event is Event.KEEP:
        assert written.expires is not None
        return changes | {"expires_at": now + written.expires, "expiry_asked_at": None}
    changes |= {"requested_by": actor, "requested_at": now, "tries": 0, "not_before": None, "consent_url": None}
    match event:
        case Event.RUN | Event.ASK:
            fresh = {"previous": None, "result": None, "error": None, "finished_at": None, "reading": None}
            changes |= fresh | {"undone_by": None, "undone_at": None, "takes_effect": None}
            if event is Event.ASK and written.approve is not None:
                # The version of the question: answers to an earlier one do not count.
                changes |= {"approval_round": step.version + 1, "approval_due": now + written.approve.expires}
            return changes
        case Event.RETRY:
            # What was there before the first try stays known: the try that failed may have changed something.
            return changes | {"result": None, "error": None, "finished_at": None}
        case Event.NOT_HAPPENED if state is State.OFFERED:
            return changes | {"previous": None, "result": None, "error": None}
        case Event.NOT_HAPPENED:
            return changes | {"error": None, "undone_by": None}
        case Event.HAPPENED if state is State.UNDONE:
            return changes | {"error": None, "undone_at": now}
        case Event.HAPPENED:
            return changes | {"error": None, "finished_at": now}
    return changes | {"finished_at": now}


def _cancelled(step: RunbookStep, event: Event, now: datetime) -> dict[str, Any]:
    """The worker that holds the step, if there is one, loses it: its fence fails, and it writes nothing any more."""
    fenced = {"lease_owner": None, "lease_until": None, "attempt": step.attempt + 1, "not_before": None}
    if event is Event.LOSE:
        doing = (step.result or {}).get(DOING) or {}
        result = {"change": doing.get("change", step.title), "before": doing.get("before"), "after": None}
        error = "It was cancelled in the middle. Whether it happened cannot be known."
        return fenced | {"error": error, "result": result}
    ended = "undone_at" if step.state == State.UNDOING else "finished_at"
    kept = {key: value for key, value in (step.result or {}).items() if key != DOING}
    error = "It was cancelled. What it had begun by then may be in force." if step.previous else "It was cancelled."
    return fenced | {"error": error, "result": kept or None, ended: now}


async def move(session: AsyncSession, step: RunbookStep, before: State, changes: dict[str, Any]) -> bool:
    """The conditional update that decides between two clicks: it hits only the version that was looked at."""
    statement = (
        update(RunbookStep)
        .where(
            col(RunbookStep.id) == step.id,
            col(RunbookStep.version) == step.version,
            col(RunbookStep.state) == before,
        )
        .values(**changes)
        .execution_options(synchronize_session=False)
    )
    result = await session.execute(statement)
    assert isinstance(result, CursorResult)
    await session.refresh(step)
    return result.rowcount == 1


def _last(step: RunbookStep) -> tuple[str | None, datetime | None]:
    """Who clicked last, and when."""
    if step.undone_by is not None:
        return step.undone_by, step.undone_at or step.requested_at
    return step.requested_by, step.requested_at


def _froze(frozen: Freeze) -> tuple[str, datetime]:
    return frozen.changed_by, frozen.changed_at
