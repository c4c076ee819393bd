"""The stream of changes of the switchboard, as server-sent events: each says that flags are to be fetched again.

OFREP 0.3, `eventStreams` (ADR 0005-0010): `data` is `{"type": "refetchEvaluation", "etag", "lastModified"}`. One look
at the database a fifth of a second serves every stream of the process, and a change that this process made wakes it at
once. What a cap's day has cost is looked at each second, since no change of the board tells of it.
"""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic

import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import StreamingResponse

from bot.catalog import Catalog
from bot.store.database import Database
from bot.switchboard import board, serving

log = structlog.get_logger(__name__)

STREAM = "/ofrep/v1/stream"
LOOK_EVERY = 0.2
SPEND_EVERY = 1.0
ALIVE_EVERY = 5.0
"""Seconds between two comments on a stream where nothing happens, so that a dead connection is noticed."""
RETRY_MS = 1_000
"""After how many milliseconds a client that lost the stream connects again."""


@dataclass(eq=False)
class _Listener:
    """One open stream. An event that was not taken yet stands for later ones: it only says that something changed."""

    system: str | None
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    mark: str = ""


class Streams:
    """All open streams of a process; a worker of the role `switchboard` looks for what they wait for."""

    def __init__(self, db: Database, catalog: Callable[[], Catalog], clock: Callable[[], datetime]) -> None:
        self._db = db
        self._catalog = catalog
        self._clock = clock
        self._listeners: set[_Listener] = set()
        self._ended = asyncio.Event()
        self._opened = asyncio.Event()
        self._version = -1
        self._looked = 0.0

    def open(self, system: str | None) -> StreamingResponse:
        """A new stream for the keys of a system, or of all."""
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(self._events(system), media_type="text/event-stream", headers=headers)

    def close(self) -> None:
        """End every stream; clients connect to another process, or again."""
        self._ended.set()
        for listener in self._listeners:
            listener.changed.set()

    async def run(self) -> None:
        """Look for changes while anybody listens."""
        while True:
            if not self._listeners:
                self._opened.clear()
                await self._opened.wait()
            try:
                await self._look()
            except SQLAlchemyError as error:
                log.warning("the switchboard cannot be looked at", error=type(error).__name__)
            await self._db.woken(board.TOPIC, timeout=LOOK_EVERY)

    async def _look(self) -> None:
        """Tell those whose flags are others than before."""
        async with self._db.reading() as session:
            version = await board.version(session)
            spent_due = monotonic() - self._looked >= SPEND_EVERY
            fresh = [listener for listener in self._listeners if not listener.mark]
            if version == self._version and not spent_due and not fresh:
                return
            self._version, self._looked = version, monotonic()
            for system in {listener.system for listener in self._listeners}:
                flags = await serving.flags(session, self._catalog(), now=self._clock(), system=system)
                mark = hashlib.sha256(json.dumps([(each.key, each.value) for each in flags]).encode()).hexdigest()[:32]
                for listener in self._listeners:
                    if listener.system == system and listener.mark != mark:
                        # The first look tells nothing new: whoever connects fetches before or after.
                        listener.mark, first = mark, not listener.mark
                        if not first:
                            listener.changed.set()

    async def _events(self, system: str | None) -> AsyncIterator[str]:
        listener = _Listener(system)
        self._listeners.add(listener)
        self._opened.set()
        try:
            # Whatever changed between its last fetch and now would else be missed. One block: some clients take a
            # `retry` of its own for an event.
            yield f"retry: {RETRY_MS}\n{_event(self._clock(), '')}"
            while not self._ended.is_set():
                try:
                    async with asyncio.timeout(ALIVE_EVERY):
                        await listener.changed.wait()
                except TimeoutError:
                    yield ": alive\n\n"
                    continue
                listener.changed.clear()
                if not self._ended.is_set():
                    yield _event(self._clock(), listener.mark)
        finally:
            self._listeners.discard(listener)


def _event(now: datetime, mark: str) -> str:
    told = {"type": "refetchEvaluation", "lastModified": round(now.timestamp())} | ({"etag": mark} if mark else {})
    return f"data: {json.dumps(told)}\n\n"
