"""Planned steps become rows and messages in the incident's thread."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.incidents import timeline
from bot.runbooks.life import State
from bot.runbooks.planning import PlannedStep
from bot.runbooks.schema import Runbook
from bot.runbooks.telling import message_key
from bot.store import outbox
from bot.store.tables import Incident, RunbookRun, RunbookStep


async def offer(
    session: AsyncSession,
    incident: Incident,
    run: RunbookRun,
    planned: Iterable[PlannedStep],
    runbook: Runbook,
    *,
    armed: bool,
    now: datetime,
) -> None:
    """A new round of the run's steps, after those of earlier rounds."""
    assert run.id is not None
    actions = {step.id: step.do for step in runbook.steps}
    position, last_round = await _last(session, run.id)
    for place, each in enumerate(planned):
        action = actions[each.name] if each.pending else each.action
        step = RunbookStep(
            run_id=run.id,
            incident_id=run.incident_id,
            position=position + 1 + place,
            round=last_round + 1,
            name=each.name,
            title=each.title,
            state=state_of(each),
            action=action,
            arguments=each.arguments,
            check_arguments=each.check_arguments,
            note=each.note,
            route=each.route,
            dry_run=action is not None and not armed,
        )
        session.add(step)
        await session.flush()
        if not each.pending:
            await post(session, incident, step, now=now + timedelta(microseconds=place))
    run.moved = True
    await session.flush()


def state_of(planned: PlannedStep) -> State:
    """The state in which a planned step begins its life."""
    if planned.pending:
        return State.PENDING
    return State.SKIPPED if planned.moot else State.OFFERED


async def _last(session: AsyncSession, run_id: int) -> tuple[int, int]:
    """Position and round of the newest step; -1 and 0 where there is none."""
    newest = select(func.max(col(RunbookStep.position)), func.max(col(RunbookStep.round)))
    position, round_ = (await session.execute(newest.where(col(RunbookStep.run_id) == run_id))).one()
    return (-1 if position is None else position), round_ or 0


async def post(session: AsyncSession, incident: Incident, step: RunbookStep, *, now: datetime) -> None:
    """The step's message: of a pending one only once it is needed, so that the thread holds no steps that are not.

    Messages of one priority go in the order of their times, so each step's is a moment later.
    """
    assert step.id is not None
    await outbox.post(
        session,
        key=message_key(step.id),
        kind="step",
        subject={"step": step.id},
        channel=incident.channel,
        thread_key=timeline.root_key(step.incident_id),
        incident_id=step.incident_id,
        priority=outbox.Priority.REPLY,
        now=now,
    )
