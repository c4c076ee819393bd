"""Runs of runbooks: started with an incident, ended with it; clicks on their steps are in `clicks`."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.actions.registry import Registry, packaged
from bot.catalog import Catalog
from bot.incidents import timeline
from bot.runbooks import arming, planning
from bot.runbooks.clicks import StepOutcome, Verb, request
from bot.runbooks.library import Library
from bot.runbooks.life import Event, State, after
from bot.runbooks.planning import IncidentFacts, PlannedStep, RouteFacts
from bot.runbooks.schema import Runbook
from bot.runbooks.telling import message_key, tell
from bot.store import audit, outbox
from bot.store.tables import Incident, RunbookRun, RunbookStep
from bot.switchboard import board

__all__ = ["StepOutcome", "Verb", "close", "request", "start", "steps"]


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
    loaded = library.pick(watch)
    if loaded is None or incident.system not in catalog.systems:
        return None
    assert incident.id is not None
    run = await _run(session, incident.id, loaded.runbook.name)
    if run is not None and run.ended_at is None:
        return run
    if run is None:
        run = RunbookRun(
            incident_id=incident.id,
            runbook=loaded.runbook.name,
            digest=loaded.digest,
            document=loaded.runbook.document(),
            started_at=now,
        )
        session.add(run)
        await session.flush()
    run.ended_at = None
    pinned = Runbook.model_validate(run.document)
    planned = planning.plan(
        pinned,
        catalog=catalog,
        system=catalog.systems[incident.system],
        incident=_facts(incident),
        routes=await _routes(session, catalog, incident),
        actions=actions if actions is not None else packaged(),
    )
    armed = await arming.is_armed(session, catalog, incident.system)
    await _offer(session, incident, run, planned, armed=armed, now=now)
    await _record_start(session, incident, run, armed=armed, now=now)
    return run


async def close(session: AsyncSession, incident: Incident, *, now: datetime) -> None:
    """End the runs of a resolved incident: what is still offered is skipped, what was done can still be undone."""
    open_runs = select(RunbookRun).where(col(RunbookRun.incident_id) == incident.id, col(RunbookRun.ended_at).is_(None))
    for run in (await session.execute(open_runs)).scalars().all():
        run.ended_at = now
        for step in await steps(session, run, lock=True):
            await _close_step(session, step, now=now)
    await session.flush()


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


def _facts(incident: Incident) -> IncidentFacts:
    assert incident.id is not None
    return IncidentFacts(incident.id, incident.system, incident.title, incident.severity, incident.provider)


async def _routes(session: AsyncSession, catalog: Catalog, incident: Incident) -> list[RouteFacts]:
    """The system's routes that use the incident's provider now."""
    troubled = await _troubled(session, incident)
    found = []
    for route in catalog.systems[incident.system].routes.values():
        current = await board.value(session, catalog, board.ROUTE + route.name)
        if current is None or incident.provider is None or current.value != incident.provider:
            continue
        standby = planning.standby(route.providers, incident.provider, troubled)
        found.append(RouteFacts(route.name, incident.provider, route.primary, route.standbys, standby))
    return found


async def _troubled(session: AsyncSession, incident: Incident) -> frozenset[str]:
    """Providers that an open incident is about, whichever system's it is."""
    statement = select(col(Incident.provider)).where(
        col(Incident.resolved_at).is_(None),
        col(Incident.recovered_at).is_(None),
        col(Incident.provider).is_not(None),
    )
    others = (await session.execute(statement)).scalars().all()
    return frozenset(name for name in (*others, incident.provider) if name is not None)


async def _offer(
    session: AsyncSession,
    incident: Incident,
    run: RunbookRun,
    planned: Iterable[PlannedStep],
    *,
    armed: bool,
    now: datetime,
) -> None:
    assert run.id is not None
    assert incident.id is not None
    last = (
        await session.execute(select(func.max(col(RunbookStep.position))).where(col(RunbookStep.run_id) == run.id))
    ).scalar_one()
    first = 0 if last is None else last + 1
    for place, each in enumerate(planned):
        step = RunbookStep(
            run_id=run.id,
            incident_id=incident.id,
            position=first + place,
            name=each.name,
            title=each.title,
            state=State.SKIPPED if each.moot else State.OFFERED,
            action=each.action,
            arguments=each.arguments,
            note=each.note,
            dry_run=each.action is not None and not armed,
        )
        session.add(step)
        await session.flush()
        assert step.id is not None
        await outbox.post(
            session,
            key=message_key(step.id),
            kind="step",
            subject={"step": step.id},
            channel=incident.channel,
            thread_key=timeline.root_key(incident.id),
            incident_id=incident.id,
            priority=outbox.Priority.REPLY,
            now=now + timedelta(microseconds=place),  # messages of one priority go in the order of their times
        )


async def _record_start(
    session: AsyncSession, incident: Incident, run: RunbookRun, *, armed: bool, now: datetime
) -> None:
    assert incident.id is not None
    await timeline.add(
        session,
        incident.id,
        kind="step",
        actor="badday",
        text=f"Runbook {run.runbook} started" + ("" if armed else f" as a dry run: {incident.system} is not armed"),
        data={"run": run.id, "runbook": run.runbook, "digest": run.digest},
        now=now,
    )
    await audit.record(
        session,
        actor="badday",
        action="runbook.start",
        object=f"run:{run.id}",
        after={"runbook": run.runbook, "digest": run.digest, "armed": armed},
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
