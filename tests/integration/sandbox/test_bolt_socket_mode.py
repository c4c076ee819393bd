"""An unmodified Bolt app over Socket Mode: what people do reaches it, and its answers reach people."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.integration.sandbox.conftest import People, until

Json = dict[str, Any]
Connect = Callable[[AsyncApp], Any]


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def modal(callback_id: str = "report", **changes: Any) -> Json:
    text = {"type": "plain_text_input", "action_id": "what"}
    block = {"type": "input", "block_id": "what_block", "label": plain("What is wrong"), "element": text}
    shown = {"type": "modal", "callback_id": callback_id, "title": plain("Report"), "submit": plain("Send")}
    return {**shown, "blocks": [block], **changes}


BUTTON = {"type": "button", "text": plain("Acknowledge"), "action_id": "acknowledge", "value": "inc:1:v1"}
BUTTONS = [{"type": "actions", "elements": [BUTTON]}]


async def test_a_mention_comes_as_app_mention_and_as_message_with_one_ts(
    app: AsyncApp, connect: Connect, people: People
) -> None:
    heard: list[Json] = []

    @app.event("app_mention")
    async def mention(event: Json) -> None:
        heard.append(event)

    @app.event("message")
    async def message(event: Json) -> None:
        heard.append(event)

    await connect(app)
    posted = await people("message", user="maria", channel="general", text="@badday is <this> & that right?")
    await until(lambda: len(heard) == 2)
    assert {event["type"] for event in heard} == {"app_mention", "message"}
    assert {event["ts"] for event in heard} == {posted["ts"]}
    bot = people.sandbox.parts.app.user_id
    assert heard[0]["text"] == f"<@{bot}> is &lt;this&gt; &amp; that right?"


async def test_a_command_opens_a_modal_whose_errors_update_push_and_clear_all_work(
    app: AsyncApp, connect: Connect, people: People
) -> None:
    answers: list[Json] = [
        {"response_action": "errors", "errors": {"what_block": "Say more"}},
        {"response_action": "update", "view": modal("second")},
        {"response_action": "push", "view": modal("third")},
        {"response_action": "clear"},
    ]

    @app.command("/badday")
    async def command(ack: Any, body: Json, client: AsyncWebClient) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=modal())

    @app.view({"type": "view_submission", "callback_id": "report"})
    @app.view({"type": "view_submission", "callback_id": "second"})
    @app.view({"type": "view_submission", "callback_id": "third"})
    async def submitted(ack: Any) -> None:
        await ack(**answers.pop(0))

    await connect(app)
    await people("command", user="maria", channel="general", command="/badday", text="report")
    await until(lambda: people.sandbox.parts.views.stack(maria(people)))
    assert (await people("submit", user="maria", values={}))["errors"] == {
        "what_block": "Complete this required field."
    }
    assert (await people("submit", user="maria", values={"what": "x"}))["errors"] == {"what_block": "Say more"}
    assert (await people("submit", user="maria", values={}))["view"]["callback_id"] == "second"
    assert (await people("submit", user="maria", values={}))["response_action"] == "push"
    assert len((await people.see("views", user="maria"))["stack"]) == 2
    assert (await people("submit", user="maria", values={"what": "y"}))["response_action"] == "clear"
    assert (await people.see("views", user="maria"))["stack"] == []


async def test_a_click_can_answer_in_five_ways_through_its_response_url_and_no_sixth(
    app: AsyncApp, connect: Connect, people: People, web: AsyncWebClient
) -> None:
    results: list[int] = []

    @app.action("acknowledge")
    async def clicked(ack: Any, respond: Any, body: Json) -> None:
        await ack()
        assert body["actions"][0]["value"] == "inc:1:v1"
        answers = [await respond(text=f"answer {n}", replace_original=False) for n in range(6)]
        results.extend(answer.status_code for answer in answers)

    await connect(app)
    ts = (await web.chat_postMessage(channel="general", text="an incident", blocks=BUTTONS))["ts"]
    assert (await people("click", user="sam", channel="general", ts=ts, action_id="acknowledge"))["acknowledged"]
    await until(lambda: len(results) == 6)
    assert results == [200] * 5 + [404]
    assert await people.texts("general", user="maria") == ["an incident"]
    assert await people.texts("general", user="sam") == ["an incident", *(f"answer {n}" for n in range(5))]


async def test_a_response_url_replaces_and_deletes_the_original(
    app: AsyncApp, connect: Connect, people: People, web: AsyncWebClient
) -> None:
    @app.action("acknowledge")
    async def clicked(ack: Any, respond: Any) -> None:
        await ack()
        await respond(text="acknowledged", replace_original=True)
        await respond(delete_original=True)

    await connect(app)
    posted = await web.chat_postMessage(channel="general", text="an incident", blocks=BUTTONS)
    await people("click", user="sam", channel="general", ts=posted["ts"], action_id="acknowledge")
    channel = people.sandbox.workspace.channels[posted["channel"]]
    await until(lambda: posted["ts"] not in channel.messages)


async def test_a_trigger_lives_three_seconds_and_opens_one_modal(
    app: AsyncApp, connect: Connect, people: People, web: AsyncWebClient
) -> None:
    triggers: list[str] = []

    @app.shortcut("open_incident")
    async def started(ack: Any, body: Json) -> None:
        await ack()
        triggers.append(body["trigger_id"])

    await connect(app)
    for _ in range(2):
        await people("shortcut", user="maria", callback_id="open_incident")
    await web.views_open(trigger_id=triggers[0], view=modal())
    with pytest.raises(SlackApiError, match="exchanged_trigger_id"):
        await web.views_open(trigger_id=triggers[0], view=modal())
    people.sandbox.clock.advance(3.1)
    with pytest.raises(SlackApiError, match="expired_trigger_id"):
        await web.views_open(trigger_id=triggers[1], view=modal())


async def test_an_old_hash_is_refused_and_modals_stack_three_deep(
    app: AsyncApp, connect: Connect, people: People, web: AsyncWebClient
) -> None:
    triggers: list[str] = []
    more = {"type": "actions", "elements": [{"type": "button", "text": plain("More"), "action_id": "more"}]}

    @app.shortcut("open_incident")
    @app.action("more")
    async def started(ack: Any, body: Json) -> None:
        await ack()
        triggers.append(body["trigger_id"])

    await connect(app)
    await people("shortcut", user="maria", callback_id="open_incident")
    view = (await web.views_open(trigger_id=triggers.pop(), view=modal(blocks=[more])))["view"]
    await web.views_update(view_id=view["id"], hash=view["hash"], view=modal(blocks=[more]))
    with pytest.raises(SlackApiError, match="hash_conflict"):
        await web.views_update(view_id=view["id"], hash=view["hash"], view=modal(blocks=[more]))
    for _ in range(2):
        top = (await people.see("views", user="maria"))["stack"][-1]["id"]
        await people("click", user="maria", view=top, action_id="more")
        await web.views_push(trigger_id=triggers.pop(), view=modal(blocks=[more]))
    top = (await people.see("views", user="maria"))["stack"][-1]["id"]
    await people("click", user="maria", view=top, action_id="more")
    with pytest.raises(SlackApiError, match="push_limit_reached"):
        await web.views_push(trigger_id=triggers.pop(), view=modal(blocks=[more]))


async def test_a_message_shortcut_a_home_and_a_closed_modal_reach_the_app(
    app: AsyncApp, connect: Connect, people: People, web: AsyncWebClient
) -> None:
    heard: list[str] = []

    @app.shortcut("report_output")
    async def shortcut(ack: Any, body: Json, client: AsyncWebClient) -> None:
        await ack()
        heard.append(body["message"]["text"])
        await client.views_open(trigger_id=body["trigger_id"], view=modal(notify_on_close=True))

    @app.view_closed("report")
    async def closed(ack: Any) -> None:
        await ack()
        heard.append("closed")

    @app.event("app_home_opened")
    async def home(event: Json, client: AsyncWebClient) -> None:
        await client.views_publish(user_id=event["user"], view={"type": "home", "blocks": BUTTONS})

    @app.action("acknowledge")
    async def clicked(ack: Any, body: Json) -> None:
        await ack()
        heard.append(body["container"]["type"])

    await connect(app)
    posted = await people("message", user="sam", channel="general", text="a bad output")
    await people("shortcut", user="maria", callback_id="report_output", channel="general", ts=posted["ts"])
    await until(lambda: people.sandbox.parts.views.stack(maria(people)))
    await people("close", user="maria")
    await people("home", user="maria")
    await until(lambda: people.sandbox.parts.views.homes)
    await people("click", user="maria", view="home", action_id="acknowledge")
    await until(lambda: len(heard) == 3)
    assert heard == ["a bad output", "closed", "view"]


async def test_a_file_in_a_modal_reaches_the_app_with_its_address(
    app: AsyncApp, connect: Connect, people: People, web: AsyncWebClient
) -> None:
    names: list[str] = []
    files = {"type": "file_input", "action_id": "shots", "max_files": 2}
    block = {"type": "input", "block_id": "f", "label": plain("Screenshots"), "element": files}

    @app.shortcut("open_incident")
    async def started(ack: Any, body: Json, client: AsyncWebClient) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=modal(blocks=[block]))

    @app.view("report")
    async def submitted(ack: Any, view: Json) -> None:
        await ack()
        names.extend(file["name"] for file in view["state"]["values"]["f"]["shots"]["files"])

    await connect(app)
    await people("shortcut", user="maria", callback_id="open_incident")
    await until(lambda: people.sandbox.parts.views.stack(maria(people)))
    kept = await people("upload", user="maria", files=[{"name": "shot.png", "content_base64": "AAAA"}])
    await people("submit", user="maria", values={"shots": [kept["files"][0]["id"]]})
    await until(lambda: names == ["shot.png"])


async def test_a_command_that_nobody_acknowledges_tells_the_person_so(
    app: AsyncApp, connect: Connect, people: People
) -> None:
    assert (await people("command", user="maria", channel="general", command="/badday"))["error"] == "dispatch_failed"

    @app.command("/badday")
    async def silent() -> None:
        return

    await connect(app)
    waiting = asyncio.create_task(people("command", user="maria", channel="general", command="/badday"))
    await asyncio.sleep(0.1)
    people.sandbox.clock.advance(3)
    assert await waiting == {"ok": True, "acknowledged": False, "error": "operation_timeout"}
    seen = await people.texts("general", user="maria")
    assert seen[-1] == '/badday failed with the error "operation_timeout"'
    assert (
        "thread"
        in (await people("command", user="maria", channel="general", command="/badday", thread_ts="1"))["error"]
    )


async def test_each_payload_goes_to_one_of_several_connections_in_turn(
    app: AsyncApp, connect: Connect, people: People
) -> None:
    heard: list[str] = []

    @app.event("message")
    async def message(event: Json) -> None:
        heard.append(event["text"])

    for _ in range(3):
        await connect(app)
    for n in range(6):
        await people("message", user="maria", channel="general", text=str(n))
    await until(lambda: len(heard) >= 6)
    await people("settle")
    assert sorted(heard) == [str(n) for n in range(6)]


async def test_an_app_reconnects_after_a_refresh(app: AsyncApp, connect: Connect, people: People) -> None:
    heard: list[str] = []

    @app.event("message")
    async def message(event: Json) -> None:
        heard.append(event["text"])

    await connect(app)
    sockets = people.sandbox.parts.sockets
    first = sockets.connections[0]
    await people("fault", kind="refresh")
    await until(lambda: sockets.connected and first not in sockets.connections)
    await people("message", user="maria", channel="general", text="after the refresh")
    await until(lambda: heard == ["after the refresh"])


async def test_an_event_whose_acknowledgement_is_lost_comes_again_with_the_same_id(
    app: AsyncApp, connect: Connect, people: People
) -> None:
    heard: list[tuple[str, str]] = []

    @app.middleware
    async def note(req: Any, next: Any) -> None:  # noqa: A002
        heard.append((req.body["event_id"], req.headers.get("x-slack-retry-num", ["0"])[0]))
        await next()

    @app.event("message")
    async def message() -> None:
        return

    await connect(app)
    await people("fault", kind="drop_ack", method="message")
    await people("fault", kind="redeliver", method="message")
    await people("message", user="maria", channel="general", text="once")
    await until(lambda: len(heard) == 3)
    assert len({event_id for event_id, _ in heard}) == 1
    assert [attempt for _, attempt in heard] == ["0", "1", "2"]


def maria(people: People) -> str:
    user = people.sandbox.workspace.user_named("maria")
    assert user is not None
    return user.id


async def test_the_eleventh_connection_is_sent_away(web: AsyncWebClient, people: People) -> None:
    app_web = AsyncWebClient(token=people.sandbox.app_token, base_url=people.sandbox.api_url)
    async with aiohttp.ClientSession() as session:
        sockets = []
        for _ in range(11):
            url = (await app_web.apps_connections_open(app_token=people.sandbox.app_token))["url"]
            sockets.append(await session.ws_connect(url))
        first = [json.loads((await socket.receive()).data) for socket in sockets]
        for socket in sockets:
            await socket.close()
    assert [frame["type"] for frame in first] == ["hello"] * 10 + ["disconnect"]
    assert first[-1]["reason"] == "too_many_websockets"
    assert first[3]["num_connections"] == 4


async def test_a_ticket_opens_one_connection_only(people: People) -> None:
    app_web = AsyncWebClient(token=people.sandbox.app_token, base_url=people.sandbox.api_url)
    url = (await app_web.apps_connections_open(app_token=people.sandbox.app_token))["url"]
    async with aiohttp.ClientSession() as session:
        socket = await session.ws_connect(url)
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(url)
        await socket.close()


async def test_an_event_whose_connection_breaks_comes_again_on_another(people: People) -> None:
    app_web = AsyncWebClient(token=people.sandbox.app_token, base_url=people.sandbox.api_url)
    async with aiohttp.ClientSession() as session:
        sockets = []
        for _ in range(2):
            url = (await app_web.apps_connections_open(app_token=people.sandbox.app_token))["url"]
            sockets.append(await session.ws_connect(url))
            await sockets[-1].receive()
        await people("message", user="maria", channel="general", text="x")
        waiting = [asyncio.create_task(socket.receive()) for socket in sockets]
        done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        hit = waiting.index(next(iter(done)))
        await sockets[hit].close()
        again = json.loads((await waiting[1 - hit]).data)
        await sockets[1 - hit].close()
    first = json.loads(waiting[hit].result().data)
    assert again["payload"]["event_id"] == first["payload"]["event_id"]
    assert (first["retry_attempt"], again["retry_attempt"]) == (0, 1)


async def test_a_choice_in_a_message_arrives_as_the_whole_option_and_in_the_state(
    app: AsyncApp, connect: Connect, people: People, web: AsyncWebClient
) -> None:
    chosen: list[Json] = []
    options = [{"text": plain(text), "value": text} for text in ("15", "30")]
    select = {"type": "static_select", "action_id": "snooze", "options": options}

    @app.action("snooze")
    async def picked(ack: Any, body: Json) -> None:
        await ack()
        chosen.append(body)

    await connect(app)
    blocks = [{"type": "actions", "block_id": "a", "elements": [select]}]
    ts = (await web.chat_postMessage(channel="general", text="x", blocks=blocks))["ts"]
    await people("click", user="sam", channel="general", ts=ts, action_id="snooze", value="30")
    await until(lambda: chosen)
    assert chosen[0]["actions"][0]["selected_option"] == options[1]
    assert chosen[0]["state"]["values"]["a"]["snooze"]["selected_option"] == options[1]
    error = await people.refused("click", user="sam", channel="general", ts=ts, action_id="snooze", value="45")
    assert "there are: 15, 30" in error


async def test_with_two_connections_no_click_is_lost_while_each_is_refreshed(
    app: AsyncApp, connect: Connect, people: People, web: AsyncWebClient
) -> None:
    @app.action("acknowledge")
    async def clicked(ack: Any) -> None:
        await ack()

    for _ in range(2):
        await connect(app)
    ts = (await web.chat_postMessage(channel="general", text="x", blocks=BUTTONS))["ts"]
    sockets = people.sandbox.parts.sockets

    async def click() -> bool:
        answer = await people("click", user="sam", channel="general", ts=ts, action_id="acknowledge")
        return bool(answer["acknowledged"])

    answers: list[bool] = []
    for _ in range(4):
        oldest = sockets.connections[0]
        refreshing = asyncio.create_task(people("fault", kind="refresh", connections=1))
        answers += await asyncio.gather(*(click() for _ in range(10)))
        await refreshing
        await until(lambda gone=oldest: gone not in sockets.connections and len(sockets.connections) == 2)
    assert answers == [True] * 40
