"""Tasks and threads write one after the other, in the order in which they came, whoever gives up meanwhile."""

import asyncio
import threading
import time

import pytest

from bot.store.turns import Turns


class Busy:
    """Notes who writes; two at once would be a mistake."""

    def __init__(self) -> None:
        self.turns = Turns()
        self.order: list[str] = []
        self._inside = 0

    def _work(self, name: str) -> None:
        self._inside += 1
        assert self._inside == 1
        self.order.append(name)

    async def task(self, name: str, seconds: float = 0.01) -> None:
        async with self.turns.of_task():
            self._work(name)
            await asyncio.sleep(seconds)
            self._inside -= 1

    def thread(self, name: str, seconds: float = 0.01, within: float = 5) -> None:
        with self.turns.of_thread(within=within):
            self._work(name)
            time.sleep(seconds)
            self._inside -= 1


async def test_tasks_and_threads_take_turns_in_order_of_arrival() -> None:
    busy = Busy()
    running = [asyncio.create_task(busy.task("first", 0.1))]
    for number in range(6):
        await asyncio.sleep(0.01)
        work = busy.task(f"{number}") if number % 2 else asyncio.to_thread(busy.thread, f"{number}")
        running.append(asyncio.create_task(work))
    await asyncio.gather(*running)
    assert busy.order == ["first", *(f"{number}" for number in range(6))]


async def test_one_that_writes_without_a_pause_starves_nobody() -> None:
    busy = Busy()
    ended = threading.Event()

    def greedy() -> None:
        while not ended.is_set():
            busy.thread("greedy", 0.001)

    writing = asyncio.create_task(asyncio.to_thread(greedy))
    await asyncio.sleep(0.02)
    for _ in range(20):
        before = len(busy.order)
        await busy.task("click", 0)
        assert busy.order[before:].count("greedy") <= 2
    ended.set()
    await writing


async def test_a_task_that_is_cancelled_while_it_waits_leaves_the_turn_to_the_next() -> None:
    busy = Busy()
    first = asyncio.create_task(busy.task("first", 0.05))
    await asyncio.sleep(0)
    given_up = asyncio.create_task(busy.task("given up"))
    next_one = asyncio.create_task(busy.task("next"))
    await asyncio.sleep(0)
    given_up.cancel()
    await asyncio.gather(first, next_one)
    assert busy.order == ["first", "next"]


@pytest.mark.parametrize("steps", range(6))
async def test_whenever_a_task_is_cancelled_the_turn_is_not_lost(steps: int) -> None:
    busy = Busy()
    first = asyncio.create_task(busy.task("first", 0))
    await asyncio.sleep(0)
    cancelled = asyncio.create_task(busy.task("cancelled", 0))
    await asyncio.sleep(0)
    for _ in range(steps):
        await asyncio.sleep(0)
    cancelled.cancel()
    await first
    await asyncio.wait_for(busy.turns.of_task().__aenter__(), 1)


async def test_a_thread_that_waits_too_long_gives_up() -> None:
    busy = Busy()
    first = asyncio.create_task(busy.task("first", 0.1))
    await asyncio.sleep(0)
    with pytest.raises(TimeoutError):
        await asyncio.to_thread(busy.thread, "late", within=0.02)
    await first
    busy.thread("later")
    assert busy.order == ["first", "later"]
