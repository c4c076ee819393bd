"""Who may send next: one pace a channel and one budget a method, shared by all replicas through the database."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.store.tables import OutboxLane

POSTS = "method:chat.postMessage"
EDITS = "method:chat.update"
JITTER = timedelta(milliseconds=100)
"""So much of a late start is caught up, or the pace would drift below what Slack allows."""


@dataclass(frozen=True, slots=True)
class Pace:
    """`every` between two uses; up to `burst` uses at once may be taken in advance."""

    every: timedelta
    burst: int = 1


EDIT_PACE = Pace(timedelta(seconds=1.3), burst=10)
"""chat.update is a tier 3 method: 50 a minute for the workspace, with bursts (facts: rate limits)."""


async def take(session: AsyncSession, lane: str, pace: Pace, *, now: datetime) -> bool:
    """Use the lane once; False when it is not free yet. The lane's row is held until the transaction ends."""
    row = await _locked(session, lane, now=now)
    if row.next_at > now + (pace.burst - 1) * pace.every:
        return False
    row.next_at = max(row.next_at, now - JITTER) + pace.every
    await session.flush()
    return True


async def is_free(session: AsyncSession, lane: str, *, now: datetime) -> bool:
    """Whether nothing keeps the lane closed; looked at without using it."""
    row = await session.get(OutboxLane, lane)
    return row is None or row.next_at <= now


async def next_opening(session: AsyncSession, *, now: datetime) -> datetime | None:
    """When the next closed lane opens; None when all are free."""
    statement = select(func.min(col(OutboxLane.next_at))).where(col(OutboxLane.next_at) > now)
    opens: datetime | None = (await session.execute(statement)).scalar_one()
    return opens


async def close_until(session: AsyncSession, lane: str, until: datetime, *, now: datetime) -> None:
    """Keep the lane closed: Slack asked for a pause."""
    row = await _locked(session, lane, now=now)
    row.next_at = max(row.next_at, until)
    await session.flush()


async def _locked(session: AsyncSession, lane: str, *, now: datetime) -> OutboxLane:
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    await session.execute(
        insert(OutboxLane).values(channel=lane, next_at=now).on_conflict_do_nothing(index_elements=["channel"])
    )
    statement = (
        select(OutboxLane)
        .where(col(OutboxLane.channel) == lane)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    row: OutboxLane = (await session.execute(statement)).scalar_one()
    return row
