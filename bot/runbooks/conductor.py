"""Moves runs on: offers or drops the steps that waited for others, and begins those that begin by themselves.

Every change of a step marks its run as moved; whoever looks next decides whose turn it is, in one transaction, so a
crash between two steps loses nothing.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

import structlog
from sqlalchemy import select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.actions.registry import Registry
from bot.catalog import Catalog
from bot.runbooks import arming, clicks, conducting, knowing, offering, planning
from bot.runbooks.conducting import Standing
from bot.runbooks.inputs import InputError
from bot.runbooks.life import UNDOES, Event, State, after
from bot.runbooks.schema import OnFail, Runbook, Step
from bot.runbooks.telling import tell
from bot.store.database import Database
from bot.store.tables import Incident, RunbookRun, RunbookStep

log = structlog.get_logger(__name__)
BOT = "badday"


class Conductor:
    """Any number of them may look; the database decides who moves which run on."""

    def __init__(
        self, db: Database, catalog: Callable[[], Catalog], clock: Callable[[], datetime], actions: Registry
    ) -> None:
        self._db = db
        self._catalog = catalog
        self._clock = clock
        self._actions = actions

    async def look(self) -> int:
        """Move on every run in which something changed; returns how many."""
        async with self._db.reading() as session:
            moved = (await session.execute(select(col(RunbookRun.id)).where(col(RunbookRun.moved)))).scalars().all()
        for run_id in moved:
            async with self._db.transaction() as session:
                await self._move_on(session, run_id)
        return len(moved)

    async def _move_on(self, session: AsyncSession, run_id: int) -> None:
        # Steps before their run, as clicks have it: two callers never wait for each other.
        statement = (
            select(RunbookStep)
            .where(col(RunbookStep.run_id) == run_id)
            .order_by(col(RunbookStep.position))
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        rows = (await session.execute(statement)).scalars().all()
        run = await session.get(RunbookRun, run_id, with_for_update=True, populate_existing=True)
        if run is None or not run.moved:
            return  # another replica was quicker
        run.moved = False
        await session.flush()
        if run.ended_at is None and run.undoing_by is None and _undoes_all(run, rows):
            run.undoing_by = BOT
        if run.undoing_by is not None:
            await self._undo_next(session, run, rows)
        elif run.ended_at is None and rows:
            newest = max(row.round for row in rows)
            await self._conduct(session, run, [row for row in rows if row.round == newest])

    async def _undo_next(self, session: AsyncSession, run: RunbookRun, rows: Sequence[RunbookStep]) -> None:
        """Undo what was done last, one step after the other. One that cannot be undone stops it: people are asked."""
        if any(row.state in UNDOES or row.state in (State.UNDO_FAILED, State.UNDO_UNKNOWN) for row in rows):
            return
        written = {step.id: step for step in Runbook.model_validate(run.document).steps}
        left = [row for row in rows if row.state in _TO_UNDO and clicks.can_undo(row, written[row.name])]
        if not left:
            run.undoing_by = None
            return
        last = max(left, key=lambda row: (row.finished_at or self._clock(), row.position))
        assert last.id is not None
        assert run.undoing_by is not None
        outcome = await clicks.request(
            session, last.id, verb=clicks.Verb.UNDO, version=None, actor=run.undoing_by, now=self._clock()
        )
        if not outcome.applied:
            log.warning("undoing all has stopped", run=run.id, step=last.id, why=outcome.refusal)
            run.undoing_by = None

    async def _conduct(self, session: AsyncSession, run: RunbookRun, rows: list[RunbookStep]) -> None:
        catalog, now = self._catalog(), self._clock()
        incident = await session.get_one(Incident, run.incident_id)
        if incident.system not in catalog.systems or incident.resolved_at is not None:
            return
        runbook = Runbook.model_validate(run.document)
        written = {step.id: step for step in runbook.steps}
        standings = [_standing(row, written[row.name]) for row in rows]
        decided = conducting.decidable(standings)
        if decided:
            try:
                known = await knowing.facts(
                    session, catalog, incident, runbook=runbook, given=run.inputs or {}, steps=rows
                )
            except InputError as error:
                log.warning("an input of a run is not possible any more", run=run.id, error=str(error))
                known = await knowing.facts(session, catalog, incident, runbook=runbook, steps=rows)
            armed = await arming.is_armed(session, catalog, incident.system)
            for place in decided:
                row = rows[place]
                planned = planning.planned_again(
                    runbook,
                    row.name,
                    row.route,
                    catalog=catalog,
                    system=catalog.systems[incident.system],
                    facts=known,
                    actions=self._actions,
                )
                await _offer(session, row, planned, armed=armed, now=now)
                if row.state == State.OFFERED:
                    await offering.post(session, incident, row, now=now)
                standings[place] = _standing(row, written[row.name])
        for place in conducting.beginning(standings):
            assert rows[place].id is not None
            await clicks.request(session, rows[place].id or 0, verb=clicks.Verb.RUN, version=None, actor=BOT, now=now)


_TO_UNDO = (State.DONE, State.FAILED)


def _undoes_all(run: RunbookRun, rows: Sequence[RunbookStep]) -> bool:
    """Whether a step has failed whose failure takes back all that the run changed, which has not been done yet."""
    written = {step.id: step for step in Runbook.model_validate(run.document).steps}
    failed = [row for row in rows if row.state == State.FAILED and written[row.name].on_fail is OnFail.UNDO_ALL]
    since = max((row.finished_at for row in failed if row.finished_at is not None), default=None)
    # What somebody ran again after the failure was meant.
    return since is not None and any(
        row.state in _TO_UNDO
        and clicks.can_undo(row, written[row.name])
        and (row.finished_at is None or row.finished_at <= since)
        for row in rows
    )


def _standing(row: RunbookStep, step: Step) -> Standing:
    return Standing(
        id=row.name,
        state=State(row.state),
        route=row.route,
        acts=row.action is not None,
        auto=step.run == "auto",
        goes_on=step.on_fail is OnFail.CONTINUE,
        waits_for=planning.dependencies(step) if row.state == State.PENDING else frozenset(),
    )


async def _offer(
    session: AsyncSession, row: RunbookStep, planned: planning.PlannedStep, *, armed: bool, now: datetime
) -> None:
    before = State(row.state)
    event = Event.OFFER if offering.state_of(planned) is State.OFFERED else Event.DROP
    state = after(before, event)
    assert state is not None
    row.state, row.version = state, row.version + 1
    row.title, row.note, row.action, row.arguments = planned.title, planned.note, planned.action, planned.arguments
    row.check_arguments = planned.check_arguments
    row.dry_run = planned.action is not None and not armed
    await session.flush()
    text = f"Offered: {row.title}" if event is Event.OFFER else f"Not needed: {row.title}"
    await tell(session, row, event=event, actor=BOT, text=text, before=before, after=state, now=now, urgent=False)
