"""Without an app token everything comes by signed HTTP, and does the same."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from bot.http.server import HttpServer
from bot.sandbox.server import Sandbox
from bot.settings import Settings
from bot.slack.face import SlackFace
from bot.store.database import Database
from bot.supervision import Crew
from tests.integration.slack.conftest import CATALOG, Place, eventually, utc_now


class SignedPlace(Place):
    """A face that listens at an address of its own, to which the workspace delivers."""

    url: str = ""

    def settings(self) -> Settings:
        return super().settings().model_copy(update={"slack_app_token": None})

    async def face(self) -> SlackFace:
        face, crew = SlackFace(self.settings(), self.db, lambda: CATALOG, utc_now), Crew()
        server = HttpServer(Starlette(routes=face.routes()), host="127.0.0.1", port=0)
        await server.start()
        await face.start(crew)
        self.faces.append((face, crew))
        self.url = f"http://127.0.0.1:{server.port}/slack/events"
        await self.do("fault", kind="transport", transport="http", url=self.url)
        self.server = server
        return face

    async def stop(self) -> None:
        await super().stop()
        await self.server.stop()


@pytest.fixture
async def signed(db: Database) -> AsyncIterator[SignedPlace]:
    async with Sandbox(rate_limit=False) as sandbox, httpx.AsyncClient(timeout=10) as http:
        here = SignedPlace(sandbox, db, http)
        await here.face()
        try:
            yield here
        finally:
            await here.stop()


async def test_a_command_comes_by_signed_http(signed: SignedPlace) -> None:
    answer = await signed.do("command", user="maria", channel="support-bot", command="/badday", text="help")
    assert answer["acknowledged"]

    async def told() -> Any:
        return [text for text in await signed.whispers("maria") if "What you can type" in text]

    assert await eventually(told)


async def test_a_request_without_the_right_signature_is_refused(signed: SignedPlace) -> None:
    refused = await signed.http.post(signed.url, data={"command": "/badday", "user_id": "U1", "trigger_id": "x"})
    assert refused.status_code == 401


async def test_several_clicks_at_once_are_all_acknowledged(signed: SignedPlace) -> None:
    commands = [
        signed.do("command", user="maria", channel="support-bot", command="/badday", text="help") for _ in range(20)
    ]
    assert all(answer["acknowledged"] for answer in await asyncio.gather(*commands))
