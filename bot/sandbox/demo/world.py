"""The world around the bot: what the product tells, what the panel shows, and the switches that cause a bad day."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from bot.sandbox.demo.health import HEALTH, Event
from bot.sandbox.demo.mailbox import Mailbox
from bot.sandbox.demo.providers import Clock, Provider
from bot.sandbox.demo.statistics import Call, Statistics

FILES = {"panel.js": "text/javascript", "panel.css": "text/css"}
REFRESH = 1.0
"""Seconds between two pictures of the world on the live stream, if nothing hurries them."""

Posted = TypeVar("Posted", bound=BaseModel)
Line = Annotated[str, StringConstraints(max_length=2000)]


@dataclass(frozen=True)
class Switch:
    """One button of the panel."""

    action: Event
    label: str
    hint: str


SWITCHES = (
    Switch(Event.FAIL, "Fail", "Calls get errors or no answer; a second later its status page says so"),
    Switch(Event.SLOW, "Make slow", "Answers take seconds, and some calls time out"),
    Switch(Event.HEAL, "Heal", "Calls succeed again; its status page tells when it is over"),
)


class SwitchOrder(BaseModel):
    """What the panel posts when a person flips a switch."""

    model_config = ConfigDict(extra="forbid")

    provider: str
    action: Literal["fail", "slow", "heal"]


class CallReport(BaseModel):
    """What the product tells after a question: the call, and the switches as it sees them."""

    model_config = ConfigDict(extra="forbid")

    number: int
    """Grows with each question; answers come back in any order."""
    provider: str
    question: Line
    shown: Line
    error: str | None
    latency_ms: int
    route: str
    autoreply: bool
    switchboard: Literal["reachable", "unreachable"]


@dataclass(frozen=True)
class View:
    """The switches as the product saw them at its last question."""

    route: str
    autoreply: bool
    switchboard: str
    since: datetime
    """Since when it sees exactly this."""
    number: int
    """The question before which it looked."""


class World:
    """State of the world, and `app`, which serves it under `/world`."""

    def __init__(
        self,
        providers: Sequence[Provider],
        clock: Clock,
        *,
        mailbox: Mailbox | None = None,
        told: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.providers: Mapping[str, Provider] = {provider.vendor.key: provider for provider in providers}
        self.status_pages: dict[str, str] = {}
        """Provider -> the address of its status page, once it is served."""
        self.statistics = Statistics()
        self.view: View | None = None
        self._clock = clock
        self._mailbox = mailbox
        self._told = told
        self._listeners: set[asyncio.Event] = set()
        self._closed = False
        self.app = Starlette(
            routes=[
                Route("/state", self._state),
                Route("/live", self._live),
                Route("/switch", self._switch, methods=["POST"]),
                Route("/calls", self._call, methods=["POST"]),
                *([Route("/mail/{number:int}", mailbox.show)] if mailbox is not None else []),
                Route("/{name}", _file),
            ]
        )

    def flip(self, provider: str, action: Event) -> bool:
        """Cause something to a provider; False where that changes nothing. Raises KeyError for an unknown one."""
        changed = self.providers[provider].apply(action)
        if changed:
            self._told(f"{self.providers[provider].vendor.name}: {FLIPPED[action]}")
        self._hurry()
        return changed

    def take(self, report: CallReport) -> None:
        """Count what the product tells."""
        now = self._clock()
        call = Call(report.provider, report.question, report.shown, report.error, report.latency_ms)
        self.statistics.add(call, now)
        seen = (report.route, report.autoreply, report.switchboard)
        before = self.view
        if before and before.number > report.number:
            return
        if before and (before.route, before.autoreply, before.switchboard) == seen:
            self.view = replace(before, number=report.number)
            return
        self.view = View(*seen, since=now, number=report.number)
        if before and before.route != report.route:
            self._told(f"The product now calls {self._name(report.route)}")
        self._hurry()

    def picture(self) -> dict[str, Any]:
        """Everything that the panel shows."""
        now = self._clock()
        view = self.view
        return {
            "now": now.isoformat(),
            "providers": [self._provider(provider, now) for provider in self.providers.values()],
            "product": {
                "route": view.route,
                "route_name": self._name(view.route),
                "autoreply": view.autoreply,
                "switchboard": view.switchboard,
                "since": view.since.isoformat(),
            }
            if view
            else None,
            "answers": [{**answer, "name": self._name(answer["provider"])} for answer in self.statistics.answers()],
            "mails": self._mailbox.picture() if self._mailbox is not None else [],
        }

    def close(self) -> None:
        """End every live stream."""
        self._closed = True
        self._hurry()

    def _provider(self, provider: Provider, now: datetime) -> dict[str, Any]:
        key, health = provider.vendor.key, provider.health
        rate = self.statistics.rate(key, now)
        return {
            "key": key,
            "name": provider.vendor.name,
            "health": health,
            "status_page": self.status_pages.get(key),
            "calls_per_second": rate.calls,
            "errors_per_second": rate.errors,
            "series": self.statistics.series(key, now),
            "switches": [
                {
                    "action": switch.action,
                    "label": switch.label,
                    "hint": switch.hint,
                    "possible": (health, switch.action) in HEALTH,
                }
                for switch in SWITCHES
            ],
        }

    def _name(self, key: str) -> str:
        provider = self.providers.get(key)
        return provider.vendor.name if provider else key

    def _hurry(self) -> None:
        for listener in self._listeners:
            listener.set()

    async def _state(self, _: Request) -> Response:
        return JSONResponse(self.picture(), headers={"Cache-Control": "no-store"})

    async def _live(self, _: Request) -> Response:
        return StreamingResponse(
            self._pictures(), media_type="text/event-stream", headers={"Cache-Control": "no-store"}
        )

    async def _pictures(self) -> AsyncIterator[str]:
        hurried = asyncio.Event()
        self._listeners.add(hurried)
        try:
            while not self._closed:
                yield f"event: world\ndata: {json.dumps(self.picture(), separators=(',', ':'))}\n\n"
                await _either(hurried, REFRESH)
        finally:
            self._listeners.discard(hurried)

    async def _switch(self, request: Request) -> Response:
        order = await _read(request, SwitchOrder)
        if isinstance(order, Response):
            return order
        if order.provider not in self.providers:
            return _refused(404, f"there is no provider {order.provider!r}; there are {', '.join(self.providers)}")
        changed = self.flip(order.provider, Event(order.action))
        return JSONResponse({"ok": True, "changed": changed, "health": self.providers[order.provider].health})

    async def _call(self, request: Request) -> Response:
        report = await _read(request, CallReport)
        if isinstance(report, Response):
            return report
        self.take(report)
        return JSONResponse({"ok": True})


FLIPPED: Mapping[Event, str] = {
    Event.FAIL: "made to fail",
    Event.SLOW: "made slow",
    Event.HEAL: "healed",
}


async def _read(request: Request, model: type[Posted]) -> Posted | Response:
    # A page of another site can post forms and plain text to a loopback port, but not JSON.
    if request.headers.get("Content-Type", "").partition(";")[0].strip() != "application/json":
        return _refused(415, "post JSON, with the header Content-Type: application/json")
    try:
        return model.model_validate_json(await request.body())
    except ValidationError as error:
        problem = error.errors()[0]
        return _refused(400, f"{'.'.join(map(str, problem['loc'])) or 'body'}: {problem['msg']}")


def _refused(status: int, error: str) -> Response:
    return JSONResponse({"ok": False, "error": error}, status_code=status)


async def _either(hurried: asyncio.Event, seconds: float) -> None:
    """Wait until somebody hurries, at most so long."""
    try:
        async with asyncio.timeout(seconds):
            await hurried.wait()
    except TimeoutError:
        return
    hurried.clear()


async def _file(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in FILES:
        return _refused(404, f"the world has no {name}")
    return FileResponse(Path(__file__).parent / name, media_type=FILES[name], headers={"Cache-Control": "no-cache"})
