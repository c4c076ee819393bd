"""What the tests of watching share: a status page's server, and a client with short patience."""

from collections.abc import AsyncIterator

import httpx
import pytest

from bot.watches.http import Http
from tests.integration.watches.page_server import PageServer


@pytest.fixture
async def server() -> AsyncIterator[PageServer]:
    async with PageServer() as running:
        yield running


@pytest.fixture
async def http() -> AsyncIterator[Http]:
    async with Http(timeouts=httpx.Timeout(0.4), whole_timeout=1.5, environ={}) as client:
        yield client
