"""What happens, told to the open pages as it happens: numbered server-sent events that survive a reconnect."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, field
from typing import Any

KEPT = 5000
HEARTBEAT = 15.0  # seconds between comments that keep a quiet stream open


@dataclass(frozen=True, slots=True)
class Happening:
    number: int
    kind: str
    data: dict[str, Any]
    audience: frozenset[str] | None  # user ids; None is everybody

    def wire(self) -> str:
        return f"id: {self.number}\nevent: {self.kind}\ndata: {json.dumps(self.data)}\n\n"


@dataclass(eq=False)
class _Listener:
    user: str | None
    queue: asyncio.Queue[Happening | None] = field(default_factory=asyncio.Queue)


class Live:
    def __init__(self) -> None:
        self._kept: deque[Happening] = deque(maxlen=KEPT)
        self._listeners: set[_Listener] = set()
        self._number = 0

    @property
    def listeners(self) -> int:
        """How many pages are open."""
        return len(self._listeners)

    def publish(self, kind: str, data: dict[str, Any], audience: Collection[str] | None = None) -> None:
        """Tell every page; `audience` limits it to the pages of these users."""
        self._number += 1
        happening = Happening(self._number, kind, data, None if audience is None else frozenset(audience))
        self._kept.append(happening)
        for listener in self._listeners:
            if _concerns(happening, listener.user):
                listener.queue.put_nowait(happening)

    async def stream(self, user: str | None, after: int | None) -> AsyncIterator[str]:
        """Events for this user's page, from the one after number `after`, until the workspace stops."""
        listener = _Listener(user)
        for happening in self._kept if after is not None else ():
            if happening.number > (after or 0) and _concerns(happening, user):
                listener.queue.put_nowait(happening)
        self._listeners.add(listener)
        try:
            yield f"retry: 500\nid: {after if after is not None else self._number}\n: connected\n\n"
            while True:
                try:
                    happening_or_end = await asyncio.wait_for(listener.queue.get(), HEARTBEAT)
                except TimeoutError:
                    yield ": quiet\n\n"
                    continue
                if happening_or_end is None:
                    return
                yield happening_or_end.wire()
        finally:
            self._listeners.discard(listener)

    def close(self) -> None:
        for listener in self._listeners:
            listener.queue.put_nowait(None)


def _concerns(happening: Happening, user: str | None) -> bool:
    return happening.audience is None or user is None or user in happening.audience
