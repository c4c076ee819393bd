"""Attempt groups as they are written down, on both engines."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlmodel import col

from bot.store.database import Database
from bot.store.tables import Call, CallHour, CallMinute, TrailState
from bot.trail.attempts.grouping import LEASE, Grouping, group_now
from bot.trail.calls import ErrorClass, Kind, SeenSpan
from tests.integration.trail.told import Told, micro, tell

TRACE, PARENT = b"t" * 16, b"app-span"
CIRRUS = {"provider": "cirrus", "model_asked": "c-small"}
SECOND = timedelta(seconds=1)


class Clock:
    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock(now: datetime) -> Clock:
    return Clock(now)


async def stored(db: Database) -> dict[int, Any]:
    async with db.reading() as session:
        return {call.id: call for call in (await session.execute(select(Call))).scalars()}


async def fallbacks(db: Database) -> tuple[int, int]:
    """In the sums by hour and by minute."""
    async with db.reading() as session:
        hours = (await session.execute(select(func.sum(col(CallHour.fallbacks))))).scalar_one()
        minutes = (await session.execute(select(func.sum(col(CallMinute.fallbacks))))).scalar_one()
    return hours, minutes


def fallback(at: datetime, *, trace: bytes = TRACE) -> list[Told]:
    failed = Told(at, ErrorClass.OVERLOADED, trace=trace, parent=PARENT)
    return [failed, Told(at + SECOND, trace=trace, parent=PARENT, facts=CIRRUS)]


async def test_a_fallback_is_written_down_and_counted_once(db: Database, database_url: str, clock: Clock) -> None:
    first, second = tell(database_url, fallback(clock.now - 10 * SECOND), received=clock.now)
    grouping = Grouping(db, clock)
    assert await grouping.look() == 2
    assert await grouping.look() == 0
    calls = await stored(db)
    assert (calls[first].attempt_group, calls[first].attempt, calls[first].is_final) == (first, 1, False)
    answer = calls[second]
    assert (answer.attempt_group, answer.attempt, answer.is_final) == (first, 2, True)
    assert (answer.fell_back_from, answer.fallback_trigger) == ("northwind/nw-large", "overloaded")
    assert await fallbacks(db) == (1, 1)


async def test_a_follower_that_arrives_later_is_found(db: Database, database_url: str, clock: Clock) -> None:
    start = clock.now - 10 * SECOND
    (first,) = tell(database_url, [Told(start, ErrorClass.TIMEOUT, input_hash=7)], received=clock.now)
    grouping = Grouping(db, clock)
    assert await grouping.look() == 0
    clock.now += 30 * SECOND
    later = Told(start + 5 * SECOND, input_hash=7, facts=CIRRUS)
    (second,) = tell(database_url, [later], received=clock.now)
    assert await grouping.look() == 2
    assert (await stored(db))[second].attempt_group == first


async def test_what_arrives_hours_late_is_found_within_a_minute(db: Database, database_url: str, clock: Clock) -> None:
    grouping = Grouping(db, clock)
    await grouping.look()
    tell(database_url, fallback(clock.now - timedelta(hours=5)), received=clock.now)
    assert await grouping.look() == 0
    clock.now += timedelta(minutes=1)
    assert await grouping.look() == 2


async def test_what_arrived_while_nobody_looked_is_found_at_the_next_start(
    db: Database, database_url: str, clock: Clock
) -> None:
    await Grouping(db, clock).look()
    tell(database_url, fallback(clock.now), received=clock.now)
    clock.now += timedelta(hours=3)
    assert await Grouping(db, clock).look() == 2


async def test_a_third_attempt_joins_the_group_of_the_first_two(db: Database, database_url: str, clock: Clock) -> None:
    start = clock.now - 10 * SECOND
    failed = [
        Told(start, ErrorClass.RATE_LIMIT, trace=TRACE, parent=PARENT),
        Told(start + SECOND, ErrorClass.RATE_LIMIT, trace=TRACE, parent=PARENT),
    ]
    first, second = tell(database_url, failed, received=clock.now)
    grouping = Grouping(db, clock)
    await grouping.look()
    clock.now += 5 * SECOND
    (third,) = tell(database_url, [Told(start + 2 * SECOND, trace=TRACE, parent=PARENT)], received=clock.now)
    await grouping.look()
    calls = await stored(db)
    assert [(calls[n].attempt_group, calls[n].attempt, calls[n].is_final) for n in (first, second, third)] == [
        (first, 1, False),
        (first, 2, False),
        (first, 3, True),
    ]


async def test_a_twin_s_place_in_the_framework_s_trace_counts(db: Database, database_url: str, clock: Clock) -> None:
    start = clock.now - 10 * SECOND
    failed = Told(start, ErrorClass.SERVER, trace=TRACE, parent=PARENT)
    (first,) = tell(database_url, [failed], received=clock.now)
    (second,) = tell(database_url, [Told(start + SECOND, trace=b"n" * 16, facts=CIRRUS)], received=clock.now)
    twin = SeenSpan(TRACE, b"twinspan", PARENT, Kind.CALL, second, micro(start + SECOND))
    tell(database_url, [], received=clock.now, twins=[twin])
    await Grouping(db, clock).look()
    assert (await stored(db))[second].attempt_group == first


async def test_records_of_a_router_are_grouped_by_their_key(db: Database, database_url: str, clock: Clock) -> None:
    start = clock.now - 10 * SECOND
    key = {"group_key": "77ae"}
    records = [Told(start, ErrorClass.SERVER, facts=key), Told(start + 3 * SECOND, facts=key | CIRRUS)]
    first, second = tell(database_url, records, received=clock.now)
    await Grouping(db, clock).look()
    assert (await stored(db))[second].attempt_group == first


async def test_only_one_of_two_replicas_works_and_the_other_takes_over(
    db: Database, database_url: str, clock: Clock
) -> None:
    one, two = Grouping(db, clock), Grouping(db, clock)
    await one.look()
    tell(database_url, fallback(clock.now - 10 * SECOND), received=clock.now)
    assert await two.look() == 0
    clock.now += LEASE
    assert await two.look() == 2
    assert await one.look() == 0


async def test_a_worker_that_ends_gives_the_lease_back(db: Database, database_url: str, clock: Clock) -> None:
    task = asyncio.create_task(Grouping(db, clock).run())
    await asyncio.sleep(0.2)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    tell(database_url, fallback(clock.now - 10 * SECOND), received=clock.now)
    assert await Grouping(db, clock).look() == 2


async def test_an_import_is_grouped_in_its_own_transaction(db: Database, database_url: str, clock: Clock) -> None:
    days = [clock.now - timedelta(days=day) for day in (40, 20, 3)]
    told = [each for number, day in enumerate(days) for each in fallback(day, trace=bytes([number]) * 16)]
    tell(database_url, told, received=clock.now)
    async with db.transaction() as session:
        assert await group_now(session, clock.now - timedelta(days=30)) == 4
    async with db.transaction() as session:
        assert await group_now(session, clock.now - timedelta(days=50)) == 2
    assert await fallbacks(db) == (3, 3)


async def test_writers_are_told_that_what_they_read_has_changed(db: Database, database_url: str, clock: Clock) -> None:
    tell(database_url, fallback(clock.now - 10 * SECOND), received=clock.now)

    async def version() -> int:
        async with db.reading() as session:
            found: int = (await session.execute(select(col(TrailState.version)))).scalar_one()
            return found

    before = await version()
    grouping = Grouping(db, clock)
    await grouping.look()
    assert await version() == before + 1
    await grouping.look()
    assert await version() == before + 1
