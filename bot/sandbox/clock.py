"""The workspace's clock: it runs like the real one, and a test may set it or move it forward."""

import asyncio
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

T = TypeVar("T")


class Clock:
    """Real time plus an offset. Whoever sleeps on it wakes when it is moved past his hour."""

    def __init__(self, start: datetime | None = None) -> None:
        self._offset = timedelta(0) if start is None else start - datetime.now(UTC)
        self._moved = asyncio.Event()

    def now(self) -> datetime:
        return datetime.now(UTC) + self._offset

    def timestamp(self) -> float:
        """Seconds since the epoch."""
        return self.now().timestamp()

    def set(self, at: datetime) -> None:
        """Make it `at` now (aware); it goes on running from there."""
        self._offset = at - datetime.now(UTC)
        self._wake()

    def advance(self, seconds: float) -> None:
        self._offset += timedelta(seconds=seconds)
        self._wake()

    async def sleep(self, seconds: float) -> None:
        """Return when `seconds` have passed on this clock."""
        end = self.now() + timedelta(seconds=seconds)
        while (left := (end - self.now()).total_seconds()) > 0:
            try:
                await asyncio.wait_for(self._moved.wait(), left)
            except TimeoutError:
                continue

    async def within(self, seconds: float, work: Awaitable[T]) -> T:
        """What `work` gives, or TimeoutError when this clock passes `seconds` first."""
        task = asyncio.ensure_future(work)
        alarm = asyncio.ensure_future(self.sleep(seconds))
        try:
            await asyncio.wait({task, alarm}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise TimeoutError
            return task.result()
        finally:
            alarm.cancel()
            task.cancel()

    def _wake(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()
