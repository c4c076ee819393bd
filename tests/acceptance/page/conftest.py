"""A workspace with a small app in it, and tabs that show it."""

from collections.abc import AsyncIterator

import pytest_asyncio
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.server import Sandbox
from tests.acceptance.page.small_app import SmallApp
from tests.browser import chromium, open_tab, pytest_runtest_setup

__all__ = ["chromium", "open_tab", "pytest_runtest_setup"]


@pytest_asyncio.fixture(loop_scope="session")
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(rate_limit=False) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def app(sandbox: Sandbox) -> AsyncIterator[SmallApp]:
    """A connected app that answers commands, buttons and modals, and remembers what reached it."""
    small = SmallApp(AsyncWebClient(token=sandbox.bot_token, base_url=sandbox.api_url))
    socket_client = AsyncWebClient(base_url=sandbox.api_url)
    handler = AsyncSocketModeHandler(small.bolt, sandbox.app_token, web_client=socket_client)
    await handler.connect_async()
    yield small
    await handler.close_async()
