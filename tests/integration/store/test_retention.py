"""What is removed, and what is kept."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlmodel import col

from bot.store import inbox
from bot.store.database import Database
from bot.store.retention import INBOX_FOR, Retention
from bot.store.tables import InboxItem


async def test_only_what_was_worked_off_long_ago_is_removed(db: Database, now: datetime) -> None:
    old = now - INBOX_FOR - timedelta(hours=1)
    async with db.transaction() as session:
        for key, at in (("old", old), ("waiting", old), ("new", now)):
            await inbox.accept(session, dedupe_key=key, kind="event", payload={}, now=at)
    async with db.transaction() as session:
        for item in await inbox.claim(session, owner="w", now=now):
            if item.dedupe_key != "waiting":
                await inbox.done(session, item, now=item.received_at)
    assert await Retention(db, lambda: now).prune() == 1
    async with db.reading() as session:
        kept = (await session.execute(select(col(InboxItem.dedupe_key)).order_by(col(InboxItem.dedupe_key)))).scalars()
        assert list(kept) == ["new", "waiting"]
