"""Socket Mode: up to ten connections of one app, each payload to one of them; acknowledgements and refreshes."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from bot.sandbox import ids
from bot.sandbox.clock import Clock
from bot.sandbox.delivery import ACKNOWLEDGE_WITHIN, Answer, Parcel, Sort
from bot.sandbox.workspace import Json

MAX_CONNECTIONS = 10
WARNING_BEFORE = 10.0  # seconds between the warning and the refresh
LIFETIME = 3 * 3600.0  # approximate_connection_time, seconds
DEBUG_LIFETIME = 360.0  # with debug_reconnects=true


@dataclass(eq=False)
class Connection:
    websocket: WebSocket
    number: int
    events: set[str] = field(default_factory=set)  # the envelopes of events that it has not acknowledged
    retiring: bool = False  # told to go: gets nothing new

    async def say(self, frame: Json) -> None:
        await self.websocket.send_text(json.dumps(frame))


class SocketMode:
    """The transport by WebSocket; the app opens the connections."""

    def __init__(self, clock: Clock, app_id: str) -> None:
        self.connections: list[Connection] = []
        self.on_change: list[Any] = []  # called without arguments when the app connects or leaves
        self._waiting: dict[str, asyncio.Future[Answer]] = {}  # by envelope; any connection may acknowledge it
        self._clock = clock
        self._app_id = app_id
        self._tickets: dict[str, bool] = {}  # ticket -> debug_reconnects
        self._turn = 0
        self._numbers = 0

    def ticket(self) -> str:
        """A one-use key for the address that apps.connections.open gives."""
        ticket = ids.unique()
        self._tickets[ticket] = True
        return ticket

    @property
    def connected(self) -> bool:
        return any(not connection.retiring for connection in self.connections)

    async def serve(self, websocket: WebSocket) -> None:
        """One connection from its opening to its end."""
        if self._tickets.pop(websocket.query_params.get("ticket", ""), None) is None:
            await websocket.close(1008, "invalid ticket: apps.connections.open gives one for each connection")
            return
        await websocket.accept()
        self._numbers += 1
        connection = Connection(websocket, self._numbers)
        if len(self.connections) >= MAX_CONNECTIONS:
            await connection.say(self._disconnect("too_many_websockets"))
            await websocket.close(1000)
            return
        self.connections.append(connection)
        self._changed()
        debug = websocket.query_params.get("debug_reconnects") == "true"
        lifetime = DEBUG_LIFETIME if debug else LIFETIME
        refresh = asyncio.create_task(self._retire_after(connection, lifetime))
        try:
            await connection.say(self._hello(lifetime))
            while True:
                self._heard(await websocket.receive_text())
        except (WebSocketDisconnect, RuntimeError):
            return
        finally:
            refresh.cancel()
            self._forget(connection)

    async def send(self, parcel: Parcel) -> Answer:
        connection = self._next()
        if connection is None:
            return Answer(acknowledged=False, reason="dispatch_failed")
        envelope_id = ids.unique()
        waiting: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting[envelope_id] = waiting
        if parcel.sort is Sort.EVENT:
            connection.events.add(envelope_id)
        try:
            await connection.say(_envelope(envelope_id, parcel))
            return await self._clock.within(ACKNOWLEDGE_WITHIN, waiting)
        except TimeoutError:
            return Answer(
                acknowledged=False, reason="operation_timeout" if parcel.sort is not Sort.EVENT else "timeout"
            )
        except (RuntimeError, WebSocketDisconnect, OSError):
            return Answer(acknowledged=False, reason="connection_failed")
        finally:
            self._waiting.pop(envelope_id, None)
            connection.events.discard(envelope_id)

    async def refresh(self, warning: float = 0.0, count: int | None = None) -> None:
        """Tell the oldest `count` connections (all by default) to go, as Slack tells each every few hours."""
        await asyncio.gather(*(self._retire(connection, warning) for connection in self.connections[:count]))

    async def cut(self) -> None:
        """End every connection without a word."""
        await asyncio.gather(*(_close(connection, 1011) for connection in list(self.connections)))

    async def close(self) -> None:
        await asyncio.gather(*(_close(connection, 1001) for connection in list(self.connections)))

    async def _retire_after(self, connection: Connection, lifetime: float) -> None:
        await self._clock.sleep(lifetime - WARNING_BEFORE)
        await self._retire(connection, WARNING_BEFORE)

    async def _retire(self, connection: Connection, warning: float) -> None:
        try:
            if warning:
                await connection.say(self._disconnect("warning"))
                await self._clock.sleep(warning)
            connection.retiring = True
            await connection.say(self._disconnect("refresh_requested"))
        except (RuntimeError, WebSocketDisconnect, OSError):
            return
        self._changed()

    def _next(self) -> Connection | None:
        usable = [connection for connection in self.connections if not connection.retiring]
        if not usable:
            return None
        self._turn += 1
        return usable[self._turn % len(usable)]

    def _heard(self, text: str) -> None:
        try:
            frame = json.loads(text)
        except ValueError:
            return
        waiting = self._waiting.get(frame.get("envelope_id", "")) if isinstance(frame, dict) else None
        if waiting is not None and not waiting.done():
            payload = frame.get("payload")
            waiting.set_result(Answer(acknowledged=True, payload=payload if isinstance(payload, dict) else {}))

    def _forget(self, connection: Connection) -> None:
        """Its events go to another connection at once; a gesture may still be acknowledged by the app's next one."""
        self.connections.remove(connection)
        for envelope_id in connection.events:
            waiting = self._waiting.get(envelope_id)
            if waiting is not None and not waiting.done():
                waiting.set_result(Answer(acknowledged=False, reason="connection_failed"))
        self._changed()

    def _changed(self) -> None:
        for tell in self.on_change:
            tell()

    def _hello(self, lifetime: float) -> Json:
        return {
            "type": "hello",
            "num_connections": len(self.connections),
            "debug_info": {
                "host": "local-workspace",
                "started": self._clock.now().strftime("%Y-%m-%d %H:%M:%S.000"),
                "build_number": 1,
                "approximate_connection_time": int(lifetime),
            },
            "connection_info": {"app_id": self._app_id},
        }

    @staticmethod
    def _disconnect(reason: str) -> Json:
        return {"type": "disconnect", "reason": reason, "debug_info": {"host": "local-workspace"}}


async def _close(connection: Connection, code: int) -> None:
    try:
        await connection.websocket.close(code)
    except (RuntimeError, WebSocketDisconnect, OSError):
        return


def _envelope(envelope_id: str, parcel: Parcel) -> Json:
    frame: Json = {
        "envelope_id": envelope_id,
        "type": parcel.sort,
        "payload": parcel.payload,
        "accepts_response_payload": parcel.sort is not Sort.EVENT,
    }
    if parcel.sort is Sort.EVENT:
        frame |= {"retry_attempt": parcel.attempt, "retry_reason": parcel.reason}
    return frame
