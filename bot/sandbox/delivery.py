"""Bring events and interactions to the app, by its sockets or by signed HTTP, and again when nobody acknowledges."""

import asyncio
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Protocol

import structlog

from bot.sandbox import ids
from bot.sandbox.faults import Faults, Kind
from bot.sandbox.workspace import Json, Workspace

log = structlog.get_logger(__name__)
ACKNOWLEDGE_WITHIN = 3.0  # seconds
RETRY_AFTER = (0.0, 60.0, 300.0)  # seconds between a failed delivery of an event and the next try


class Sort(StrEnum):
    """What is delivered: the `type` of a Socket Mode envelope."""

    EVENT = "events_api"
    COMMAND = "slash_commands"
    INTERACTION = "interactive"


@dataclass(frozen=True)
class Parcel:
    """One payload on its way, and which try this is."""

    sort: Sort
    payload: Json
    attempt: int = 0
    reason: str = ""

    @property
    def name(self) -> str:
        """What it is about: the event's type, the command, or the interaction's type."""
        if self.sort is Sort.EVENT:
            return str(self.payload["event"]["type"])
        return str(self.payload.get("command") or self.payload.get("type", ""))


@dataclass(frozen=True)
class Answer:
    """What became of a parcel; `reason` is Slack's word for a failure (http_timeout, connection_failed, …)."""

    acknowledged: bool
    payload: Json = field(default_factory=dict)
    reason: str = ""
    retry: bool = True


class Transport(Protocol):
    async def send(self, parcel: Parcel) -> Answer: ...


class Delivery:
    """Chooses the transport, watches acknowledgements and retries events."""

    def __init__(self, workspace: Workspace, faults: Faults) -> None:
        self.transport: Transport | None = None
        self._workspace = workspace
        self._faults = faults
        self._tasks: set[asyncio.Task[None]] = set()

    def event(self, event: Json, *, subscription: str | None = None) -> None:
        """Deliver an event if the app subscribes to it (`message.im`, … where it differs from the type)."""
        if (subscription or event["type"]) not in self._workspace.app.events:
            return
        parcel = Parcel(Sort.EVENT, self._wrap(event))
        task = asyncio.get_running_loop().create_task(self._until_acknowledged(parcel))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def interaction(self, sort: Sort, payload: Json) -> Answer:
        """Deliver a gesture once; it fails when it is not acknowledged in three seconds."""
        answer = await self._send(Parcel(sort, payload))
        if answer.acknowledged and self._faults.strike_delivery(Kind.DROP_ACK, payload.get("type", sort)):
            await self._workspace.clock.sleep(ACKNOWLEDGE_WITHIN)
            return Answer(acknowledged=False, reason="operation_timeout")
        return answer

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def settled(self) -> None:
        """Wait until nothing is on its way: every event acknowledged or given up."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    async def _until_acknowledged(self, parcel: Parcel) -> None:
        for attempt, pause in enumerate((None, *RETRY_AFTER)):
            if pause is not None:
                await self._workspace.clock.sleep(pause)
            answer = await self._send(replace(parcel, attempt=attempt))
            if answer.acknowledged and self._faults.strike_delivery(Kind.DROP_ACK, parcel.name):
                answer = Answer(acknowledged=False, reason="timeout")
            if answer.acknowledged:
                await self._again(replace(parcel, attempt=attempt, reason=answer.reason))
                return
            if not answer.retry:
                return
            parcel = replace(parcel, reason=answer.reason)
        log.info("event_given_up", event_type=parcel.name, event_id=parcel.payload["event_id"])

    async def _again(self, parcel: Parcel) -> None:
        """The fault `redeliver`: what was acknowledged comes once more, with the same event_id."""
        attempt = parcel.attempt
        while self._faults.strike_delivery(Kind.REDELIVER, parcel.name):
            attempt += 1
            await self._send(replace(parcel, attempt=attempt, reason="timeout"))

    async def _send(self, parcel: Parcel) -> Answer:
        if self.transport is None:
            return Answer(acknowledged=False, reason="dispatch_failed")
        return await self.transport.send(parcel)

    def _wrap(self, event: Json) -> dict[str, Any]:
        app, workspace = self._workspace.app, self._workspace
        return {
            "token": app.verification_token,
            "team_id": workspace.team_id,
            "context_team_id": workspace.team_id,
            "context_enterprise_id": None,
            "api_app_id": app.app_id,
            "event": event,
            "type": "event_callback",
            "event_id": ids.new_id("Ev"),
            "event_time": workspace.seconds(),
            "authorizations": [
                {
                    "enterprise_id": None,
                    "team_id": workspace.team_id,
                    "user_id": app.user_id,
                    "is_bot": True,
                    "is_enterprise_install": False,
                }
            ],
            "is_ext_shared_channel": False,
            "event_context": f"4-{ids.secret(40)}",
        }
