"""A running workspace, an app connected to it, and people who act in it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.server import Sandbox

Json = dict[str, Any]


class People:
    """The control API as its users call it."""

    def __init__(self, sandbox: Sandbox, http: httpx.AsyncClient) -> None:
        self._http = http
        self.sandbox = sandbox

    async def __call__(self, what: str, /, **body: Any) -> Json:
        response = await self._http.post(f"/{what}", json=body)
        answer: Json = response.json()
        assert response.status_code == 200, answer
        return answer

    async def refused(self, what: str, /, **body: Any) -> str:
        response = await self._http.post(f"/{what}", json=body)
        assert response.status_code == 400, response.text
        return str(response.json()["error"])

    async def see(self, what: str, /, **query: str) -> Json:
        response = await self._http.get(f"/{what}", params=query)
        assert response.status_code == 200, response.text
        answer: Json = response.json()
        return answer

    async def texts(self, channel: str, **query: str) -> list[str]:
        return [message["text"] for message in (await self.see("messages", channel=channel, **query))["messages"]]


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(rate_limit=False) as running:
        yield running


@pytest.fixture
async def people(sandbox: Sandbox) -> AsyncIterator[People]:
    async with httpx.AsyncClient(base_url=sandbox.control_url, trust_env=False, timeout=20) as http:
        yield People(sandbox, http)


@pytest.fixture
def web(sandbox: Sandbox) -> AsyncWebClient:
    """The unmodified client with the bot's token."""
    return AsyncWebClient(token=sandbox.bot_token, base_url=sandbox.api_url)


@pytest.fixture
def app(sandbox: Sandbox, web: AsyncWebClient) -> AsyncApp:
    """The unmodified Bolt app, not connected yet."""
    return AsyncApp(client=web, signing_secret=sandbox.signing_secret)


@pytest.fixture
async def connect(sandbox: Sandbox) -> AsyncIterator[Callable[[AsyncApp], Any]]:
    """Connect a Bolt app by Socket Mode; it leaves at the end of the test."""
    handlers: list[AsyncSocketModeHandler] = []

    async def join(app: AsyncApp) -> AsyncSocketModeHandler:
        web = AsyncWebClient(token=sandbox.app_token, base_url=sandbox.api_url)
        handler = AsyncSocketModeHandler(app, sandbox.app_token, web_client=web)
        before = len(sandbox.parts.sockets.connections)
        await handler.connect_async()
        await until(lambda: len(sandbox.parts.sockets.connections) > before)
        handlers.append(handler)
        return handler

    yield join
    for handler in handlers:
        await handler.close_async()


async def until(done: Callable[[], Any], seconds: float = 5.0) -> Any:
    """Wait for something to be true, and give it back."""
    for _ in range(int(seconds * 200)):
        if found := done():
            return found
        await asyncio.sleep(0.005)
    raise AssertionError("it did not happen in time")
