"""An unmodified Bolt app behind signed HTTP: the same gestures, retries, and the signature checked by Bolt itself."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import uvicorn
from slack_bolt.adapter.starlette.async_handler import AsyncSlackRequestHandler
from slack_bolt.async_app import AsyncApp
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.sandbox.server import Sandbox
from tests.integration.sandbox.conftest import People, until

Json = dict[str, Any]


class Quiet(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Desk:
    """The app's request URL, whose answers can be made to fail."""

    def __init__(self, app: AsyncApp) -> None:
        self._handler = AsyncSlackRequestHandler(app)
        self.retries: list[tuple[str, str]] = []
        self.failures: list[int] = []
        self.headers: dict[str, str] = {}

    async def answer(self, request: Request) -> Response:
        number = request.headers.get("x-slack-retry-num")
        if number is not None:
            self.retries.append((number, request.headers["x-slack-retry-reason"]))
        if self.failures:
            return Response("broken", self.failures.pop(0), headers=self.headers)
        return await self._handler.handle(request)


@pytest.fixture
async def desk(app: AsyncApp, sandbox: Sandbox, people: People) -> AsyncIterator[Desk]:
    found = Desk(app)
    listener = socket.create_server(("127.0.0.1", 0))
    routes = [Route("/slack/events", found.answer, methods=["POST"])]
    config = uvicorn.Config(Starlette(routes=routes), log_config=None, lifespan="off")
    server = Quiet(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    await until(lambda: server.started)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/slack/events"
    await people("fault", kind="transport", transport="http", url=url)
    yield found
    await people("fault", kind="transport", transport="socket")
    server.should_exit = True
    await serving


async def test_events_commands_and_clicks_arrive_signed(app: AsyncApp, desk: Desk, people: People) -> None:
    heard: list[str] = []

    @app.event("app_mention")
    async def mention(event: Json, say: Any) -> None:
        button = {"type": "button", "text": {"type": "plain_text", "text": "Go"}, "action_id": "go", "value": "v"}
        await say(text="here", blocks=[{"type": "actions", "elements": [button]}])

    @app.event("message")
    async def message() -> None:
        return

    @app.command("/badday")
    async def command(ack: Any, body: Json) -> None:
        await ack(f"you said {body['text']}")

    @app.action("go")
    async def clicked(ack: Any, body: Json) -> None:
        await ack()
        heard.append(body["user"]["username"])

    await people("message", user="maria", channel="general", text="@badday hello")
    channel = people.sandbox.workspace.channel_named("general")
    assert channel is not None
    await until(lambda: len(channel.messages) == 2)
    ts = list(channel.messages)[-1]
    assert (await people("click", user="sam", channel="general", ts=ts, action_id="go"))["acknowledged"]
    answer = await people("command", user="maria", channel="general", command="/badday", text="who @sam")
    sam = people.sandbox.workspace.user_named("sam")
    assert sam is not None
    assert answer["response"] == {"text": f"you said who <@{sam.id}|sam>"}
    assert heard == ["sam"]


async def test_a_failed_event_is_tried_at_once_after_a_minute_and_after_five(
    app: AsyncApp, desk: Desk, people: People
) -> None:
    heard: list[str] = []

    @app.event("message")
    async def message(body: Json) -> None:
        heard.append(body["event_id"])

    desk.failures = [500, 503, 502]
    await people("message", user="maria", channel="general", text="x")
    await until(lambda: desk.retries == [("1", "http_error")])
    await asyncio.sleep(0.05)
    people.sandbox.clock.advance(60)
    await until(lambda: len(desk.retries) == 2)
    await asyncio.sleep(0.05)
    people.sandbox.clock.advance(300)
    await until(lambda: len(heard) == 1)
    assert [number for number, _ in desk.retries] == ["1", "2", "3"]


async def test_an_app_can_say_that_it_wants_no_retry(app: AsyncApp, desk: Desk, people: People) -> None:
    desk.failures, desk.headers = [500], {"X-Slack-No-Retry": "1"}
    await people("message", user="maria", channel="general", text="x")
    await people("settle")
    assert desk.retries == []


async def test_a_request_url_that_does_not_echo_the_challenge_is_not_taken(people: People) -> None:
    error = await people.refused("fault", kind="transport", transport="http", url="http://127.0.0.1:9/slack/events")
    assert "did not echo the challenge" in error
