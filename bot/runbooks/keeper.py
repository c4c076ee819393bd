"""Keeps the times of steps: questions for approval that lapse, and changes that have lasted as long as they may.

A change that expires is asked about first: its owner may keep it for as long again, or undo it; without an answer it is
undone. While everything is frozen nothing is undone; it is asked and undone after that.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from sqlalchemy import ColumnElement, select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.incidents import timeline
from bot.runbooks import approvals, clicks, freeze
from bot.runbooks.clicks import Verb
from bot.runbooks.life import State
from bot.runbooks.telling import message_key
from bot.store import outbox
from bot.store.database import Database
from bot.store.tables import Incident, RunbookStep

log = structlog.get_logger(__name__)

LOOK_EVERY = 1.0
ANSWER_WITHIN = timedelta(minutes=15)
"""How long the owner has to answer before what expired is undone."""


class StepKeeper:
    """A worker of the role `page`; any number of them may run."""

    def __init__(self, db: Database, clock: Callable[[], datetime]) -> None:
        self._db = db
        self._clock = clock

    async def run(self) -> None:
        while True:
            await self.look()
            await self._db.woken("step times", timeout=LOOK_EVERY)

    async def look(self) -> int:
        """Do what is due; returns how many steps that were."""
        now = self._clock()
        lapsed = await self._ids(
            (col(RunbookStep.state) == State.AWAITING_APPROVAL, _due(RunbookStep.approval_due, now))
        )
        for step_id in lapsed:
            async with self._db.transaction() as session:
                await approvals.lapse(session, step_id, now=now)
        expired = await self._ids((col(RunbookStep.state) == State.DONE, _due(RunbookStep.expires_at, now)))
        for step_id in expired:
            async with self._db.transaction() as session:
                await _expire(session, step_id, now=now)
        return len(lapsed) + len(expired)

    async def _ids(self, conditions: tuple[ColumnElement[bool], ...]) -> list[int]:
        async with self._db.reading() as session:
            found = await session.execute(select(col(RunbookStep.id)).where(*conditions).order_by(col(RunbookStep.id)))
            return [step_id for step_id in found.scalars() if step_id is not None]


def _due(column: datetime | None, now: datetime) -> ColumnElement[bool]:
    return col(column).is_not(None) & (col(column) <= now)


async def _expire(session: AsyncSession, step_id: int, *, now: datetime) -> None:
    step = await clicks.locked(session, step_id)
    if step.state != State.DONE or step.expires_at is None or step.expires_at > now:
        return
    if step.expiry_asked_at is None:
        await _ask(session, step, now=now)
        return
    if now < step.expiry_asked_at + ANSWER_WITHIN or await freeze.in_force(session) is not None:
        return
    outcome = await clicks.request(session, step_id, verb=Verb.UNDO, version=None, actor="badday", now=now)
    if not outcome.applied:  # what cannot be undone any more is not asked about again and again
        step.expires_at = None
        log.warning("an expired change cannot be undone", step=step_id, why=outcome.refusal)


async def _ask(session: AsyncSession, step: RunbookStep, *, now: datetime) -> None:
    """One message in the thread that names the owner; its buttons are those of the step."""
    step.expiry_asked_at, step.version = now, step.version + 1
    await session.flush()
    assert step.id is not None
    incident = await session.get_one(Incident, step.incident_id)
    change = (step.result or {}).get("change") or step.title
    await timeline.add(
        session,
        step.incident_id,
        kind="step",
        actor="badday",
        text=f"Has lasted as long as the runbook allows, and is undone at {now + ANSWER_WITHIN:%H:%M} UTC: {change}",
        data={"step": step.id, "event": "expire"},
        now=now,
    )
    await outbox.edit(session, message_key(step.id), now=now, urgent=True)
    await outbox.post(
        session,
        key=f"step:{step.id}:expiry:{now.timestamp():.0f}",
        kind="expiry",
        subject={"step": step.id, "person": incident.owner, "until": (now + ANSWER_WITHIN).isoformat()},
        channel=incident.channel,
        thread_key=timeline.root_key(step.incident_id),
        incident_id=step.incident_id,
        priority=outbox.Priority.PAGE,
        now=now,
    )
