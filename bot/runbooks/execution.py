"""One claimed step from reading to verifying; every way in which that can fail becomes an ending for people.

claimed as        | is done                                          | ends as
running, undoing  | read, store, apply, verify                       | done, or goes on as waiting or checking
waiting           | verify: the time of the action is over           | done, or goes on as checking
checking          | read what the check names, hold it to `expect`   | done, failed, or is looked at again later
"""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

import structlog
from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.actions.contract import (
    ActionContext,
    ActionError,
    Arguments,
    ConsentNeededError,
    Outside,
    Reading,
    UncertainError,
)
from bot.actions.registry import AnyAction, Registry
from bot.catalog import Catalog
from bot.runbooks import arming, expressions, freeze
from bot.runbooks.expressions import ExpressionError
from bot.runbooks.life import UNDOES, Event, State
from bot.runbooks.schema import Check, Runbook, Step
from bot.store.database import Database
from bot.store.tables import Freeze, Incident, RunbookRun, RunbookStep

log = structlog.get_logger(__name__)

ACTION_WITHIN = timedelta(seconds=30)
"""What one try of an action may take altogether, where its runbook does not say."""
CHECK_EVERY = timedelta(seconds=5)
"""Between two looks at what a check expects."""
DOING = "doing"
"""Key of a step's `result` from just before the action is applied until the step ends: it may have happened."""


class LeaseLostError(Exception):
    """Another worker took the step over; this one must not touch it any more."""


class Fence(Protocol):
    """Opens a transaction that writes the changes to the step's row; raises LeaseLostError where it is not ours."""

    def __call__(self, changes: dict[str, Any] | None = None) -> AbstractAsyncContextManager[AsyncSession]: ...


@dataclass(frozen=True)
class Ending:
    """How a try ended: the event, the change in words, what was there before and after, the error for people.

    Without an event the step goes on as it is, at `not_before`.
    """

    event: Event | None
    change: str
    before: Reading | None = None
    after: Reading | None = None
    error: str | None = None
    untouched: bool = False
    """Whether it is certain that nothing was changed, so that there is nothing to undo."""
    again: bool = False
    """Whether trying again may help, and does no harm."""
    not_before: datetime | None = None
    check_until: datetime | None = None
    takes_effect: str | None = None
    consent_url: str | None = None


@dataclass(frozen=True)
class Job:
    """A claimed step with what it needs. `arguments` are those of the undo where it is one, `forward` the step's."""

    undo: bool
    written: Step
    action: AnyAction
    arguments: Arguments
    forward: Arguments
    context: ActionContext
    for_real: bool
    frozen: Freeze | None = None

    @property
    def within(self) -> timedelta:
        own = self.action.within(self.context.catalog, self.context.system, self.arguments)
        return self.written.timeout or own or ACTION_WITHIN


def may_have_happened(row: RunbookStep, actions: Registry) -> bool:
    """Whether a worker that died, or was cancelled, had begun to apply an action that must not be repeated."""
    action = actions.get(row.action or "")
    return DOING in (row.result or {}) and (action is None or not action.idempotent)


def lost(row: RunbookStep, how: str = "The process that ran {} died in the middle.") -> Ending:
    """The ending of a step that was interrupted when it may have happened."""
    doing = (row.result or {}).get(DOING) or {}
    error = how.format("its undo" if row.state in UNDOES else "it") + " Whether it happened cannot be known."
    return Ending(Event.LOSE, doing.get("change", row.title), before=doing.get("before"), error=error)


def written_step(run: RunbookRun, name: str) -> Step:
    """The step as the run's runbook has it. Raises StopIteration where it has none, which cannot be."""
    runbook = Runbook.model_validate(run.document)
    return next(each for each in runbook.steps if each.id == name)


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
            async with asyncio.timeout(job.within.total_seconds()):
                return await self._part(job)
        except ConsentNeededError as error:
            return self._consent(job, error)
        except ActionError as error:
            untouched = self._fresh and not self._applying
            again = not error.permanent and (job.action.idempotent or not self._applying)
            return Ending(
                Event.FAIL, row.title, after=error.reading, error=str(error), untouched=untouched, again=again
            )
        except UncertainError as error:
            return self._unclear(job, str(error))
        except TimeoutError:
            return self._unclear(job, f"There was no answer within {job.within.total_seconds():g} seconds.")
        except (LeaseLostError, SQLAlchemyError):
            raise
        except Exception as error:
            log.exception("action failed unexpectedly", step=row.id, action=row.action)
            return self._unclear(job, f"It failed unexpectedly: {type(error).__name__}.")

    async def _part(self, job: Job) -> Ending:
        match self._row.state:
            case State.WAITING:
                return self._applied(job, await job.action.verify(job.context, job.arguments), self._kept)
            case State.CHECKING:
                return await self._check(job)
        return await self._steps(job)

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
        lasts = None if job.undo else job.action.waits(job.arguments)
        if lasts is not None:
            until = self._clock() + lasts
            return Ending(Event.HOLD, doing["change"], before=doing["before"], not_before=until)
        return self._applied(job, await job.action.verify(job.context, job.arguments), doing)

    @property
    def _kept(self) -> dict[str, Any]:
        """The change, and what was there before it, as an earlier part of the step kept them."""
        return {"change": self._row.title, "before": None} | (self._row.result or {})

    def _applied(self, job: Job, reading: Reading, doing: dict[str, Any]) -> Ending:
        """What follows once the action was verified: the end, or looking whether it had the effect."""
        effect = job.action.takes_effect(self._catalog, job.context.system, job.arguments)
        check = job.written.check
        known = {"before": doing["before"], "after": reading, "takes_effect": effect}
        if check is None or job.undo:
            return Ending(Event.SUCCEED, doing["change"], **known)
        now = self._clock()
        return Ending(Event.LOOK, doing["change"], **known, not_before=now, check_until=now + check.within)

    async def _check(self, job: Job) -> Ending:
        """Hold what is read now to what is expected."""
        check, kept, now = job.written.check, self._kept, self._clock()
        assert check is not None
        try:
            reading = await self._read_check(job, check)
            holds = expressions.parse(check.expect).holds(reading)
            seen = ", ".join(f"{name} {value}" for name, value in reading.items()) or "nothing was read"
        except ExpressionError as error:
            holds, reading, seen = False, {}, error.message
        except ActionError as error:
            holds, reading, seen = False, error.reading or {}, str(error)
        known = {"before": kept["before"], "after": (kept.get("after") or {}) | reading}
        if holds:
            return Ending(Event.SUCCEED, kept["change"], **known)
        if self._row.check_until is not None and now < self._row.check_until:
            return Ending(None, kept["change"], **known, not_before=now + CHECK_EVERY)
        failed = f"It was done, but `{check.expect}` did not hold in time. Last: {seen}"
        return Ending(Event.FAIL, kept["change"], **known, error=failed)

    async def _read_check(self, job: Job, check: Check) -> Reading:
        if check.do is None:
            return await job.action.verify(job.context, job.arguments)
        action = self._actions.get(check.do)
        if action is None:
            raise ActionError(f"this version of Badday has no action {check.do}")
        told = self._row.check_arguments or check.arguments or {}
        try:
            arguments = action.With.model_validate(told)
        except ValidationError as error:
            raise ActionError(f"the check's arguments do not fit {check.do}") from error
        reading: Reading = await action.read(job.context, arguments)
        return reading

    def _refusal(self, job: Job, current: Reading) -> str | None:
        """Why it must not be done: all is frozen, or an undo would overwrite what somebody else set."""
        if job.frozen is not None and job.for_real and not job.action.reads_only:
            why = f": {job.frozen.reason}" if job.frozen.reason else ""
            return f"All changes are frozen since {job.frozen.changed_at:%Y-%m-%d %H:%M} UTC{why}. Nothing was changed."
        if not job.undo or job.action.is_ours(job.forward, current) or job.action.is_ours(job.arguments, current):
            return None
        would = job.action.describe(job.arguments, current)
        return f"Somebody changed it since this step; nothing was undone. It would have been: {would}"

    async def _note(self, job: Job, doing: dict[str, Any]) -> None:
        """Store what was there, before anything is changed; a later try keeps what the first one read."""
        changes: dict[str, Any] = {"result": (self._row.result or {}) | {DOING: doing}}
        undoable = not job.undo and job.action.reverse(job.forward, doing["before"]) is not None
        if undoable and self._row.previous is None and not job.action.reads_only:
            changes["previous"] = doing["before"]
        async with self._fence(changes):
            pass
        for name, value in changes.items():
            setattr(self._row, name, value)

    def _consent(self, job: Job, error: ConsentNeededError) -> Ending:
        if job.undo:
            return Ending(Event.FAIL, self._row.title, error=str(error))
        doing = (self._row.result or {}).get(DOING) or {}
        change, before = doing.get("change", self._row.title), doing.get("before")
        return Ending(Event.CONSENT, change, before=before, error=str(error), consent_url=error.url)

    def _unclear(self, job: Job, what: str) -> Ending:
        if self._applying and not job.action.idempotent:
            return Ending(Event.LOSE, self._row.title, error=f"{what} Whether it happened cannot be known.")
        untouched = self._fresh and not self._applying
        error = f"{what} It may be tried again."
        return Ending(Event.FAIL, self._row.title, error=error, untouched=untouched, again=True)

    async def _job(self) -> Job:
        """Raises ActionError where the step cannot be run any more."""
        row, undo = self._row, self._row.state in UNDOES
        async with self._db.reading() as session:
            incident = await session.get_one(Incident, row.incident_id)
            run = await session.get_one(RunbookRun, row.run_id)
            armed = await arming.is_armed(session, self._catalog, incident.system)
            frozen = await freeze.in_force(session)
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
        for_real = action.reads_only or (armed and (undo or not row.dry_run))
        return Job(undo, written_step(run, row.name), action, arguments, forward, context, for_real, frozen)


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
