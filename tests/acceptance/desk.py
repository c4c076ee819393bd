"""The whole bot as its users meet it: real processes, the local workspace, and a status page that can turn bad."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.http.server import HttpServer
from bot.sandbox.server import Sandbox

Json = dict[str, Any]
T = TypeVar("T")

CATALOG = """\
badday: 1
people:
  maria: {{name: Maria Ortiz, email: maria@example.com}}
  sam: {{name: Sam Lee, email: sam@example.com}}
providers:
  northwind: {{status: "{page}"}}
  cirrus: {{}}
systems:
  support-bot:
    owner: maria
    deputies: [sam]
    channel: support-bot
    armed: true
    routes: {{chat: {{primary: northwind, standbys: [cirrus]}}}}
watches:
  status.northwind:
    page: "{page}"
    provider: northwind
    interval: 1s
    hysteresis: {{bad: 1, of: 1, good: 1}}
    hold: {hold}s
"""


async def eventually(look: Callable[[], Awaitable[T | None]], *, within: float = 10.0, every: float = 0.05) -> T:
    """What `look` gives once it is neither None nor false; AssertionError when that takes too long."""
    deadline = asyncio.get_running_loop().time() + within
    while True:
        found = await look()
        if found:
            return found
        assert asyncio.get_running_loop().time() < deadline, f"{look.__qualname__} saw nothing within {within} s"
        await asyncio.sleep(every)


class StatusPage:
    """A Statuspage v2 summary over loopback; `answer` replaces it by any other response."""

    def __init__(self) -> None:
        self.status = "operational"
        self.answer: Callable[[], Response | Awaitable[Response]] | None = None
        self.requests = 0
        self._server = HttpServer(Starlette(routes=[Route("/{path:path}", self._serve)]), host="127.0.0.1", port=0)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.port}"

    async def __aenter__(self) -> Self:
        await self._server.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._server.stop()

    async def _serve(self, request: Request) -> Response:
        self.requests += 1
        if self.answer is not None:
            given = self.answer()
            return given if isinstance(given, Response) else await given
        return Response(json.dumps(summary(self.status)), media_type="application/json")


def summary(status: str) -> Json:
    """A page with one component, in the shape of Statuspage's /api/v2/summary.json."""
    indicator = {"operational": "none", "major_outage": "critical", "partial_outage": "major"}.get(status, "minor")
    component = {"id": "k8w3r06qmzrp", "name": "API", "status": status, "group": False, "group_id": None}
    return {
        "page": {"id": "abcdefghijkl", "name": "Northwind AI", "url": "https://status.northwind.example"},
        "status": {"indicator": indicator, "description": "as the test says"},
        "components": [component],
        "incidents": [],
        "scheduled_maintenances": [],
    }


class Workspace:
    """The workspace as people see and use it, by its control API."""

    def __init__(self, sandbox: Sandbox, client: httpx.AsyncClient) -> None:
        self.sandbox = sandbox
        self._client = client

    async def do(self, gesture: str, **body: Any) -> Json:
        answer = await self._client.post(f"{self.sandbox.control_url}/{gesture}", json=body)
        result: Json = answer.json()
        assert result["ok"], result
        return result

    async def look(self, what: str, **query: Any) -> Any:
        answer = await self._client.get(f"{self.sandbox.control_url}/{what}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def messages(self, channel: str, *, user: str = "maria", thread_ts: str | None = None) -> list[Json]:
        query = {"channel": channel, "user": user} | ({"thread_ts": thread_ts} if thread_ts else {})
        found: list[Json] = (await self.look("messages", **query))["messages"]
        return found

    async def of_bot(self, channel: str, *, user: str = "maria") -> list[Json]:
        """The bot's messages at the top level of a channel, oldest first."""
        return [m for m in await self.messages(channel, user=user) if m.get("bot_id") and not _is_reply(m)]

    async def calls(self, method: str) -> list[Json]:
        journal: list[Json] | Json = await self.look("calls", method=method)
        return journal if isinstance(journal, list) else journal["calls"]


def _is_reply(message: Json) -> bool:
    return bool(message.get("thread_ts")) and message["thread_ts"] != message["ts"]


def text_of(message: Json) -> str:
    """Everything that the message says, text and blocks."""
    return json.dumps({key: message.get(key) for key in ("text", "blocks", "attachments")}, ensure_ascii=False)


def buttons(message: Json) -> dict[str, Json]:
    """The buttons of a message by action id (the first of each)."""
    found: dict[str, Json] = {}

    def walk(part: Any) -> None:
        if isinstance(part, dict):
            if part.get("type") == "button" and "action_id" in part:
                found.setdefault(part["action_id"].split(":")[0], part)
            for value in part.values():
                walk(value)
        elif isinstance(part, list):
            for value in part:
                walk(value)

    walk(message.get("blocks"))
    walk(message.get("attachments"))
    return found


@dataclass
class Bot:
    """One process of `badday run`."""

    process: asyncio.subprocess.Process
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def kill(self) -> None:
        """kill -9"""
        self.process.send_signal(signal.SIGKILL)

    async def killed(self) -> None:
        self.kill()
        await self.process.wait()

    async def stop(self) -> int:
        """SIGTERM; the exit status."""
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        return await asyncio.wait_for(self.process.wait(), 12)


@dataclass
class Desk:
    """A workspace, a status page, a database and as many bots as a test starts."""

    folder: Path
    database_url: str
    workspace: Workspace
    page: StatusPage
    client: httpx.AsyncClient
    bots: list[Bot] = field(default_factory=list)

    async def start(self, *, only: str | None = None, env: Mapping[str, str] | None = None) -> Bot:
        """Start a bot and wait until it is ready."""
        port = free_port()
        sandbox = self.workspace.sandbox
        settings = {
            "BADDAY_CONFIG": str(self.folder / "badday.yaml"),
            "DATABASE_URL": self.database_url,
            "BADDAY_HTTP": f"127.0.0.1:{port}",
            "SLACK_BOT_TOKEN": sandbox.bot_token,
            "SLACK_APP_TOKEN": sandbox.app_token,
            "SLACK_API_URL": sandbox.api_url,
            # The bot that is tested is the one that the tests import.
            **{name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ},
        }
        command = str(Path(sys.executable).with_name("badday"))
        arguments = ["run", *(["--only", only] if only else [])]
        log = (self.folder / f"bot-{port}.log").open("wb")
        process = await asyncio.create_subprocess_exec(
            command, *arguments, env=settings | dict(env or {}), cwd=self.folder, stdout=log, stderr=log
        )
        log.close()
        bot = Bot(process, port)
        self.bots.append(bot)
        await eventually(lambda: self._ready(bot), within=20)
        return bot

    async def _ready(self, bot: Bot) -> bool:
        assert bot.process.returncode is None, (self.folder / f"bot-{bot.port}.log").read_text()
        try:
            return (await self.client.get(f"{bot.url}/health/ready")).status_code == 200
        except httpx.TransportError:
            return False

    async def root(self, number: int = 0, *, within: float = 10.0) -> Json:
        """The root message of an incident in #support-bot."""

        async def look() -> Json | None:
            roots = await self.workspace.of_bot("support-bot")
            return roots[number] if len(roots) > number else None

        return await eventually(look, within=within)

    async def page_to(self, person: str = "maria", *, within: float = 10.0) -> Json:
        """The newest page in a person's direct messages."""

        async def look() -> Json | None:
            found = await self.workspace.of_bot("badday", user=person)
            return found[-1] if found else None

        return await eventually(look, within=within)

    async def thread_says(self, words: str, *, within: float = 10.0) -> Json:
        """The first reply in the incident's thread that says the words."""

        async def look() -> Json | None:
            root = await self.root()
            replies = await self.workspace.messages("support-bot", thread_ts=root["ts"])
            return next((m for m in replies if m["ts"] != root["ts"] and words.lower() in text_of(m).lower()), None)

        look.__qualname__ = f"looking for {words!r} in the thread"
        return await eventually(look, within=within)

    async def click(self, user: str, message: Json, action: str, *, channel: str = "support-bot") -> Json:
        """Click a button of a message as it was shown in `message`, also when it has changed since."""
        button = buttons(message)[action]
        return await self.workspace.do(
            "click",
            user=user,
            channel=channel,
            ts=message["ts"],
            action_id=button["action_id"],
            value=button.get("value"),
        )

    async def route(self, bot: Bot | None = None) -> str:
        """The value of route.chat as products get it."""
        answer = await self.client.post(
            f"{(bot or self.bots[-1]).url}/ofrep/v1/evaluate/flags/route.chat", json={"context": {}}
        )
        value: str = answer.json()["value"]
        return value


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@asynccontextmanager
async def a_desk(
    folder: Path, database_url: str, *, hold: int = 2, rate_limit: bool = True, catalog: str = CATALOG
) -> AsyncIterator[Desk]:
    """A desk without a bot yet; at the end everything is stopped."""
    async with (
        Sandbox(rate_limit=rate_limit) as sandbox,
        StatusPage() as page,
        httpx.AsyncClient(timeout=10) as client,
    ):
        (folder / "badday.yaml").write_text(catalog.format(page=page.url, hold=hold), encoding="utf-8")
        desk = Desk(folder, database_url, Workspace(sandbox, client), page, client)
        try:
            yield desk
        finally:
            for bot in desk.bots:
                if bot.process.returncode is None:
                    bot.kill()
                    await bot.process.wait()
