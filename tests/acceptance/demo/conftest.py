"""The demo in this process, and tabs that show its page."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest_asyncio

from bot.sandbox.demo.command import now
from bot.sandbox.demo.scenarios import Night
from bot.sandbox.demo.stage import Stage
from tests.browser import chromium, open_tab, pytest_runtest_setup

__all__ = ["chromium", "open_tab", "pytest_runtest_setup"]


@pytest_asyncio.fixture(loop_scope="session")
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """The whole demo; the product has asked its first question."""
    async with a_stage(tmp_path) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def night_stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """As `stage`, at night: nobody is waited for long."""
    async with a_stage(tmp_path, night=Night(owner_has=1, mail_after=1, deputy_has=300)) as running:
        yield running


@asynccontextmanager
async def a_stage(folder: Path, *, night: Night | None = None) -> AsyncIterator[Stage]:
    running = Stage(folder, now, port=0, told=lambda _: None, night=night)
    try:
        await running.open()
        await running.fill()
        await running.product_runs()
        yield running
    finally:
        await running.close()
