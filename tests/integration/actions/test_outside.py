"""Actions that reach outside: evals by their command, GitHub in its real shapes, one request to an allowed host."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from bot.actions.contract import ActionError, UncertainError
from bot.actions.registry import packaged
from bot.catalog.models import Tickets
from bot.http.server import HttpServer
from bot.store import outbox
from tests.integration.actions.conftest import Stage


@dataclass
class Outside:
    """GitHub's issues, and a hook that repeats what it was sent."""

    issues: list[dict[str, Any]] = field(default_factory=list)
    seen: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    port: int = 0

    async def take(self, request: Request) -> Response:
        body = await request.body()
        self.seen.append((request.method, dict(request.headers), body))
        if request.headers.get("authorization") != "Bearer ghp_secret":
            return JSONResponse({"message": "Bad credentials"}, status_code=401)
        if request.method == "GET":
            return JSONResponse(self.issues)
        number = len(self.issues) + 1
        issue = {**(await request.json()), "number": number, "html_url": f"https://github.com/acme/bot/issues/{number}"}
        self.issues.insert(0, issue)
        return JSONResponse(issue, status_code=201)

    async def hook(self, request: Request) -> Response:
        self.seen.append((request.method, dict(request.headers), await request.body()))
        status = int(request.query_params.get("status", "200"))
        return PlainTextResponse(f"you sent {request.headers.get('x-token')}", status_code=status)


@pytest.fixture
async def world() -> AsyncIterator[Outside]:
    world = Outside()
    routes = [
        Route("/repos/acme/bot/issues", world.take, methods=["GET", "POST"]),
        Route("/hook", world.hook, methods=["GET", "POST"]),
    ]
    async with HttpServer(Starlette(routes=routes), host="127.0.0.1", port=0) as server:
        world.port = server.port
        yield world


async def test_evals_that_pass(stage: Stage) -> None:
    said, reading = await stage.run("evals.run", suite="good")
    assert (said, reading["exit_status"]) == ("Run evals good", 0)


@pytest.mark.parametrize(
    ("suite", "message"),
    [
        ("bad", "evals bad ended with status 3"),
        ("slow", "evals slow did not end within 1 s"),
        ("missing", "no-such-program cannot be run in"),
        ("other", "support-bot has no evals 'other'; it has: good, bad, slow, missing, told"),
    ],
)
async def test_evals_that_do_not(stage: Stage, suite: str, message: str) -> None:
    with pytest.raises(ActionError, match=message):
        await stage.run("evals.run", suite=suite)


async def test_evals_get_the_variables_that_the_catalog_names_and_no_other(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BADDAY_API_TOKEN", "admin")
    assert (await stage.run("evals.run", suite="told"))[1]["exit_status"] == 0


async def test_cancelled_evals_leave_no_process(stage: Stage) -> None:
    running = asyncio.create_task(stage.run("evals.run", suite="slow"))
    await asyncio.sleep(0.3)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_an_issue_is_opened_once(stage: Stage, world: Outside) -> None:
    stage = stage.with_catalog(
        tickets=Tickets("acme/bot", "GITHUB_TOKEN", ("incident",), f"http://127.0.0.1:{world.port}")
    )
    said, reading = await stage.run("ticket.open", title="Prompt regressed", body="See the thread.")
    assert (said, reading["number"]) == ("Open an issue on GitHub: Prompt regressed", 1)
    said, reading = await stage.run("ticket.open", title="Prompt regressed", body="See the thread.")
    assert said == "Keep issue 1, which is open for this already: Prompt regressed"
    assert len(world.issues) == 1
    assert world.issues[0]["labels"] == ["incident"]


async def test_a_refusal_of_github_is_told(stage: Stage, world: Outside) -> None:
    tickets = Tickets("acme/bot", "SUITE_TOKEN", (), f"http://127.0.0.1:{world.port}")
    with pytest.raises(ActionError, match="GitHub's issues: answered 401") as caught:
        await stage.with_catalog(tickets=tickets).run("ticket.open", title="x")
    assert caught.value.permanent
    with pytest.raises(ActionError, match="NO_TOKEN is not set"):
        await stage.with_catalog(tickets=Tickets("acme/bot", "NO_TOKEN")).run("ticket.open", title="x")


async def test_one_request_to_an_allowed_host(stage: Stage, world: Outside) -> None:
    stage = stage.with_catalog(http_hosts=(f"127.0.0.1:{world.port}",))
    url = f"http://127.0.0.1:{world.port}/hook"
    said, reading = await stage.run(
        "http.request", url=url, body={"a": 1}, secret_headers={"X-Token": "HOOK_TOKEN"}, headers={"X-Plain": "p"}
    )
    assert said == "POST http://127.0.0.1/hook"
    assert reading == {"status": 200, "said": "you sent [secret]"}
    method, headers, body = world.seen[0]
    assert (method, headers["x-token"], headers["x-plain"], body) == ("POST", "h00k", "p", b'{"a": 1}')
    with pytest.raises(UncertainError, match="answered 500"):
        await stage.run("http.request", url=f"{url}?status=500")
    with pytest.raises(ActionError, match="answered 400") as caught:
        await stage.run("http.request", url=f"{url}?status=400")
    assert caught.value.permanent


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("https://evil.example.com/x", "evil.example.com is not allowed"),
        ("http://internal.test/x", "plain http is only for this machine"),
        ("ftp://internal.test/x", "is no address"),
        ("https://user:pass@internal.test/x", "is no address"),
        ("https://internal.test:99999/x", "is not an address"),
    ],
)
async def test_what_is_never_asked(stage: Stage, url: str, message: str) -> None:
    with pytest.raises(ActionError, match=message):
        await stage.with_catalog(http_hosts=("internal.test",)).run("http.request", url=url)


@pytest.mark.parametrize("address", ["10.0.0.7", "169.254.169.254", "192.168.1.1", "fd00::1", "100.64.0.1"])
async def test_a_public_name_that_leads_inside_is_refused(
    stage: Stage, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def getaddrinfo(*_: object, **__: object) -> list[Any]:
        return [(None, None, None, None, (address, 443))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
    with pytest.raises(ActionError, match="is an address of an internal network"):
        await stage.with_catalog(http_hosts=("hooks.example.com",)).run(
            "http.request", url="https://hooks.example.com/x"
        )


async def test_a_change_whose_answer_never_came_may_have_been_made(stage: Stage) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        stage = stage.with_catalog(http_hosts=(f"127.0.0.1:{port}", "127.0.0.1:1"))
        with pytest.raises(UncertainError, match="did not answer"):
            await stage.run("http.request", url=f"http://127.0.0.1:{port}/x")
        with pytest.raises(ActionError, match="did not answer"):
            await stage.run("http.request", url=f"http://127.0.0.1:{port}/x", method="GET")
        with pytest.raises(ActionError, match="did not answer: ConnectError"):
            await stage.run("http.request", url="http://127.0.0.1:1/x")


async def test_a_message_is_posted_once(stage: Stage) -> None:
    for _ in range(2):
        said, reading = await stage.run("message.post", text="<!channel> We are on it", channel="general")
        assert said == "Post in general: <!channel> We are on it"
        assert reading == {"state": "pending"}
    async with stage.context.reading() as session:
        messages = [one for one in (await session.execute(outbox_of())).scalars() if one.kind == "posted"]
    assert [(one.channel, one.subject["text"]) for one in messages] == [("general", "<!channel> We are on it")]


def outbox_of() -> Any:
    from sqlalchemy import select

    from bot.store.tables import OutboxMessage

    assert outbox.TOPIC
    return select(OutboxMessage)


async def test_waiting_takes_no_action() -> None:
    action = packaged()["wait"]
    wanted = action.With.model_validate({"for": "10m"})
    assert action.waits(wanted).total_seconds() == 600
