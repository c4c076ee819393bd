"""What people ask of a step: run it, skip it, undo it, or say whether it happened. The first click wins."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.engine import CursorResult
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.runbooks.life import Event, State, after
from bot.runbooks.telling import tell
from bot.store.database import wake_after_commit
from bot.store.tables import Incident, RunbookRun, RunbookStep

TOPIC = "steps"


class Verb(StrEnum):
    """What a button asks for."""

    RUN = "run"
    SKIP = "skip"
    UNDO = "undo"
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
    State.RUNNING: "already running",
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
    Event.MARK: "Done",
    Event.SKIP: "Skipped",
    Event.UNDO: "Undo asked for",
    Event.RETRY: "Asked for again",
    Event.HAPPENED: "Said that it happened",
    Event.NOT_HAPPENED: "Said that it did not happen",
}


async def request(
    session: AsyncSession, step_id: int, *, verb: str, version: int | None, actor: str, now: datetime
) -> StepOutcome:
    """Ask something of a step; `version` is the one on the button, None to take the step as it is now.

    Raises LookupError where there is no such step and ValueError for an unknown verb.
    """
    step = await _locked(session, step_id)
    event = _event(Verb(verb), step)
    incident = await session.get_one(Incident, step.incident_id)
    refusal = await _refusal(session, step, incident, event, version)
    if refusal is not None:
        return StepOutcome(False, step, refusal, *_last(step))
    before = State(step.state)
    state = after(before, event)
    assert state is not None
    if not await _move(session, step, before, _changes(step, event, state, actor=actor, now=now)):
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


async def verbs(session: AsyncSession, step: RunbookStep, incident: Incident) -> tuple[Verb, ...]:
    """What people may ask of the step now: the buttons of its message."""
    possible = []
    for verb in Verb:
        if await _refusal(session, step, incident, _event(verb, step), version=step.version) is None:
            possible.append(verb)  # noqa: PERF401 - tuple() takes no async generator
    return tuple(possible)


def _event(verb: Verb, step: RunbookStep) -> Event:
    if verb is Verb.RUN and step.action is None:
        return Event.MARK
    return Event(verb.value)


async def _locked(session: AsyncSession, step_id: int) -> RunbookStep:
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
    session: AsyncSession, step: RunbookStep, incident: Incident, event: Event, version: int | None
) -> str | None:
    state = State(step.state)
    following = after(state, event)
    if following is None or (version is not None and version != step.version):
        return _ALREADY.get(state, "out of date")
    if state is State.SKIPPED and step.requested_at is None:
        return "there is nothing to do"
    if following is State.READY and incident.resolved_at is not None:
        return "the incident is resolved"
    if event is Event.UNDO and not await _can_undo(session, step):
        return "there is nothing to undo"
    return None


async def _can_undo(session: AsyncSession, step: RunbookStep) -> bool:
    """Whether something was there before, and the runbook (as pinned by the run) does not forbid to go back to it."""
    if step.action is None or step.previous is None:
        return False
    run = await session.get_one(RunbookRun, step.run_id)
    written: dict[str, Any] = next((each for each in run.document["steps"] if each["id"] == step.name), {})
    return bool(written.get("undo", "previous_value") != "none")


def _changes(step: RunbookStep, event: Event, state: State, *, actor: str, now: datetime) -> dict[str, Any]:
    changes: dict[str, Any] = {"state": state, "version": step.version + 1}
    if state is State.UNDO_READY:
        return changes | {"error": None, "undone_by": actor, "undone_at": None, "requested_at": now}
    changes |= {"requested_by": actor, "requested_at": now}
    match event:
        case Event.RUN:
            fresh = {"previous": None, "result": None, "error": None, "finished_at": None}
            return changes | fresh | {"undone_by": None, "undone_at": None}
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


async def _move(session: AsyncSession, step: RunbookStep, before: State, changes: dict[str, Any]) -> bool:
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
