"""Keeps workers running: one that fails is logged and started again, and all end together."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

log = structlog.get_logger(__name__)
FIRST_PAUSE = 0.2
LONGEST_PAUSE = 5.0


class Crew:
    """The workers of a process. A locked database or a lost connection delays them; it never ends them."""

    def __init__(self) -> None:
        self._tasks: list[asyncio.Task[None]] = []

    def hire(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Run `work` for ever under this name."""
        self._tasks.append(asyncio.create_task(_supervise(name, work), name=name))

    async def dismiss(self, *, within: float) -> None:
        """Cancel all workers and wait for them, at most `within` seconds."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=within)
        self._tasks.clear()


async def _supervise(name: str, work: Callable[[], Awaitable[None]]) -> None:
    pause = FIRST_PAUSE
    while True:
        started = asyncio.get_running_loop().time()
        try:
            await work()
            log.error("worker ended, starting it again", worker=name)
        except Exception:
            log.exception("worker failed, starting it again", worker=name, pause=pause)
        if asyncio.get_running_loop().time() - started > LONGEST_PAUSE:
            pause = FIRST_PAUSE
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE)
