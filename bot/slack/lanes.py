"""Who may send next: one pace a channel and one budget a method, shared by all replicas through the database."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, func, select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.store.database import insert_of
from bot.store.tables import OutboxLane

POSTS = "method:chat.postMessage"
EDITS = "method:chat.update"
LEAD = timedelta(milliseconds=300)
"""A message is claimed and prepared so long before its slot, so that preparing it costs the channel no time."""
LATE = timedelta(milliseconds=100)
"""A message that went out so much after its slot does not move the next one; a later one does."""


_FIRST_CLOSED = select(func.min(col(OutboxLane.next_at))).where(col(OutboxLane.next_at) > bindparam("ahead"))


@dataclass(frozen=True, slots=True)
class Pace:
    """`every` between two uses; up to `burst` uses at once may be taken in advance."""

    every: timedelta
    burst: int


EDIT_PACE = Pace(timedelta(seconds=1.3), burst=10)
"""chat.update is a tier 3 method: 50 a minute for the workspace, with bursts (Slack: Web API rate limits)."""


async def reserve(session: AsyncSession, lane: str, every: timedelta, *, now: datetime) -> datetime | None:
    """The channel's next slot, or None when it is not within the lead. Holds the lane's row for the transaction."""
    row = await _locked(session, lane, now=now)
    if row.next_at > now + LEAD:
        return None
    slot = max(row.next_at, now)
    row.next_at = slot + every
    await session.flush()
    return slot


async def take(session: AsyncSession, lane: str, pace: Pace, *, now: datetime) -> bool:
    """Use one of a method's budget; False when it is used up for now. Holds the lane's row for the transaction."""
    row = await _locked(session, lane, now=now)
    if row.next_at > now + (pace.burst - 1) * pace.every:
        return False
    row.next_at = max(row.next_at, now) + pace.every
    await session.flush()
    return True


async def opens(session: AsyncSession, lane: str, *, now: datetime) -> datetime:
    """When nothing keeps the lane closed; looked at without using it."""
    row = await session.get(OutboxLane, lane)
    return now if row is None else max(now, row.next_at)


async def next_opening(session: AsyncSession, *, now: datetime) -> datetime | None:
    """When a message for the next closed lane may be claimed; None when all are free."""
    first: datetime | None = (await session.execute(_FIRST_CLOSED, {"ahead": now + LEAD})).scalar_one()
    return None if first is None else first - LEAD


async def close_until(session: AsyncSession, lane: str, until: datetime, *, now: datetime) -> None:
    """Keep the lane closed: Slack asked for a pause, or a message went out late."""
    row = await _locked(session, lane, now=now)
    row.next_at = max(row.next_at, until)
    await session.flush()


async def _locked(session: AsyncSession, lane: str, *, now: datetime) -> OutboxLane:
    insert = insert_of(session)
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
