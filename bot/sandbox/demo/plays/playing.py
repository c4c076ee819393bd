"""`badday demo --check`: a scripted person plays a scenario through the workspace, and every station is timed."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import httpx

from bot.sandbox.demo.person import ClickRefusedError
from bot.sandbox.demo.plays.escalation import Escalation
from bot.sandbox.demo.plays.outage import Outage
from bot.sandbox.demo.plays.story import StationError, Story
from bot.sandbox.demo.scenarios import SCENARIOS, Scenario
from bot.sandbox.demo.stage import Stage
from bot.sandbox.demo.terminal import Terminal

STORIES: Mapping[str, type[Story]] = {"outage": Outage, "escalation": Escalation}
"""By the name of their scenario."""
STATION_WITHIN = 20.0
"""Seconds after which a station counts as failed."""


async def play(stage: Stage, terminal: Terminal, scenario: Scenario) -> int:
    """Play on a stage that is open but not filled yet; 0 if every station was reached, else 1."""
    loop = asyncio.get_running_loop()
    begin = loop.time()
    name = next(name for name, known in SCENARIOS.items() if known is scenario)
    async with httpx.AsyncClient(timeout=10, trust_env=False) as http:
        for station, reached in STORIES[name](stage, http, scenario).stations():
            problem = await _problem(reached)
            terminal.station(problem is None, loop.time() - begin, station)
            if problem is not None:
                terminal.problem(f"{station}: {problem}")
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
