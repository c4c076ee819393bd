"""The inbox: what Slack delivered and we accepted, kept until it is worked off."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete
from sqlalchemy.engine import CursorResult
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.store import leases
from bot.store.database import insert_of, wake_after_commit
from bot.store.tables import InboxItem

TOPIC = "inbox"
LEASE = timedelta(seconds=4)
MAX_ATTEMPTS = 5


async def accept(session: AsyncSession, *, dedupe_key: str, kind: str, payload: dict[str, Any], now: datetime) -> bool:
    """Keep an item; False when the same one was accepted before (a redelivery)."""
    insert = insert_of(session)
    statement = (
        insert(InboxItem)
        .values(dedupe_key=dedupe_key, kind=kind, payload=payload, received_at=now, state="pending", attempt=0)
        .on_conflict_do_nothing(index_elements=["dedupe_key"])
        .returning(col(InboxItem.id))
    )
    accepted = (await session.execute(statement)).first() is not None
    wake_after_commit(session, TOPIC)
    return accepted


async def claim(session: AsyncSession, *, owner: str, now: datetime, limit: int = 20) -> Sequence[InboxItem]:
    """The oldest items that nobody works on."""
    return await leases.claim(
        session,
        InboxItem,
        col(InboxItem.state) == "pending",
        owner=owner,
        now=now,
        lease=LEASE,
        limit=limit,
        order_by=(col(InboxItem.received_at), col(InboxItem.id)),
    )


async def done(session: AsyncSession, item: InboxItem, *, now: datetime) -> bool:
    """Mark an item as worked off, in the transaction of its effect; False when another worker took it over."""
    return await leases.finish(session, item, state="done", done_at=now)


async def failed(session: AsyncSession, item: InboxItem, *, error: str, now: datetime) -> bool:
    """Keep an item that cannot be worked off, with the reason."""
    return await leases.finish(session, item, state="failed", error=error, done_at=now)


async def prune(session: AsyncSession, *, before: datetime) -> int:
    """Remove items worked off before the given time; failed ones are kept."""
    result = await session.execute(
        delete(InboxItem).where(col(InboxItem.state) == "done", col(InboxItem.done_at) < before)
    )
    assert isinstance(result, CursorResult)
    return result.rowcount
