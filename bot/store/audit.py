"""The audit log: who changed what, when, from what to what."""

from datetime import datetime
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.store.tables import AuditEntry


async def record(
    session: AsyncSession,
    *,
    actor: str,
    action: str,
    object: str,  # noqa: A002 - the field's own name
    now: datetime,
    before: Any = None,
    after: Any = None,
    incident_id: int | None = None,
) -> None:
    """Add one entry in the transaction that makes the change; secrets never belong in `before` or `after`."""
    session.add(
        AuditEntry(
            at=now,
            actor=actor,
            action=action,
            object=object,
            before=before,
            after=after,
            incident_id=incident_id,
        )
    )
    await session.flush()
