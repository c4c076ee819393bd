"""What was done by runbook: each step with who asked for it, and what is still changed."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from sqlalchemy import select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.incidents.postmortem.clock import Clock
from bot.incidents.postmortem.people import Names
from bot.runbooks.leftovers import change, is_in_force
from bot.runbooks.life import State
from bot.store.tables import RunbookStep

WORDS: Mapping[State, str] = MappingProxyType(
    {
        State.OFFERED: "not done",
        State.DRY_RUN: "shown as a dry run",
        State.DONE: "done",
        State.UNDONE: "done and undone",
        State.SKIPPED: "skipped",
        State.FAILED: "failed",
        State.UNKNOWN: "not known whether it happened",
        State.UNDO_FAILED: "done, could not be undone",
        State.UNDO_UNKNOWN: "not known whether it was undone",
    }
)


async def told(session: AsyncSession, incident_id: int, names: Names, clock: Clock) -> list[dict[str, str]]:
    """Every step in order: its title, what became of it, the exact change, who asked, and when."""
    return [await _told(step, names, clock) for step in await _steps(session, incident_id)]


async def left(session: AsyncSession, incident_id: int) -> list[str]:
    """What is still changed."""
    return [change(step) for step in await _steps(session, incident_id) if is_in_force(step)]


async def _told(step: RunbookStep, names: Names, clock: Clock) -> dict[str, str]:
    by = step.undone_by or step.requested_by
    at = step.undone_at or step.finished_at or step.requested_at
    changed = (step.result or {}).get("change")
    return {
        "title": step.title,
        "state": WORDS.get(State(step.state), "under way"),
        "change": str(changed) if changed else "",
        "error": step.error or "",
        "by": await names.of(by) if by else "",
        "at": clock.long(at) if at else "",
    }


async def _steps(session: AsyncSession, incident_id: int) -> Sequence[RunbookStep]:
    statement = (
        select(RunbookStep)
        .where(col(RunbookStep.incident_id) == incident_id)
        .order_by(col(RunbookStep.run_id), col(RunbookStep.position))
    )
    return (await session.execute(statement)).scalars().all()
