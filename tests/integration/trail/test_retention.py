"""What of the trail goes when, and what stays, on both engines."""

import asyncio
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, text
from sqlmodel import col

from bot.store.database import Database
from bot.store.tables import BodyDictionary, Call, CallBody, CallHour, CallMinute, CallPin, CallSpan
from bot.trail.calls import Kind
from bot.trail.queries import asking as queries
from bot.trail.queries.asking import Filter
from bot.trail.retention import jobs
from bot.trail.retention import worker as retention
from bot.trail.retention.removing import Removed
from bot.trail.retention.worker import TrailRetention
from tests.integration.trail.calls import Writing, minutes_apart, sighting


class At:
    """A clock that a test moves."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock(now: datetime) -> At:
    return At(now)


@pytest.fixture
def writing(db: Database, database_url: str, clock: At) -> Iterator[Writing]:
    made = Writing(database_url, clock)
    yield made
    made.close()


@pytest.fixture
def worker(db: Database, clock: At) -> TrailRetention:
    return TrailRetention(db, clock)


async def outputs(db: Database) -> list[str | None]:
    async with db.reading() as session:
        return [call.output for call in await queries.newest(session, Filter(), None, bodies=True)]


async def count(db: Database, table: type[object]) -> int:
    async with db.reading() as session:
        found: int = (await session.execute(select(func.count()).select_from(table))).scalar_one()
    return found


async def test_bodies_go_after_a_month_and_calls_stay(
    db: Database, writing: Writing, worker: TrailRetention, clock: At
) -> None:
    for day in range(4):
        clock.now += timedelta(days=1)
        writing(sighting(clock.now, output=f"day {day}"))
    clock.now += timedelta(days=28, hours=16)
    assert await worker.look() is not None
    assert await outputs(db) == ["day 3", "day 2", None, None]
    async with db.reading() as session:
        assert (await queries.totals(session, Filter())).calls == 4
        assert [call.has_body for call in await queries.newest(session, Filter(), None)] == [True, True, False, False]


async def test_a_pinned_body_stays_with_its_call(
    db: Database, writing: Writing, worker: TrailRetention, clock: At
) -> None:
    writing(sighting(clock.now, output="pinned"), sighting(clock.now, output="not pinned"))
    async with db.transaction() as session:
        records = await queries.newest(session, Filter(), None, bodies=True)
        pinned = next(call for call in records if call.output == "pinned")
        session.add(CallPin(call_id=pinned.id, reason="incident:42", at=clock.now))
    clock.now += timedelta(days=500)
    await worker.look()
    assert await outputs(db) == ["pinned"]
    async with db.transaction() as session:
        await session.execute(text("DELETE FROM call_pin"))
    clock.now += timedelta(hours=2)
    await worker.look()
    assert await outputs(db) == []


async def test_calls_and_spans_go_after_a_year_and_sums_by_hour_never(
    db: Database, writing: Writing, worker: TrailRetention, clock: At
) -> None:
    writing(sighting(clock.now, output="x"), sighting(clock.now, kind=Kind.WRAPPER, feature="f"))
    assert await count(db, CallSpan) == 1
    clock.now += timedelta(days=402)
    removed = await worker.look()
    assert removed is not None
    for table in (Call, CallSpan, CallBody, CallMinute):
        assert await count(db, table) == 0
    assert await count(db, CallHour) == 1


async def test_what_was_imported_lately_is_not_old(
    db: Database, writing: Writing, worker: TrailRetention, clock: At
) -> None:
    writing(sighting(clock.now - timedelta(days=450), output="long ago"))
    await worker.look()
    assert await outputs(db) == ["long ago"]
    clock.now += timedelta(days=31)
    await worker.look()
    assert await outputs(db) == [None]


async def test_sums_by_minute_go_after_two_days(
    db: Database, writing: Writing, worker: TrailRetention, clock: At
) -> None:
    writing(*(sighting(moment) for moment in minutes_apart(clock.now - timedelta(minutes=60), 60)))
    clock.now += timedelta(days=2) - timedelta(minutes=30)
    removed = await worker.look()
    assert removed is not None
    assert removed.minutes == 30
    assert await count(db, CallMinute) == 30


async def test_nothing_goes_while_an_import_runs(
    db: Database, writing: Writing, worker: TrailRetention, clock: At
) -> None:
    writing(sighting(clock.now, output="kept"))
    clock.now += timedelta(days=40)
    async with jobs.importing(db, clock):
        assert await worker.look() is None
        assert await outputs(db) == ["kept"]
    assert await worker.look() is not None
    assert await outputs(db) == [None]


async def test_one_replica_removes(db: Database, worker: TrailRetention, clock: At) -> None:
    async with db.transaction() as session:
        assert await jobs.claim(session, retention.JOB, owner="other", now=clock.now, lease=timedelta(minutes=1))
    assert await worker.look() is None
    clock.now += timedelta(minutes=2)
    assert await worker.look() == Removed()


async def test_what_a_call_said_is_not_found_once_its_body_went(
    db: Database, writing: Writing, worker: TrailRetention, clock: At
) -> None:
    for day in range(4):
        clock.now += timedelta(days=1)
        writing(sighting(clock.now, output=f"refund {day}"))
    clock.now += timedelta(days=28, hours=16)
    await worker.look()
    async with db.reading() as session:
        found = await queries.newest(session, Filter(words="refund"), 5, bodies=True)
    assert [call.output for call in found] == ["refund 3", "refund 2"]


async def test_words_go_with_their_week(db: Database, writing: Writing, worker: TrailRetention, clock: At) -> None:
    writing(sighting(clock.now, output="forgotten"))
    clock.now += timedelta(days=36)
    writing(sighting(clock.now, output="remembered"))
    clock.now += timedelta(days=2)
    removed = await worker.look()
    assert removed is not None
    assert removed.words >= 1
    async with db.reading() as session:
        assert await queries.newest(session, Filter(words="forgotten"), 5) == []
        assert len(await queries.newest(session, Filter(words="remembered"), 5)) == 1


async def test_a_late_call_of_a_day_that_is_gone_can_still_be_written(
    db: Database, writing: Writing, worker: TrailRetention, clock: At
) -> None:
    long_ago = clock.now
    writing(sighting(long_ago, output="one"))
    clock.now += timedelta(days=450)
    await worker.look()
    writing(sighting(long_ago, output="two"))
    assert await outputs(db) == ["two"]


async def test_removed_bodies_are_gone_from_the_file(
    db: Database, writing: Writing, worker: TrailRetention, clock: At, tmp_path: Path
) -> None:
    if db.dialect != "sqlite":
        pytest.skip("the file is SQLite's")
    writing(sighting(clock.now, output="zxqv-marker"))
    clock.now += timedelta(days=40)
    await worker.look()
    async with db.engine.connect() as connection:
        await connection.exec_driver_sql("COMMIT")
        await connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        await connection.exec_driver_sql("BEGIN")
    content = await asyncio.to_thread((tmp_path / "badday.db").read_bytes)
    assert b"zxqv" not in content


async def test_a_dictionary_is_trained_once_there_are_bodies_enough_and_bodies_become_smaller(
    db: Database, writing: Writing, worker: TrailRetention, clock: At, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "ENOUGH_BODIES", 300)
    chance = random.Random(1)

    def said() -> str:
        return f"Thank you for your message about order {chance.random()}. We will look into it within two days."

    writing(*(sighting(clock.now, output=said()) for _ in range(200)))
    await worker.look()
    assert await count(db, BodyDictionary) == 0
    writing(*(sighting(clock.now, output=said()) for _ in range(200)))
    await worker.look()
    assert await count(db, BodyDictionary) == 1
    clock.now += timedelta(minutes=1)
    writing(sighting(clock.now, output=said()))
    async with db.reading() as session:
        sizes = (await session.execute(select(CallBody).order_by(col(CallBody.call_id)))).scalars().all()
        newest = (await queries.newest(session, Filter(), 1, bodies=True))[0]
    assert len(sizes[-1].output or b"") < len(sizes[0].output or b"") * 0.7
    assert (newest.output or "").startswith("Thank you for your message")


async def test_a_dictionary_goes_when_no_body_needs_it(db: Database, worker: TrailRetention, clock: At) -> None:
    async with db.transaction() as session:
        for days in (80, 45, 10):
            session.add(BodyDictionary(made_at=clock.now - timedelta(days=days), content=b"x"))
    await worker.look()
    async with db.reading() as session:
        kept = list((await session.execute(select(col(BodyDictionary.id)).order_by(col(BodyDictionary.id)))).scalars())
    assert kept == [2, 3]
