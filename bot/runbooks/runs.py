"""Runs of runbooks: started with an incident or by hand, ended with it; clicks on their steps are in `clicks`."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.actions.registry import Registry, packaged
from bot.catalog import Catalog
from bot.incidents import follow_ups, timeline
from bot.runbooks import arming, changes, expressions, knowing, offering, planning
from bot.runbooks.clicks import TOPIC, StepOutcome, Verb, can_undo, request
from bot.runbooks.expressions import ExpressionError
from bot.runbooks.inputs import InputError
from bot.runbooks.library import Library, LoadedRunbook
from bot.runbooks.life import Event, State, after
from bot.runbooks.schema import Close, Runbook
from bot.runbooks.telling import tell
from bot.store import audit, outbox
from bot.store.database import wake_after_commit
from bot.store.tables import Incident, RunbookRun, RunbookStep

__all__ = ["StepOutcome", "Verb", "close", "offer_close", "request", "start", "start_by_hand", "steps", "undo_all"]


async def start(
    session: AsyncSession,
    library: Library,
    catalog: Catalog,
    incident: Incident,
    *,
    watch: str | None,
    now: datetime,
    actions: Registry | None = None,
) -> RunbookRun | None:
    """Offer the steps of the runbook that starts on the watch; None where no runbook does.

    The run keeps the runbook as it is now. When the incident was reopened, its run goes on with a new round of the
    same steps; what the earlier round did stays to be undone.
    """
    if incident.system not in catalog.systems:
        return None
    loaded = library.pick(watch, await knowing.facts(session, catalog, incident))
    if loaded is None:
        return None
    return await _start(session, catalog, incident, loaded, {}, actor="badday", now=now, actions=actions)


async def start_by_hand(
    session: AsyncSession,
    library: Library,
    catalog: Catalog,
    incident: Incident,
    runbook: str,
    *,
    inputs: Mapping[str, str],
    actor: str,
    now: datetime,
    actions: Registry | None = None,
) -> RunbookRun:
    """Offer the steps of a runbook that somebody chose, with the inputs that they chose.

    A run of it that has not ended in this incident goes on with a new round of its steps. Raises LookupError for an
    unknown runbook and InputError for a value that an input cannot have.
    """
    loaded = library.runbooks.get(runbook)
    if loaded is None:
        raise LookupError(
            f"there is no runbook {runbook!r}; there are: {', '.join(sorted(library.runbooks)) or 'none'}"
        )
    return await _start(session, catalog, incident, loaded, inputs, actor=actor, now=now, actions=actions, anew=True)


async def _start(
    session: AsyncSession,
    catalog: Catalog,
    incident: Incident,
    loaded: LoadedRunbook,
    given: Mapping[str, str],
    *,
    actor: str,
    now: datetime,
    actions: Registry | None,
    anew: bool = False,
) -> RunbookRun:
    assert incident.id is not None
    run = await _run(session, incident.id, loaded.runbook.name)
    if run is not None and run.ended_at is None and not anew:
        return run
    if run is None:
        run = RunbookRun(
            incident_id=incident.id,
            runbook=loaded.runbook.name,
            digest=loaded.digest,
            document=loaded.runbook.document(),
            started_at=now,
            started_by=actor,
        )
        session.add(run)
        await session.flush()
    run.ended_at = run.close_offered_at = None
    pinned = Runbook.model_validate(run.document)
    known = await knowing.facts(session, catalog, incident, runbook=pinned, given=given)
    run.inputs = {name: _as_typed(value) for name, value in known.inputs.items()}
    planned = planning.plan(
        pinned,
        catalog=catalog,
        system=catalog.systems[incident.system],
        facts=known,
        actions=actions if actions is not None else packaged(),
    )
    armed = await arming.is_armed(session, catalog, incident.system)
    await offering.offer(session, incident, run, planned, pinned, armed=armed, now=now)
    await _record_start(session, incident, run, actor=actor, armed=armed, now=now)
    return run


async def close(session: AsyncSession, catalog: Catalog, incident: Incident, *, now: datetime) -> None:
    """End the runs of a resolved incident: what is still offered is skipped, what was done can still be undone."""
    open_runs = select(RunbookRun).where(col(RunbookRun.incident_id) == incident.id, col(RunbookRun.ended_at).is_(None))
    for run in (await session.execute(open_runs)).scalars().all():
        run.ended_at = now
        for step in await steps(session, run, lock=True):
            await _close_step(session, step, now=now)
        await offer_close(session, catalog, incident, run, now=now)
    await session.flush()


async def offer_close(
    session: AsyncSession, catalog: Catalog, incident: Incident, run: RunbookRun, *, now: datetime
) -> bool:
    """Tell that the end of the run has come: what it offers to undo, and what is left to do afterwards.

    False where its condition does not hold yet. Told once, when the incident has recovered or is resolved.
    """
    if run.close_offered_at is not None:
        return False
    close = Runbook.model_validate(run.document).close
    if close is not None and close.condition is not None and not await _holds(session, catalog, incident, run, close):
        return False
    run.close_offered_at = now
    if close is None:
        return True
    assert incident.id is not None
    if close.offer_undo and await changes.in_force(session, incident=incident.id, steps=close.offer_undo):
        await outbox.post(
            session,
            key=f"run:{run.id}:end:{now.timestamp():.0f}",
            kind="run_end",
            subject={"run": run.id},
            channel=incident.channel,
            thread_key=timeline.root_key(incident.id),
            incident_id=incident.id,
            priority=outbox.Priority.REPLY,
            now=now,
        )
    known = {row.text for row in await follow_ups.of_incident(session, incident.id)}
    for text in close.follow_up:
        if text not in known:
            await follow_ups.add(
                session, incident.id, text=text, owner=incident.owner, due=None, actor="badday", now=now
            )
    return True


async def _holds(session: AsyncSession, catalog: Catalog, incident: Incident, run: RunbookRun, close: Close) -> bool:
    assert close.condition is not None
    if incident.system not in catalog.systems:
        return False
    runbook = Runbook.model_validate(run.document)
    rows = await steps(session, run)
    try:
        known = await knowing.facts(session, catalog, incident, runbook=runbook, given=run.inputs or {}, steps=rows)
        return expressions.parse(close.condition).holds(known.plain())
    except (ExpressionError, InputError):
        return False


async def undo_all(session: AsyncSession, run_id: int, *, actor: str, now: datetime) -> bool:
    """Undo all that the run changed, the last change first; False where there is nothing. Raises LookupError."""
    run = await session.get(RunbookRun, run_id, with_for_update=True, populate_existing=True)
    if run is None:
        raise LookupError(f"there is no run {run_id}")
    runbook = {step.id: step for step in Runbook.model_validate(run.document).steps}
    done = [
        row
        for row in await steps(session, run)
        if row.state in (State.DONE, State.FAILED) and can_undo(row, runbook[row.name])
    ]
    if not done or run.undoing_by is not None:
        return False
    run.undoing_by, run.moved = actor, True
    await timeline.add(
        session,
        run.incident_id,
        kind="step",
        actor=actor,
        text=f"Undo of all that runbook {run.runbook} changed: {len(done)} steps",
        data={"run": run.id, "event": "undo_all"},
        now=now,
    )
    wake_after_commit(session, TOPIC)
    return True


async def steps(session: AsyncSession, run: RunbookRun, *, lock: bool = False) -> Sequence[RunbookStep]:
    """The run's steps in order; `lock` holds them against clicks until the transaction ends."""
    statement = (
        select(RunbookStep)
        .where(col(RunbookStep.run_id) == run.id)
        .order_by(col(RunbookStep.position))
        .execution_options(populate_existing=True)
    )
    if lock:
        statement = statement.with_for_update()
    return (await session.execute(statement)).scalars().all()


async def _run(session: AsyncSession, incident_id: int, runbook: str) -> RunbookRun | None:
    statement = select(RunbookRun).where(col(RunbookRun.incident_id) == incident_id, col(RunbookRun.runbook) == runbook)
    return (await session.execute(statement)).scalar_one_or_none()


def _as_typed(value: object) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


async def _record_start(
    session: AsyncSession, incident: Incident, run: RunbookRun, *, actor: str, armed: bool, now: datetime
) -> None:
    assert incident.id is not None
    chosen = f" with {', '.join(f'{name}={value}' for name, value in run.inputs.items())}" if run.inputs else ""
    dry = "" if armed else f" as a dry run: {incident.system} is not armed"
    await timeline.add(
        session,
        incident.id,
        kind="step",
        actor=actor,
        text=f"Runbook {run.runbook} started{chosen}{dry}",
        data={"run": run.id, "runbook": run.runbook, "digest": run.digest},
        now=now,
    )
    await audit.record(
        session,
        actor=actor,
        action="runbook.start",
        object=f"run:{run.id}",
        after={"runbook": run.runbook, "digest": run.digest, "armed": armed, "inputs": run.inputs or {}},
        incident_id=incident.id,
        now=now,
    )


async def _close_step(session: AsyncSession, step: RunbookStep, *, now: datetime) -> None:
    before = State(step.state)
    state = after(before, Event.CLOSE)
    if state is None:
        return
    step.state, step.version = state, step.version + 1
    step.requested_by, step.requested_at, step.finished_at = "badday", now, now
    await session.flush()
    await tell(
        session,
        step,
        event=Event.CLOSE,
        actor="badday",
        text=f"Not needed any more: {step.title}",
        before=before,
        after=state,
        now=now,
        urgent=False,
    )
