"""The engine recipe: nothing is lost under concurrency, and the audit log cannot be rewritten."""

import asyncio
from datetime import datetime

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from bot.store import audit, migrate
from bot.store.database import Database, DatabaseError, create_engine, driver_url, wake_after_commit
from bot.store.tables import Switch


async def test_concurrent_read_modify_writes_lose_nothing(db: Database, now: datetime) -> None:
    async with db.transaction() as session:
        session.add(Switch(key="counter", value=0, variant="n", changed_at=now, changed_by="test"))

    async def writer() -> None:
        for _ in range(10):
            async with db.transaction() as session:
                row = await session.get(Switch, "counter", with_for_update=True)
                assert row is not None
                row.value = row.value + 1

    await asyncio.gather(*(writer() for _ in range(5)))
    async with db.reading() as session:
        row = await session.get(Switch, "counter")
        assert row is not None
        assert row.value == 50


async def test_two_processes_on_one_sqlite_file_wait_for_each_other(tmp_path: object, now: datetime) -> None:
    url = f"sqlite:///{tmp_path}/shared.db"
    one, other = Database(url), Database(url)
    await migrate.upgrade(one.engine)
    async with one.transaction() as session:
        session.add(Switch(key="counter", value=0, variant="n", changed_at=now, changed_by="test"))

    async def add(db: Database) -> None:
        for _ in range(20):
            async with db.transaction() as session:
                row = await session.get(Switch, "counter")
                assert row is not None
                row.value = row.value + 1

    await asyncio.gather(add(one), add(other))
    async with one.reading() as session:
        row = await session.get(Switch, "counter")
        assert row is not None
        assert row.value == 40
    await one.close()
    await other.close()


async def test_several_processes_may_migrate_at_once(empty_database_url: str) -> None:
    engines = [create_engine(empty_database_url) for _ in range(4)]
    await asyncio.gather(*(migrate.upgrade(engine) for engine in engines))
    for engine in engines:
        await engine.dispose()


@pytest.mark.parametrize("statement", ["UPDATE audit SET actor = 'nobody'", "DELETE FROM audit"])
async def test_the_audit_log_refuses_changes(db: Database, now: datetime, statement: str) -> None:
    async with db.transaction() as session:
        await audit.record(
            session, actor="maria", action="arm", object="support-bot", before=False, after=True, now=now
        )

    async def rewrite() -> None:
        async with db.transaction() as session:
            await session.execute(text(statement))

    with pytest.raises(DBAPIError, match="append-only"):
        await rewrite()


async def test_a_wake_up_comes_after_the_commit_and_not_after_a_rollback(db: Database) -> None:
    async with db.transaction() as session:
        wake_after_commit(session, "outbox")
        assert not await db.woken("outbox", timeout=0.01)
    assert await db.woken("outbox", timeout=0.01)

    async def failing() -> None:
        async with db.transaction() as session:
            wake_after_commit(session, "outbox")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await failing()
    assert not await db.woken("outbox", timeout=0.01)


@pytest.mark.parametrize("url", ["mysql://x/y", "badday.db", ""])
def test_an_unusable_database_url_says_what_to_write(url: str) -> None:
    with pytest.raises(DatabaseError, match=r"DATABASE_URL: .*sqlite:///"):
        driver_url(url)
