"""Faults on demand strike the call that they name, as often as they say."""

import asyncio
import time
from typing import Any

import httpx
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.server import Sandbox
from tests.integration.sandbox.conftest import People


async def post(sandbox: Sandbox, text: str, **more: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {sandbox.bot_token}"}
    async with httpx.AsyncClient(base_url=sandbox.api_url, headers=headers, trust_env=False, timeout=0.5) as http:
        return await http.post("chat.postMessage", json={"channel": "general", "text": text, **more})


async def test_429_strikes_only_its_method_and_channel_and_so_often(people: People, web: AsyncWebClient) -> None:
    await people("fault", kind="ratelimited", method="chat.postMessage", channel="general", times=2, retry_after=7)
    await web.auth_test()
    await web.chat_postMessage(channel="support-bot", text="elsewhere")
    for _ in range(2):
        with pytest.raises(SlackApiError) as refused:
            await web.chat_postMessage(channel="general", text="x")
        assert (refused.value.response.status_code, refused.value.response.headers["Retry-After"]) == (429, "7")
    await web.chat_postMessage(channel="general", text="through")
    assert await people.texts("general") == ["through"]
    assert (await people.see("faults"))["faults"] == []


async def test_500_does_nothing_and_accepted_500_does_it_all_the_same(people: People, sandbox: Sandbox) -> None:
    await people("fault", kind="error500", method="chat.postMessage")
    await people("fault", kind="accepted_500", method="chat.postMessage")
    assert (await post(sandbox, "lost")).status_code == 500
    assert (await post(sandbox, "kept")).status_code == 500
    assert await people.texts("general") == ["kept"]
    calls = (await people.see("calls", method="chat.postMessage"))["calls"]
    assert [(call["status"], bool(call["response"])) for call in calls] == [(500, False), (500, True)]


async def test_a_hanging_call_answers_nothing_and_a_slow_one_late(people: People, sandbox: Sandbox) -> None:
    await people("fault", kind="hang", method="chat.postMessage")
    await people("fault", kind="slow", method="chat.postMessage", seconds=0.2)
    with pytest.raises(httpx.ReadTimeout):
        await post(sandbox, "never")
    started = time.monotonic()
    assert (await post(sandbox, "late")).json()["ok"]
    assert time.monotonic() - started >= 0.2
    assert await people.texts("general") == ["late"]


async def test_a_dropped_connection_leaves_the_message_posted(people: People, sandbox: Sandbox) -> None:
    await people("fault", kind="drop", method="chat.postMessage")
    with pytest.raises(httpx.TransportError):
        await post(sandbox, "posted")
    assert await people.texts("general") == ["posted"]


async def test_a_fault_gives_any_error_code_until_it_is_switched_off(people: People, sandbox: Sandbox) -> None:
    await people("fault", kind="error", error="internal_error", times=None)
    for _ in range(3):
        assert (await post(sandbox, "x")).json() == {"ok": False, "error": "internal_error"}
    await people("fault", kind="off")
    assert (await post(sandbox, "x")).json()["ok"]


async def test_an_unknown_fault_is_refused_with_the_known_ones(people: People) -> None:
    assert "ratelimited" in await people.refused("fault", kind="earthquake")


async def test_a_hang_ends_with_the_workspace() -> None:
    async with Sandbox() as sandbox:
        async with httpx.AsyncClient(base_url=sandbox.control_url, trust_env=False) as http:
            await http.post("/fault", json={"kind": "hang"})
        hanging = asyncio.create_task(post(sandbox, "x"))
        await asyncio.sleep(0.1)
    with pytest.raises(httpx.HTTPError):
        await hanging
