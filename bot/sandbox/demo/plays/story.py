"""What every story begins with: an open page, a bot that is ready, a product that is served, and then the one fault.

Nothing but the fault is scripted on the other side: the bot learns of it by polling, the product by asking.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import httpx

from bot.sandbox.demo.health import Event
from bot.sandbox.demo.person import Json, Person
from bot.sandbox.demo.scenarios import Scenario
from bot.sandbox.demo.stage import Stage

OWNER, DEPUTY = "maria", "sam"
BOT = "badday"
CHANNEL = "support-bot"
LOOK_EVERY = 0.1

Station = tuple[str, Callable[[], Awaitable[None]]]
"""A name, and what has to come true."""


class StationError(Exception):
    """Something was there, and was wrong."""


class Story:
    """The stations of a scenario, in order."""

    def __init__(self, stage: Stage, http: httpx.AsyncClient, scenario: Scenario) -> None:
        self.stage = stage
        self.http = http
        self.world = f"{stage.sandbox.page.rstrip('/')}/world"
        self.maria = Person(OWNER, stage.sandbox.control_url, http)
        vendors = {key: provider.vendor for key, provider in stage.world.providers.items()}
        self.failing = vendors.pop(scenario.provider)
        self.standby = next(iter(vendors.values()))
        self.root: Json = {}
        """The message that opens the incident's thread, once it has been seen."""
        self._scenario = scenario

    def stations(self) -> Sequence[Station]:
        """All of them; those of the story itself follow those that every story has."""
        return (
            ("page open", self._page_open),
            ("bot ready", self._bot_ready),
            ("product served", self._product_served),
            ("provider failing", self._provider_failing),
            ("outage noticed", self._outage_noticed),
            ("maria paged", self._maria_paged),
        )

    async def root_says(self, *words: str) -> None:
        """Wait until the incident's first message holds the words."""
        await self.maria.sees(CHANNEL, *words, ts=self.root["ts"])

    async def flip(self, event: Event) -> None:
        """Press a switch of the world's panel at the provider that the scenario is about."""
        order = {"provider": self.failing.key, "action": event}
        answer = await self.http.post(f"{self.world}/switch", json=order)
        if answer.status_code != 200:
            raise StationError(f"the world refuses {order}: {answer.text}")

    async def until(self, condition: Callable[[Json], bool]) -> Json:
        """Wait until the world's own data shows it; gives the data."""
        while True:
            shown: Json = (await self.http.get(f"{self.world}/state")).raise_for_status().json()
            if condition(shown):
                return shown
            await asyncio.sleep(LOOK_EVERY)

    async def _page_open(self) -> None:
        page = await self.http.get(self.stage.sandbox.page)
        if page.status_code != 200 or "<html" not in page.text:
            raise StationError(f"the page answers {page.status_code}")

    async def _bot_ready(self) -> None:
        application = await self.stage.fill()
        ready = await self.http.get(f"http://127.0.0.1:{application.http_port}/health/ready")
        if ready.status_code != 200:
            raise StationError(f"/health/ready answers {ready.status_code}: {ready.text}")

    async def _product_served(self) -> None:
        await self.stage.product_runs()
        await self.until(lambda world: answered(world, self.failing.key, seconds=2) >= 2)

    async def _provider_failing(self) -> None:
        await self.flip(self._scenario.event)
        await self.until(lambda world: failed(world, self.failing.key, seconds=2) >= 2)

    async def _outage_noticed(self) -> None:
        self.root = await self.maria.sees(CHANNEL, self.failing.key)

    async def _maria_paged(self) -> None:
        await self.maria.sees(BOT, self.failing.key)


def provider_in(world: Json, key: str) -> dict[str, Any]:
    """What the world tells of a provider."""
    return next(provider for provider in world["providers"] if provider["key"] == key)


def answered(world: Json, key: str, *, seconds: int) -> int:
    """Calls that a provider answered within the last seconds."""
    return sum(int(ok) for ok, _ in provider_in(world, key)["series"][-seconds:])


def failed(world: Json, key: str, *, seconds: int) -> int:
    """Calls that a provider failed within the last seconds."""
    return sum(int(bad) for _, bad in provider_in(world, key)["series"][-seconds:])
