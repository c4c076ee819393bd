"""Whose turn it is to write: SQLite has one writer, and a process's tasks and threads take it in order of arrival.

Without it they would all poll the file's lock, and who polls seldom (up to every 100 ms) starves beside one who writes
without a pause, as the trail's writer does: a person's click would wait for seconds.
"""

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager


class Turns:
    """A fair lock for tasks and threads alike."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken = False
        self._waiting: deque[Future[None]] = deque()

    @asynccontextmanager
    async def of_task(self) -> AsyncIterator[None]:
        """Wait for the turn in a coroutine."""
        turn = self._enter()
        try:
            if turn is not None:
                await asyncio.wrap_future(turn)
        except asyncio.CancelledError:
            if turn is not None and not turn.cancel():  # it came in the same moment
                self._pass_on()
            raise
        try:
            yield
        finally:
            self._pass_on()

    @contextmanager
    def of_thread(self, *, within: float) -> Iterator[None]:
        """Wait for the turn in a thread, at most so many seconds; raises TimeoutError."""
        turn = self._enter()
        if turn is not None:
            try:
                turn.result(within)
            except TimeoutError:
                if turn.cancel():
                    raise
        try:
            yield
        finally:
            self._pass_on()

    def _enter(self) -> Future[None] | None:
        """None if it is our turn already, else what tells when it comes."""
        with self._lock:
            if not self._taken:
                self._taken = True
                return None
            turn = Future[None]()
            self._waiting.append(turn)
            return turn

    def _pass_on(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._taken = False
                    return
                turn = self._waiting.popleft()
            if turn.set_running_or_notify_cancel():
                turn.set_result(None)
                return
