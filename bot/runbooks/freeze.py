"""The freeze: one switch for the whole bot. While it is on, no step and no undo changes anything anywhere."""

from datetime import datetime

from sqlalchemy import select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.runbooks.arming import ASKED_OF_PEOPLE
from bot.runbooks.life import State
from bot.runbooks.telling import message_key
from bot.store import audit, outbox
from bot.store.tables import Freeze, Incident, RunbookStep

LONGEST_REASON = 200
"""Characters."""
_SHOWN = (*ASKED_OF_PEOPLE, State.DONE, State.UNDO_FAILED)


async def in_force(session: AsyncSession) -> Freeze | None:
    """Who froze everything, when and why; None where it is not frozen."""
    row = await session.get(Freeze, 1, populate_existing=True)
    return row if row is not None and row.frozen else None


async def freeze(session: AsyncSession, *, reason: str, actor: str, now: datetime) -> bool:
    """Let nothing be changed any more; False where it was so. A step that is being applied is not stopped."""
    return await _set(session, frozen=True, reason=" ".join(reason.split())[:LONGEST_REASON], actor=actor, now=now)


async def thaw(session: AsyncSession, *, actor: str, now: datetime) -> bool:
    """Let steps change things again; False where it was so."""
    return await _set(session, frozen=False, reason="", actor=actor, now=now)


async def _set(session: AsyncSession, *, frozen: bool, reason: str, actor: str, now: datetime) -> bool:
    before = await in_force(session)
    if (before is not None) == frozen:
        return False
    await session.merge(Freeze(id=1, frozen=frozen, reason=reason, changed_at=now, changed_by=actor))
    await audit.record(
        session,
        actor=actor,
        action="bot.freeze" if frozen else "bot.thaw",
        object="freeze",
        before=None if before is None else before.reason,
        after=reason if frozen else None,
        now=now,
    )
    await _show(session, now=now)
    return True


async def _show(session: AsyncSession, *, now: datetime) -> None:
    """Show on every step that could change something whether it may."""
    statement = (
        select(col(RunbookStep.id))
        .join(Incident, col(Incident.id) == col(RunbookStep.incident_id))
        .where(
            col(Incident.resolved_at).is_(None),
            col(RunbookStep.action).is_not(None),
            col(RunbookStep.state).in_(_SHOWN),
        )
    )
    for step_id in (await session.execute(statement)).scalars().all():
        await outbox.edit(session, message_key(step_id or 0), now=now, urgent=True)
