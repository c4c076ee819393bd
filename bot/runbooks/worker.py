"""Runs the steps that people asked for: read, apply, verify, under a lease that another replica takes over.

    claimed as        | an earlier worker died       | then
    ready, undo_ready |                              | run it
    running, undoing  | before it began to apply     | run it
                      | after; idempotent action     | run it again: it sets a desired state
                      | after; not idempotent action | unknown: people are asked whether it happened
    waiting, checking | at any time                  | go on: nothing but reading is left to do

A step that waits, is checked again later, or is tried again, is given back with the moment at which it goes on, and
holds no task, thread or connection until then.

What the action read is stored before it is applied, which is also the mark that applying may have begun. Every write
is fenced by the lease, so a worker that was too slow changes nothing any more.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import ColumnElement, select
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.actions.contract import Outside
from bot.actions.registry import Registry, packaged
from bot.catalog import Catalog
from bot.runbooks import arming
from bot.runbooks.clicks import TOPIC
from bot.runbooks.conductor import Conductor
from bot.runbooks.execution import (
    DOING,
    Ending,
    Execution,
    LeaseLostError,
    lost,
    may_have_happened,
    written_step,
)
from bot.runbooks.life import LASTING, REQUESTED, UNDOES, WORKING, Event, State, after
from bot.runbooks.schema import Step
from bot.runbooks.telling import message_key, tell
from bot.store import leases, outbox
from bot.store.database import Database, wake_after_commit
from bot.store.tables import Incident, RunbookRun, RunbookStep

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=3)
LOOK_EVERY = 0.2
"""Seconds; a click in another process is found so late, one in this process at once."""
AT_ONCE = 8
STOP_WITHIN = 5.0


class StepWorker:
    """Any number of them may run, in any number of processes; the database decides who runs which step."""

    def __init__(
        self,
        db: Database,
        catalog: Callable[[], Catalog],
        clock: Callable[[], datetime],
        actions: Registry | None = None,
        outside: Outside | None = None,
    ) -> None:
        self._db = db
        self._catalog = catalog
        self._clock = clock
        self._actions = actions if actions is not None else packaged()
        self._outside = outside
        self._conductor = Conductor(db, catalog, clock, self._actions)
        self._owner = leases.new_owner()
        self._running: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Run what is asked for, until cancelled; what runs then is given a moment to end."""
        try:
            while True:
                await self._conductor.look()
                await self.claim()
                await self._db.woken(TOPIC, timeout=LOOK_EVERY)
        finally:
            await self._let_end()

    async def run_once(self) -> int:
        """Run all that is waiting now to its end; returns how many steps that were."""
        await self._conductor.look()
        claimed = await self.claim()
        await asyncio.gather(*self._running, return_exceptions=True)
        return claimed

    async def claim(self) -> int:
        """Take waiting steps and those of dead workers, and begin them; returns how many."""
        free = AT_ONCE - len(self._running)
        if free <= 0 or not await self._anything_waits():
            return 0
        async with self._db.transaction() as session:
            rows = await leases.claim(
                session,
                RunbookStep,
                *_due(self._clock()),
                owner=self._owner,
                now=self._clock(),
                lease=LEASE,
                limit=free,
                order_by=(col(RunbookStep.requested_at), col(RunbookStep.id)),
            )
            begun = [row for row in rows if await self._begin(session, row)]
        for row in begun:
            task = asyncio.create_task(self._work(row), name=f"step {row.id}")
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        return len(begun)

    async def _anything_waits(self) -> bool:
        """A look that takes no write lock."""
        statement = (
            select(col(RunbookStep.id))
            .where(
                *_due(self._clock()),
                col(RunbookStep.lease_until).is_(None) | (col(RunbookStep.lease_until) <= self._clock()),
            )
            .limit(1)
        )
        async with self._db.reading() as session:
            return (await session.execute(statement)).first() is not None

    async def _begin(self, session: AsyncSession, row: RunbookStep) -> bool:
        """Move a claimed row on; False where there is nothing to run because people have to be asked."""
        now = self._clock()
        state = State(row.state)
        if state in WORKING:
            log.warning("step taken over", step=row.id, incident=row.incident_id, attempt=row.attempt)
            if may_have_happened(row, self._actions):
                await self._finish(session, row, lost(row), now=now)
                return False
        following = after(state, Event.BEGIN)
        assert following is not None
        assert row.id is not None
        if state in LASTING:
            return True
        tries = row.tries + (following != state)
        changes = {"state": following, "version": row.version + 1, "tries": tries, "not_before": None}
        await leases.extend(session, row, now=now, lease=LEASE, changes=changes)
        row.state, row.version, row.tries = following, row.version + 1, tries
        await outbox.edit(session, message_key(row.id), now=now, urgent=True)
        return True

    async def _work(self, row: RunbookStep) -> None:
        """One step to its end. A step that cannot be ended (no database, lost lease) is left to its lease."""
        working = asyncio.current_task()
        assert working is not None
        heartbeat = asyncio.create_task(self._beat(row, working), name=f"heartbeat of step {row.id}")
        try:
            ending = await self._execute(row)
            async with self._fenced(row) as session:
                await self._finish(session, row, ending, now=self._clock())
            log.info("step ended", step=row.id, incident=row.incident_id, outcome=ending.event, error=ending.error)
        except LeaseLostError:
            log.warning("step lost to another worker", step=row.id, incident=row.incident_id)
        except Exception:
            log.exception("step left to its lease", step=row.id, incident=row.incident_id)
        finally:
            heartbeat.cancel()

    async def _beat(self, row: RunbookStep, working: asyncio.Task[None]) -> None:
        """Keep the lease; when it is lost, stop the work."""
        while True:
            await asyncio.sleep(LEASE.total_seconds() / 3)
            try:
                async with self._db.transaction() as session:
                    held = await leases.extend(session, row, now=self._clock(), lease=LEASE)
            except SQLAlchemyError as error:
                log.warning("heartbeat failed", step=row.id, error=type(error).__name__)
                continue
            if not held:
                working.cancel()
                return

    async def _execute(self, row: RunbookStep) -> Ending:
        execution = Execution(
            row,
            db=self._db,
            catalog=self._catalog(),
            actions=self._actions,
            clock=self._clock,
            fence=lambda changes=None: self._fenced(row, changes),
            outside=self._outside,
        )
        return await execution.run()

    @asynccontextmanager
    async def _fenced(self, row: RunbookStep, changes: dict[str, Any] | None = None) -> AsyncIterator[AsyncSession]:
        """A transaction of the worker that holds the step; raises LeaseLostError where that is another one."""
        async with self._db.transaction() as session:
            if not await leases.extend(session, row, now=self._clock(), lease=LEASE, changes=changes):
                raise LeaseLostError(f"step {row.id}")
            yield session

    async def _finish(self, session: AsyncSession, row: RunbookStep, ending: Ending, *, now: datetime) -> None:
        before = State(row.state)
        if ending.event is None:
            result = _result(row, ending, undo=False)
            if not await leases.finish(session, row, not_before=ending.not_before, result=result):
                raise LeaseLostError(f"step {row.id}")
            return
        written = written_step(await session.get_one(RunbookRun, row.run_id), row.name)
        again = _again(row, written, ending)
        event = Event.AGAIN if again is not None else ending.event
        state = after(before, event)
        assert state is not None
        undo = before in UNDOES
        changes: dict[str, Any] = {"state": state, "version": row.version + 1, "error": ending.error}
        changes["result"] = _result(row, ending, undo=undo)
        changes["not_before"] = ending.not_before if again is None else now + again
        if not undo:
            changes["check_until"] = ending.check_until
            changes["consent_url"] = ending.consent_url
            if ending.after is not None:
                changes["reading"] = ending.after
            if ending.takes_effect is not None:
                changes["takes_effect"] = ending.takes_effect
        if state not in LASTING | REQUESTED and event not in (Event.LOSE, Event.CONSENT):
            changes["undone_at" if undo else "finished_at"] = now
        if ending.untouched and not undo:
            changes["previous"] = None
        if state is State.DONE and written.expires is not None and row.previous is not None:
            changes |= {"expires_at": now + written.expires, "expiry_asked_at": None}
        if state is State.UNDONE:
            changes |= {"expires_at": None, "expiry_asked_at": None}
        if event is Event.REHEARSE:
            changes["dry_run"] = not await self._is_armed(session, row)
        if not await leases.finish(session, row, **changes):
            raise LeaseLostError(f"step {row.id}")
        for name, value in changes.items():
            setattr(row, name, value)
        await tell(
            session,
            row,
            event=f"undo_{event}" if undo else event,
            actor=(row.undone_by if undo else row.requested_by) or "badday",
            text=_sentence(event, ending, written, undo=undo),
            before=ending.before,
            after=ending.after,
            now=now,
        )
        wake_after_commit(session, TOPIC)

    async def _is_armed(self, session: AsyncSession, row: RunbookStep) -> bool:
        incident = await session.get_one(Incident, row.incident_id)
        return await arming.is_armed(session, self._catalog(), incident.system)

    async def _let_end(self) -> None:
        if not self._running:
            return
        await asyncio.wait(self._running, timeout=STOP_WITHIN)
        for task in self._running:
            task.cancel()


def _due(now: datetime) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """What a worker may take up now."""
    step = RunbookStep
    return (
        col(step.state).in_(REQUESTED | WORKING | LASTING),
        col(step.not_before).is_(None) | (col(step.not_before) <= now),
    )


def _again(row: RunbookStep, written: Step, ending: Ending) -> timedelta | None:
    """How long to wait before the next try; None where there is none."""
    if ending.event is not Event.FAIL or row.state != State.RUNNING or written.retry is None or not ending.again:
        return None
    return written.retry.wait if row.tries < written.retry.tries else None


def _result(row: RunbookStep, ending: Ending, *, undo: bool) -> dict[str, Any]:
    """What the step keeps: the change that it made. An undo leaves that as it is."""
    known = dict(row.result or {})
    doing = known.pop(DOING, None)
    if undo:
        return known
    if ending.event is Event.LOSE and doing is not None:
        return {"change": doing["change"], "before": doing["before"], "after": None}
    return {"change": ending.change, "before": ending.before, "after": ending.after}


def _sentence(event: Event, ending: Ending, written: Step, *, undo: bool) -> str:
    """The timeline's words."""
    what = f"{'Undo: ' if undo else ''}{ending.change}"
    match event:
        case Event.SUCCEED:
            return f"{what}: done and verified"
        case Event.REHEARSE:
            return f"Dry run, nothing was changed. It would: {what}"
        case Event.LOSE:
            return f"{what}: it is unknown whether this happened"
        case Event.HOLD:
            return f"{what}: begun"
        case Event.LOOK:
            expected = written.check.expect if written.check is not None else ""
            return f"{what}: done; looking whether {expected}"
        case Event.CONSENT:
            return f"{what}: somebody must consent there. {ending.error}"
        case Event.AGAIN:
            return f"{what}: failed, and is tried again. {ending.error}"
    return f"{what}: failed. {ending.error}"
