"""The workspace's clock runs, jumps, and wakes who sleeps on it."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from bot.sandbox.clock import Clock

NINE = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


async def test_it_starts_where_it_is_told_and_runs_on() -> None:
    clock = Clock(NINE)
    first = clock.now()
    await asyncio.sleep(0.01)
    assert NINE <= first < clock.now() < NINE + timedelta(seconds=5)


async def test_a_sleeper_wakes_when_the_clock_is_moved_past_the_hour_and_not_before() -> None:
    clock = Clock(NINE)
    sleeper = asyncio.create_task(clock.sleep(60))
    await asyncio.sleep(0)
    clock.advance(59)
    await asyncio.sleep(0.01)
    assert not sleeper.done()
    clock.advance(1)
    await asyncio.wait_for(sleeper, 1)


async def test_setting_the_clock_wakes_sleepers_too() -> None:
    clock = Clock(NINE)
    sleeper = asyncio.create_task(clock.sleep(3600))
    await asyncio.sleep(0)
    clock.set(NINE + timedelta(hours=1))
    await asyncio.wait_for(sleeper, 1)


async def test_work_within_its_time_gives_its_result_and_late_work_is_cancelled() -> None:
    clock = Clock(NINE)

    async def quick() -> int:
        return 7

    assert await clock.within(3, quick()) == 7
    never: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    late = asyncio.create_task(clock.within(3, never))
    await asyncio.sleep(0)
    clock.advance(3)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(late, 1)
    assert never.cancelled()
