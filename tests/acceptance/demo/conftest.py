"""The demo in this process, and tabs that show its page."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from bot.sandbox.demo.command import now
from bot.sandbox.demo.stage import Stage
from tests.browser import chromium, open_tab, pytest_runtest_setup

__all__ = ["chromium", "open_tab", "pytest_runtest_setup"]


@pytest_asyncio.fixture(loop_scope="session")
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """The whole demo; the product has asked its first question."""
    running = Stage(tmp_path, now, port=0, told=lambda _: None)
    try:
        await running.open()
        await running.fill()
        await running.product_runs()
        yield running
    finally:
        await running.close()
