"""Which incident a thread in Slack belongs to."""

from sqlalchemy import select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.store.tables import OutboxMessage


async def incident_of(session: AsyncSession, channel: str | None, thread_ts: str | None) -> int | None:
    """The number of the incident whose thread this is; None for any other thread, or none."""
    if channel is None or thread_ts is None:
        return None
    statement = select(col(OutboxMessage.incident_id)).where(
        col(OutboxMessage.kind) == "incident_root",
        col(OutboxMessage.slack_channel) == channel,
        col(OutboxMessage.slack_ts) == thread_ts,
    )
    found: int | None = (await session.execute(statement)).scalars().first()
    return found
