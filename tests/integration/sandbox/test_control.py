"""What the page and scripts rely on: state, messages, the live stream, uploads, the clock, the command."""

import asyncio
import json
import os
import signal
import sys
from typing import Any

import httpx
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.server import Sandbox
from tests.integration.sandbox.conftest import People, until

Json = dict[str, Any]


async def test_the_state_has_what_the_page_draws(people: People) -> None:
    state = await people.see("state", user="maria")
    assert state["me"]["email"] == "maria@example.com"
    kinds = {channel["name"]: channel["kind"] for channel in state["channels"]}
    assert kinds["support-bot"] == "channel"
    direct = next(channel for channel in state["channels"] if channel["kind"] == "dm")
    assert direct["other"] == state["app"]["bot_user_id"]
    assert {command["command"] for command in state["commands"]} == {"/badday", "/triage"}
    assert state["app"]["connected"] is False


async def test_unread_counts_what_others_wrote_since_one_last_read(people: People) -> None:
    async def unread() -> int:
        channels = (await people.see("state", user="maria"))["channels"]
        return next(int(channel["unread"]) for channel in channels if channel["name"] == "general")

    await people("message", user="sam", channel="general", text="one")
    await people("message", user="ana", channel="general", text="two")
    assert await unread() == 2
    await people("read", user="maria", channel="general")
    assert await unread() == 0


async def test_people_edit_and_delete_their_own_messages_and_no_others(people: People) -> None:
    ts = (await people("message", user="sam", channel="general", text="one"))["ts"]
    await people("edit", user="sam", channel="general", ts=ts, text="two")
    assert await people.texts("general") == ["two"]
    assert "only their own" in await people.refused("delete", user="maria", channel="general", ts=ts)
    await people("delete", user="sam", channel="general", ts=ts)
    assert await people.texts("general") == []


async def test_a_wrong_request_says_what_is_wrong_and_what_there_is(people: People) -> None:
    assert "there are: maria" in await people.refused("message", user="nobody", channel="general", text="x")
    assert "the channels are: general" in await people.refused("message", user="sam", channel="nowhere", text="x")
    assert "text is empty" in await people.refused("message", user="sam", channel="general", text=" ")
    assert "no element 'go'" in await click_on_text(people)
    broken = await people._http.post("/message", content=b"{")
    assert "not JSON" in broken.json()["error"]


@pytest.mark.parametrize(
    ("gesture", "body", "reason"),
    [
        ("upload", {"channel": "general", "files": 5}, "files is a list"),
        ("upload", {"channel": "general", "files": "shot.png"}, "files is a list"),
        ("upload", {"channel": "general", "file": {"name": "a.txt"}}, "name, content_base64"),
        ("upload", {"channel": "general", "file": {"name": "a.txt", "content_base64": 5}}, "name, content_base64"),
        ("presence", {"dnd_minutes": "soon"}, "is not a number"),
        ("clock", {"advance": 1e300}, "beyond the calendar"),
        ("fault", {"kind": "ratelimited", "times": 10**400}, "is not a number"),
        ("submit", {}, "no modal open"),
        ("command", {"channel": "general", "text": "status"}, "command is missing"),
    ],
)
async def test_a_value_of_the_wrong_kind_is_refused_in_one_sentence(
    people: People, gesture: str, body: Json, reason: str
) -> None:
    assert reason in await people.refused(gesture, user="maria", **body)


async def test_a_number_that_is_none_is_refused(people: People) -> None:
    answer = await people._http.post("/fault", content=b'{"kind": "slow", "seconds": Infinity}')
    assert answer.status_code == 400
    assert "is not a number" in answer.json()["error"]


async def test_half_a_character_does_not_make_a_channel_unreadable(people: People) -> None:
    await people._http.post("/message", content=rb'{"user": "sam", "channel": "general", "text": "a \ud83d b"}')
    assert await people.texts("general") == ["a ? b"]


async def test_a_command_may_be_given_as_it_is_typed(people: People) -> None:
    answer = await people("command", user="maria@example.com", channel="general", text="/nope all of it")
    assert "/nope is not a command of the app" in answer["error"]


async def click_on_text(people: People) -> str:
    ts = (await people("message", user="sam", channel="general", text="x"))["ts"]
    return await people.refused("click", user="sam", channel="general", ts=ts, action_id="go")


async def events(sandbox: Sandbox, count: int, last: str | None = None, user: str = "maria") -> list[tuple[str, Json]]:
    """The next events of the live stream with their ids."""
    found: list[tuple[str, Json]] = []
    headers = {"Last-Event-ID": last} if last else {}
    address = f"{sandbox.control_url}/live?user={user}"
    async with (
        httpx.AsyncClient(trust_env=False, timeout=5) as http,
        http.stream("GET", address, headers=headers) as response,
    ):
        number, kind = "", ""
        async for line in response.aiter_lines():
            name, _, value = line.partition(": ")
            if name == "id":
                number = value
            elif name == "event":
                kind = value
            elif name == "data":
                found.append((number, {"event": kind, **json.loads(value)}))
            if len(found) == count:
                return found
    return found


async def test_the_live_stream_tells_what_happens_and_resumes_where_it_broke(
    people: People, web: AsyncWebClient, sandbox: Sandbox
) -> None:
    listening = asyncio.create_task(events(sandbox, 2))
    await until(lambda: sandbox.parts.live.listeners)
    await people("message", user="sam", channel="general", text="one")
    await people("message", user="ana", channel="lee", text="private")
    await web.chat_postMessage(channel="general", text="two")
    heard = await listening
    assert [event["message"]["text"] for _, event in heard] == ["one", "two"]
    resumed = await events(sandbox, 1, last=heard[0][0])
    assert resumed == heard[1:]


async def test_an_upload_by_multipart_becomes_a_message_with_files(people: People, sandbox: Sandbox) -> None:
    async with httpx.AsyncClient(base_url=sandbox.control_url, trust_env=False) as http:
        parts = [("file", ("shot.png", b"\x89PNG", "image/png")), ("file", ("log.txt", b"hi", "text/plain"))]
        form = {"user": "maria", "channel": "support-bot", "text": "look"}
        answer = (await http.post("/upload", data=form, files=parts)).json()
        shown = await http.get(f"/files/{answer['files'][0]['id']}")
    assert shown.content == b"\x89PNG"
    message = (await people.see("messages", channel="support-bot"))["messages"][-1]
    assert [file["name"] for file in message["files"]] == ["shot.png", "log.txt"]


async def test_the_clock_is_set_and_moved_and_stamps_the_messages(people: People) -> None:
    await people("clock", set="2026-03-02T09:00:00Z")
    ts = (await people("message", user="sam", channel="general", text="x"))["ts"]
    assert ts.startswith("17724420")
    moved = await people("clock", advance=3600)
    assert moved["now"].startswith("2026-03-02T10:00")


async def test_the_panel_and_mounted_applications_are_served() -> None:
    async def hello(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"a world"})

    sandbox = Sandbox()
    sandbox.mount("/world", hello)
    sandbox.panel = "/world/panel.js"
    async with sandbox, httpx.AsyncClient(base_url=sandbox.page, trust_env=False) as http:
        assert (await http.get("/world/panel.js")).text == "a world"
        assert (await http.get("/page/panel.json")).json()["script"] == "/world/panel.js"


async def test_the_command_prints_where_it_is_and_ends_on_sigterm() -> None:
    code = "import sys; from bot.sandbox.command import run; sys.exit(run(as_json=True))"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    facts = json.loads(await process.stdout.readline())
    assert set(facts) == {"api_url", "bot_token", "app_token", "signing_secret", "page", "control_url"}
    web = AsyncWebClient(token=facts["bot_token"], base_url=facts["api_url"])
    assert (await web.auth_test())["ok"]
    os.kill(process.pid, signal.SIGTERM)
    assert await asyncio.wait_for(process.wait(), 5) == 0


async def test_pages_of_other_sites_may_not_act_here(people: People) -> None:
    body = json.dumps({"user": "maria", "channel": "general", "text": "x"})
    foreign = await people._http.post("/message", content=body, headers={"Origin": "https://evil.example"})
    rebound = await people._http.get("/state", headers={"Host": "evil.example"})
    own = await people._http.post("/message", content=body, headers={"Origin": people.sandbox.base_url})
    assert [foreign.status_code, rebound.status_code, own.status_code] == [403, 400, 200]


async def test_a_workspace_with_a_request_url_delivers_there_from_the_start() -> None:
    sandbox = Sandbox(request_url="http://127.0.0.1:9/slack/events")
    async with sandbox, httpx.AsyncClient(trust_env=False) as http:
        body = {"user": "maria", "channel": "general", "command": "/badday"}
        answer = (await http.post(f"{sandbox.control_url}/command", json=body)).json()
    assert answer["error"] == "dispatch_failed"
