"""Leases: one worker a row, take-over after the end, and a fence against the one who was too slow."""

import asyncio
from datetime import datetime, timedelta

from sqlmodel import col

from bot.store import inbox, leases
from bot.store.database import Database
from bot.store.tables import InboxItem

LEASE = timedelta(seconds=3)


async def fill(db: Database, count: int, now: datetime) -> None:
    async with db.transaction() as session:
        for number in range(count):
            await inbox.accept(
                session, dedupe_key=f"k{number}", kind="event", payload={}, now=now + timedelta(microseconds=number)
            )


async def claim(db: Database, owner: str, now: datetime, limit: int = 100) -> list[InboxItem]:
    async with db.transaction() as session:
        return await leases.claim(
            session,
            InboxItem,
            col(InboxItem.state) == "pending",
            owner=owner,
            now=now,
            lease=LEASE,
            limit=limit,
            order_by=(col(InboxItem.received_at),),
        )


async def test_each_row_is_claimed_once_by_competing_workers(db: Database, now: datetime) -> None:
    await fill(db, 60, now)
    taken = await asyncio.gather(*(claim(db, f"w{n}", now, limit=10) for n in range(12)))
    ids = [row.id for rows in taken for row in rows]
    assert len(ids) == len(set(ids))
    rest = await claim(db, "rest", now)
    assert len(ids) + len(rest) == 60


async def test_rows_come_in_the_order_asked_for(db: Database, now: datetime) -> None:
    await fill(db, 5, now)
    assert [row.dedupe_key for row in await claim(db, "w", now, limit=3)] == ["k0", "k1", "k2"]


async def test_a_held_row_is_free_again_when_its_lease_ends(db: Database, now: datetime) -> None:
    await fill(db, 1, now)
    await claim(db, "dead", now)
    assert await claim(db, "other", now + LEASE / 2) == []
    (row,) = await claim(db, "other", now + LEASE)
    assert (row.lease_owner, row.attempt) == ("other", 2)


async def test_who_lost_the_lease_can_neither_finish_nor_extend(db: Database, now: datetime) -> None:
    await fill(db, 1, now)
    (slow,) = await claim(db, "slow", now)
    (quick,) = await claim(db, "quick", now + LEASE)
    async with db.transaction() as session:
        assert not await leases.extend(session, slow, now=now, lease=LEASE)
        assert not await leases.finish(session, slow, state="done")
        assert await leases.finish(session, quick, state="done")
    async with db.reading() as session:
        row = await session.get(InboxItem, quick.id)
        assert row is not None
        assert (row.state, row.lease_owner) == ("done", None)


async def test_the_same_owner_is_fenced_by_the_attempt(db: Database, now: datetime) -> None:
    await fill(db, 1, now)
    (first,) = await claim(db, "w", now)
    (again,) = await claim(db, "w", now + LEASE)
    async with db.transaction() as session:
        assert not await leases.finish(session, first, state="done")
        assert await leases.finish(session, again, state="done")


async def test_a_redelivery_is_accepted_only_once(db: Database, now: datetime) -> None:
    async with db.transaction() as session:
        assert await inbox.accept(session, dedupe_key="Ev1", kind="event", payload={"a": 1}, now=now)
    async with db.transaction() as session:
        assert not await inbox.accept(session, dedupe_key="Ev1", kind="event", payload={"a": 1}, now=now)
