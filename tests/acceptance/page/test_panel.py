"""A module that the workspace's owner names is shown beside the workspace, and looks as if it belonged there."""

from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.sandbox.server import Sandbox
from tests.browser import PHONE_WIDTH, SHARED_LOOP, OpenTab

pytestmark = SHARED_LOOP

MODULE = """
export function mount(room) {
  const button = document.createElement("button");
  button.className = "button button--primary";
  button.textContent = "Fail this provider";
  room.append(button);
}
"""


@pytest_asyncio.fixture(loop_scope="session")
async def with_panel() -> AsyncIterator[Sandbox]:
    async def module(request: Request) -> Response:
        return Response(MODULE, media_type="text/javascript")

    sandbox = Sandbox(rate_limit=False)
    sandbox.mount("/world", Starlette(routes=[Route("/panel.js", module)]))
    sandbox.panel = "/world/panel.js"
    sandbox.title = "World"
    async with sandbox:
        yield sandbox


async def test_the_panel_is_a_column_that_can_be_resized_and_hidden(with_panel: Sandbox, open_tab: OpenTab) -> None:
    page = await open_tab(with_panel.page)
    panel = page.get_by_role("complementary", name="World")
    await expect(panel.get_by_role("button", name="Fail this provider")).to_be_visible()
    before = await panel.evaluate("node => node.offsetWidth")
    await page.get_by_role("separator", name="Width of the panel").press("ArrowLeft")
    assert await panel.evaluate("node => node.offsetWidth") > before
    await panel.get_by_role("button", name="Hide World").click()
    await expect(panel).to_be_hidden()
    await page.reload()
    await expect(page.get_by_role("button", name="World", exact=True)).to_be_visible()
    await expect(panel).to_be_hidden()


async def test_the_panel_fills_a_phone_until_it_is_left(with_panel: Sandbox, open_tab: OpenTab) -> None:
    page = await open_tab(with_panel.page, width=PHONE_WIDTH, height=844)
    action = page.get_by_role("button", name="Fail this provider")
    await expect(action).to_be_hidden()
    await page.get_by_role("button", name="World", exact=True).click()
    await expect(action).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await page.keyboard.press("Escape")
    await expect(action).to_be_hidden()
