"""Makes the pictures of docs/images: the demo in the middle of an incident. Run it with `make screenshots`."""

import asyncio
import logging
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import httpx
from playwright.async_api import Browser, async_playwright

from bot import logs
from bot.sandbox.demo.command import now
from bot.sandbox.demo.health import Event
from bot.sandbox.demo.person import Person
from bot.sandbox.demo.stage import Stage

IMAGES = Path(__file__).parent / "images"
CALM_BEFORE = 25.0
"""Seconds of good calls, so that the chart has something to lose."""
STORM = 6.0
"""Seconds from the offer to switch to the click."""
CALM_AFTER = 8.0
"""Seconds from the switch to the first picture."""


@dataclass(frozen=True)
class Picture:
    """One file: how wide and high, in which theme."""

    name: str
    width: int
    height: int
    theme: Literal["light", "dark"]


PICTURES = (
    Picture("incident.png", 1440, 900, "light"),
    Picture("incident-dark.png", 1440, 900, "dark"),
    Picture("incident-phone.png", 390, 844, "light"),
)


async def main() -> int:
    """Play an outage up to the switched provider, and take the pictures."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        print("screenshots: no Chromium found; install one, for example: apt-get install chromium", file=sys.stderr)  # noqa: T201
        return 1
    logs.configure(level=logging.ERROR)
    with tempfile.TemporaryDirectory() as folder:
        stage = Stage(Path(folder), now, port=0, told=lambda _: None)
        try:
            await stage.open()
            await stage.fill()
            address = await an_incident(stage)
            async with async_playwright() as playwright:
                browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
                for picture in PICTURES:
                    await take(browser, picture, address)
                await browser.close()
        finally:
            await stage.close()
    return 0


async def an_incident(stage: Stage) -> str:
    """Break the primary provider; as Maria acknowledge and switch. Gives the address of the incident's thread."""
    await stage.product_runs()
    await asyncio.sleep(CALM_BEFORE)
    stage.world.flip("northwind", Event.FAIL)
    async with httpx.AsyncClient(trust_env=False) as http:
        maria = Person("maria", stage.sandbox.control_url, http)
        message, button = await maria.finds("badday", "acknowledge")
        await maria.clicks("badday", message, button)
        root = await maria.sees("support-bot", "northwind")
        await asyncio.sleep(STORM)
        for step in ("is it them or us", "cirrus"):
            message, button = await maria.finds("support-bot", "run_step", step, thread_ts=root["ts"])
            await maria.clicks("support-bot", message, button)
        await asyncio.sleep(CALM_AFTER)
    channel = stage.sandbox.workspace.channel_named("support-bot")
    assert channel is not None
    return f"{stage.sandbox.page}#/c/{channel.id}/t/{root['ts']}"


async def take(browser: Browser, picture: Picture, address: str) -> None:
    """One picture of the page at this address."""
    context = await browser.new_context(
        viewport={"width": picture.width, "height": picture.height},
        color_scheme=picture.theme,
        reduced_motion="reduce",
        locale="en-GB",
    )
    page = await context.new_page()
    await page.goto(address)
    await page.get_by_role("button", name="Undo step").first.wait_for()
    # Two pictures of the world: the first draws the chart, the second fills in what users get.
    await page.wait_for_timeout(2000)
    await page.get_by_role("button", name="Undo step").first.evaluate("b => b.scrollIntoView({block: 'center'})")
    await page.screenshot(path=IMAGES / picture.name)
    await context.close()


if __name__ == "__main__":
    IMAGES.mkdir(exist_ok=True)
    sys.exit(asyncio.run(main()))
