"""One claimed step from reading to verifying; every way in which that can fail becomes an ending for people."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import structlog
from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.actions.contract import ActionContext, ActionError, Arguments, Outside, Reading
from bot.actions.registry import AnyAction, Registry
from bot.catalog import Catalog
from bot.runbooks import arming
from bot.runbooks.life import UNDOES, Event
from bot.store.database import Database
from bot.store.tables import Incident, RunbookStep

log = structlog.get_logger(__name__)

ACTION_WITHIN = 30.0
"""Seconds that an action may take altogether."""
DOING = "doing"
"""Key of a step's `result` from just before the action is applied until the step ends: it may have happened."""


class LeaseLostError(Exception):
    """Another worker took the step over; this one must not touch it any more."""


class Fence(Protocol):
    """Opens a transaction that writes the changes to the step's row; raises LeaseLostError where it is not ours."""

    def __call__(self, changes: dict[str, Any] | None = None) -> AbstractAsyncContextManager[AsyncSession]: ...


@dataclass(frozen=True)
class Ending:
    """How a step ended: the event, the change in words, what was there before and after, the error for people."""

    event: Event
    change: str
    before: Reading | None = None
    after: Reading | None = None
    error: str | None = None
    untouched: bool = False
    """Whether it is certain that nothing was changed, so that there is nothing to undo."""


@dataclass(frozen=True)
class Job:
    """A claimed step with what it needs. `arguments` are those of the undo where it is one, `forward` the step's."""

    undo: bool
    action: AnyAction
    arguments: Arguments
    forward: Arguments
    context: ActionContext
    for_real: bool


def may_have_happened(row: RunbookStep, actions: Registry) -> bool:
    """Whether a worker that died had begun to apply an action that must not be repeated."""
    action = actions.get(row.action or "")
    return DOING in (row.result or {}) and (action is None or not action.idempotent)


def lost(row: RunbookStep) -> Ending:
    """The ending of a step whose process died when it may have happened."""
    what = "its undo" if row.state in UNDOES else "it"
    doing = (row.result or {}).get(DOING) or {}
    error = f"The process that ran {what} died in the middle. Whether it happened cannot be known."
    return Ending(Event.LOSE, doing.get("change", row.title), before=doing.get("before"), error=error)


class Execution:
    """One try of one step."""

    def __init__(
        self,
        row: RunbookStep,
        *,
        db: Database,
        catalog: Catalog,
        actions: Registry,
        clock: Callable[[], datetime],
        fence: Fence,
        outside: Outside | None = None,
    ) -> None:
        self._row = row
        self._db = db
        self._catalog = catalog
        self._actions = actions
        self._clock = clock
        self._fence = fence
        self._outside = outside
        self._fresh = row.previous is None and DOING not in (row.result or {})
        self._applying = False

    async def run(self) -> Ending:
        """Raises LeaseLostError and SQLAlchemyError: then nothing can be written, and the lease decides."""
        row = self._row
        try:
            job = await self._job()
        except ActionError as error:
            return Ending(Event.FAIL, row.title, error=str(error), untouched=self._fresh)
        try:
            async with asyncio.timeout(ACTION_WITHIN):
                return await self._steps(job)
        except ActionError as error:
            untouched = self._fresh and not self._applying
            return Ending(Event.FAIL, row.title, after=error.reading, error=str(error), untouched=untouched)
        except TimeoutError:
            return self._unclear(job, f"There was no answer within {ACTION_WITHIN:g} seconds.")
        except (LeaseLostError, SQLAlchemyError):
            raise
        except Exception as error:
            log.exception("action failed unexpectedly", step=row.id, action=row.action)
            return self._unclear(job, f"It failed unexpectedly: {type(error).__name__}.")

    async def _steps(self, job: Job) -> Ending:
        current: Reading = await job.action.read(job.context, job.arguments)
        refusal = self._refusal(job, current)
        change = job.action.describe(job.arguments, current)
        if refusal is not None:
            return Ending(Event.FAIL, change, before=current, error=refusal)
        if not job.for_real:
            return Ending(Event.REHEARSE, change, before=current)
        doing = (self._row.result or {}).get(DOING) or {"change": change, "before": current}
        await self._note(job, doing)
        self._applying = True
        try:
            await job.action.apply(job.context, job.arguments)
        except ActionError:
            self._applying = False
            raise
        applied = await job.action.verify(job.context, job.arguments)
        return Ending(Event.SUCCEED, doing["change"], before=doing["before"], after=applied)

    def _refusal(self, job: Job, current: Reading) -> str | None:
        """Why an undo must not be made: it would overwrite what somebody else set."""
        if not job.undo or job.action.is_ours(job.forward, current) or job.action.is_ours(job.arguments, current):
            return None
        would = job.action.describe(job.arguments, current)
        return f"Somebody changed it since this step; nothing was undone. It would have been: {would}"

    async def _note(self, job: Job, doing: dict[str, Any]) -> None:
        """Store what was there, before anything is changed; a later try keeps what the first one read."""
        changes: dict[str, Any] = {"result": (self._row.result or {}) | {DOING: doing}}
        if not job.undo and self._row.previous is None:
            changes["previous"] = doing["before"]
        async with self._fence(changes):
            pass
        for name, value in changes.items():
            setattr(self._row, name, value)

    def _unclear(self, job: Job, what: str) -> Ending:
        if self._applying and not job.action.idempotent:
            return Ending(Event.LOSE, self._row.title, error=f"{what} Whether it happened cannot be known.")
        untouched = self._fresh and not self._applying
        return Ending(Event.FAIL, self._row.title, error=f"{what} It may be tried again.", untouched=untouched)

    async def _job(self) -> Job:
        """Raises ActionError where the step cannot be run any more."""
        row, undo = self._row, self._row.state in UNDOES
        async with self._db.reading() as session:
            incident = await session.get_one(Incident, row.incident_id)
            armed = await arming.is_armed(session, self._catalog, incident.system)
        system = self._catalog.systems.get(incident.system)
        if system is None:
            raise ActionError(f"the catalog has no system {incident.system} any more")
        action = self._actions.get(row.action or "")
        if action is None:
            raise ActionError(f"this version of Badday has no action {row.action}")
        if undo and not armed:
            raise ActionError(f"{system.name} is not armed, so nothing was changed; arm it: /badday arm {system.name}")
        forward = _arguments(action, row)
        arguments = _reverse(action, forward, row.previous) if undo else forward
        action.check(self._catalog, system, arguments)
        context = ActionContext(
            catalog=self._catalog,
            system=system,
            actor=(row.undone_by if undo else row.requested_by) or "badday",
            incident_id=row.incident_id,
            clock=self._clock,
            reading=self._db.reading,
            transaction=self._fence,
            outside=self._outside,
        )
        # A step that was clicked as a dry run stays one, even if the system was armed a moment later.
        return Job(undo, action, arguments, forward, context, for_real=armed and (undo or not row.dry_run))


def _arguments(action: AnyAction, row: RunbookStep) -> Arguments:
    try:
        return action.With.model_validate(row.arguments or {})
    except ValidationError as error:
        raise ActionError(f"the step's arguments do not fit {action.name} any more") from error


def _reverse(action: AnyAction, forward: Arguments, previous: Reading | None) -> Arguments:
    arguments: Arguments | None = action.reverse(forward, previous) if previous is not None else None
    if arguments is None:
        raise ActionError("there is nothing to undo")
    return arguments
