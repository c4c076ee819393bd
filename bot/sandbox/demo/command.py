"""`badday demo`: the local workspace, the bot and a small world in one terminal, until Ctrl-C."""

import asyncio
import contextlib
import logging
import signal
import tempfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

from bot import logs
from bot.sandbox.demo.scenarios import SCENARIOS, Night, Scenario
from bot.sandbox.demo.stage import Stage
from bot.sandbox.demo.terminal import Terminal

DEFAULT_CHECK = "outage"


def run(scenario: str | None = None, check: bool = False, port: int | None = None) -> int:
    """Run the demo; the exit status is 0, 1 when `check` failed, 2 for a wrong scenario or a port that is taken."""
    terminal = Terminal(now)
    name = scenario or (DEFAULT_CHECK if check else None)
    if name is not None and name not in SCENARIOS:
        terminal.problem(f"badday demo: no scenario {name!r}; there are: {', '.join(SCENARIOS)}")
        return 2
    logs.configure(level=logging.ERROR)
    return asyncio.run(_demo(terminal, SCENARIOS[name] if name else None, check=check, port=port or 0))


def now() -> datetime:
    """The present."""
    return datetime.now(UTC)


async def _demo(terminal: Terminal, scenario: Scenario | None, *, check: bool, port: int) -> int:
    told = (lambda _: None) if check else terminal.event
    with tempfile.TemporaryDirectory(prefix="badday-demo-") as folder:
        async with _interrupted() as ended:
            stage = Stage(Path(folder), now, port=port, told=told, night=_night(scenario, check=check))
            try:
                await stage.open()
            except OSError as error:
                terminal.problem(f"badday demo: port {port} cannot be opened: {error.strerror}; choose another --port")
                return 2
            work = _check(stage, terminal, scenario) if check else _show(stage, terminal, scenario)
            playing = asyncio.create_task(work)
            try:
                await asyncio.wait([playing, ended], return_when=asyncio.FIRST_COMPLETED)
                return playing.result() if playing.done() else 0
            finally:
                playing.cancel()
                await asyncio.wait({playing})
                await stage.close()


def _night(scenario: Scenario | None, *, check: bool) -> Night | None:
    if scenario is None:
        return None
    return scenario.checked if check else scenario.night


async def _show(stage: Stage, terminal: Terminal, scenario: Scenario | None) -> int:
    """Tell what happens until cancelled."""
    terminal.opened(stage.sandbox.page)
    application = await stage.fill()
    # It brings SQLAlchemy along, which the page does not wait for.
    from bot.sandbox.demo.narrator import Narrator

    async with asyncio.TaskGroup() as tasks:
        hints = scenario.hints if scenario is not None else {}
        tasks.create_task(Narrator(application.db, application.catalog, terminal, hints).run())
        await stage.product_runs()
        terminal.event("The product answers its users; the bot watches both providers")
        if scenario is None:
            names = " or ".join(SCENARIOS)
            terminal.hint(f"In the world panel, press Fail at Northwind AI, or start with --scenario {names}.")
        else:
            await asyncio.sleep(scenario.after)
            stage.world.flip(scenario.provider, scenario.event)
    return 0


async def _check(stage: Stage, terminal: Terminal, scenario: Scenario | None) -> int:
    """A scripted person plays the scenario."""
    from bot.sandbox.demo.plays.playing import play

    assert scenario is not None
    return await play(stage, terminal, scenario)


@contextlib.asynccontextmanager
async def _interrupted() -> AsyncIterator[asyncio.Task[object]]:
    """A task that ends when somebody presses Ctrl-C or sends SIGTERM."""
    loop = asyncio.get_running_loop()
    pressed = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, pressed.set)
    waiting: asyncio.Task[object] = asyncio.create_task(pressed.wait())
    try:
        yield waiting
    finally:
        waiting.cancel()
