"""`badday demo --check`: a scripted person plays the outage through the workspace, and every station is timed.

Nothing but the fault is scripted on the other side: the bot learns of it by polling, the product by asking.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx

from bot.sandbox.demo.health import Event
from bot.sandbox.demo.person import ClickRefusedError, Json, Person, readable
from bot.sandbox.demo.scenarios import Scenario
from bot.sandbox.demo.stage import Stage
from bot.sandbox.demo.terminal import Terminal

OWNER = "maria"
BOT = "badday"
CHANNEL = "support-bot"
STATION_WITHIN = 20.0
"""Seconds after which a station counts as failed."""
LOOK_EVERY = 0.1


class StationError(Exception):
    """Something was there, and was wrong."""


class Outage:
    """The stations of the outage, in order."""

    def __init__(self, stage: Stage, http: httpx.AsyncClient, scenario: Scenario) -> None:
        self._stage = stage
        self._http = http
        self._scenario = scenario
        self._world = f"{stage.sandbox.page.rstrip('/')}/world"
        self._maria = Person(OWNER, stage.sandbox.control_url, http)
        self._failing = stage.world.providers[scenario.provider].vendor
        self._standby = next(
            provider.vendor for key, provider in stage.world.providers.items() if key != scenario.provider
        )
        self._root: Json = {}
        """The message that opens the incident's thread, once it has been seen."""

    def stations(self) -> list[tuple[str, Callable[[], Awaitable[None]]]]:
        """Name and what has to come true."""
        return [
            ("page open", self._page_open),
            ("bot ready", self._bot_ready),
            ("product served", self._product_served),
            ("provider failing", self._provider_failing),
            ("outage noticed", self._outage_noticed),
            ("maria paged", self._maria_paged),
            ("thread opened", self._thread_opened),
            ("acknowledged", self._acknowledged),
            ("provider switched", self._provider_switched),
            ("calls recovered", self._calls_recovered),
            ("calls in the trail", self._calls_in_the_trail),
            ("provider healed", self._provider_healed),
            ("recovery shown", self._recovery_shown),
            ("undone", self._undone),
            ("resolved", self._resolved),
        ]

    async def _page_open(self) -> None:
        page = await self._http.get(self._stage.sandbox.page)
        if page.status_code != 200 or "<html" not in page.text:
            raise StationError(f"the page answers {page.status_code}")

    async def _bot_ready(self) -> None:
        application = await self._stage.fill()
        ready = await self._http.get(f"http://127.0.0.1:{application.http_port}/health/ready")
        if ready.status_code != 200:
            raise StationError(f"/health/ready answers {ready.status_code}: {ready.text}")

    async def _product_served(self) -> None:
        await self._stage.product_runs()
        await self._until(lambda world: _ok(world, self._failing.key, seconds=2) >= 2)

    async def _provider_failing(self) -> None:
        await self._flip(self._scenario.event)
        await self._until(lambda world: _failed(world, self._failing.key, seconds=2) >= 2)

    async def _outage_noticed(self) -> None:
        self._root = await self._maria.sees(CHANNEL, self._failing.key)

    async def _maria_paged(self) -> None:
        await self._maria.sees(BOT, self._failing.key)

    async def _thread_opened(self) -> None:
        await self._maria.finds(CHANNEL, "run_step", thread_ts=self._root["ts"])

    async def _acknowledged(self) -> None:
        message, button = await self._maria.finds(BOT, "acknowledge")
        await self._maria.clicks(BOT, message, button)
        await self._root_says("acknowledged", "maria")

    async def _provider_switched(self) -> None:
        message, button = await self._maria.finds(CHANNEL, "run_step", self._standby.key, thread_ts=self._root["ts"])
        asked = readable(button.get("confirm"))
        if self._standby.key not in asked or self._failing.key not in asked:
            raise StationError(f"the confirm dialog does not name the change: {asked or 'there is none'}")
        await self._maria.clicks(CHANNEL, message, button)
        await self._route_is(self._standby.key)

    async def _calls_recovered(self) -> None:
        await self._until(
            lambda world: (
                _ok(world, self._standby.key, seconds=3) >= 6
                and not any(_failed(world, provider["key"], seconds=3) for provider in world["providers"])
            )
        )

    async def _calls_in_the_trail(self) -> None:
        await self._maria.types(CHANNEL, f"/badday calls {CHANNEL} errors")
        await self._maria.sees(CHANNEL, self._failing.model, "overloaded")
        await self._maria.types(CHANNEL, f"/badday calls {CHANNEL} newest")
        await self._maria.sees(CHANNEL, self._standby.model)

    async def _provider_healed(self) -> None:
        await self._flip(Event.HEAL)
        await self._until(lambda world: _provider(world, self._failing.key)["health"] == "healthy")

    async def _recovery_shown(self) -> None:
        await self._maria.sees(CHANNEL, "recovered", thread_ts=self._root["ts"])
        await self._maria.finds(CHANNEL, "undo_step", thread_ts=self._root["ts"])

    async def _undone(self) -> None:
        message, button = await self._maria.finds(CHANNEL, "undo_step", thread_ts=self._root["ts"])
        await self._maria.clicks(CHANNEL, message, button)
        await self._route_is(self._failing.key)
        await self._until(
            lambda world: (
                _ok(world, self._failing.key, seconds=1) >= 1 and not _failed(world, self._failing.key, seconds=1)
            )
        )

    async def _resolved(self) -> None:
        await self._root_says("resolved")

    async def _root_says(self, *words: str) -> None:
        await self._maria.sees(CHANNEL, *words, ts=self._root["ts"])

    async def _route_is(self, provider: str) -> None:
        await self._until(lambda world: bool(world["product"]) and world["product"]["route"] == provider)

    async def _flip(self, event: Event) -> None:
        order = {"provider": self._failing.key, "action": event}
        answer = await self._http.post(f"{self._world}/switch", json=order)
        if answer.status_code != 200:
            raise StationError(f"the world refuses {order}: {answer.text}")

    async def _until(self, condition: Callable[[Json], bool]) -> None:
        """Wait until the world's own data shows it."""
        while not condition((await self._http.get(f"{self._world}/state")).raise_for_status().json()):  # noqa: ASYNC110
            await asyncio.sleep(LOOK_EVERY)


async def play(stage: Stage, terminal: Terminal, scenario: Scenario) -> int:
    """Play on a stage that is open but not filled yet; 0 if every station was reached, else 1."""
    loop = asyncio.get_running_loop()
    begin = loop.time()
    async with httpx.AsyncClient(timeout=10, trust_env=False) as http:
        outage = Outage(stage, http, scenario)
        for name, reached in outage.stations():
            problem = await _problem(reached)
            terminal.station(problem is None, loop.time() - begin, name)
            if problem is not None:
                terminal.problem(f"{name}: {problem}")
                return 1
    return 0


async def _problem(reached: Callable[[], Awaitable[None]]) -> str | None:
    """Why a station was not reached, None when it was."""
    try:
        async with asyncio.timeout(STATION_WITHIN):
            await reached()
    except TimeoutError:
        return f"not seen within {STATION_WITHIN:.0f} s"
    except (StationError, ClickRefusedError, httpx.HTTPError) as error:
        return str(error) or type(error).__name__
    return None


def _provider(world: Json, key: str) -> dict[str, Any]:
    return next(provider for provider in world["providers"] if provider["key"] == key)


def _ok(world: Json, key: str, *, seconds: int) -> int:
    return sum(int(answered) for answered, _ in _provider(world, key)["series"][-seconds:])


def _failed(world: Json, key: str, *, seconds: int) -> int:
    return sum(int(failed) for _, failed in _provider(world, key)["series"][-seconds:])
