"""The timeline of an incident: what happened, when, and by whom."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.store import outbox
from bot.store.tables import TimelineEntry


def root_key(incident_id: int) -> str:
    """The key of the message that opens the incident's thread."""
    return f"incident:{incident_id}:root"


def note_key(entry_id: int) -> str:
    """The key of the message that tells an entry in the thread."""
    return f"note:{entry_id}"


async def add(
    session: AsyncSession,
    incident_id: int,
    *,
    kind: str,
    actor: str,
    text: str,
    now: datetime,
    data: dict[str, Any] | None = None,
    show: bool = False,
    after: timedelta = timedelta(),
) -> TimelineEntry:
    """Add an entry; with `show` it is also told in the thread, `after` so long.

    `text` is plain text without the actor's name.
    """
    entry = TimelineEntry(incident_id=incident_id, at=now, kind=kind, actor=actor, text=text, data=data)
    session.add(entry)
    await session.flush()
    if show:
        await outbox.post(
            session,
            key=note_key(entry.id or 0),
            kind="note",
            subject={"entry": entry.id},
            channel=await _channel(session, incident_id),
            thread_key=root_key(incident_id),
            incident_id=incident_id,
            priority=outbox.Priority.REPLY,
            now=now,
            after=after,
        )
    return entry


async def entries(session: AsyncSession, incident_id: int) -> Sequence[TimelineEntry]:
    """The whole timeline, oldest first."""
    statement = (
        select(TimelineEntry)
        .where(col(TimelineEntry.incident_id) == incident_id)
        .order_by(col(TimelineEntry.at), col(TimelineEntry.id))
    )
    return (await session.execute(statement)).scalars().all()


async def _channel(session: AsyncSession, incident_id: int) -> str:
    root = await outbox.get(session, root_key(incident_id))
    if root is None:
        raise LookupError(f"incident {incident_id} has no thread yet; post its root message first")
    return root.channel
