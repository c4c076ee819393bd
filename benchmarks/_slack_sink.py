"""A Slack that takes everything at once and remembers when which alert was first told: our Web API and a webhook."""

import asyncio
import re
import time
from collections.abc import Collection
from types import TracebackType
from typing import Self
from urllib.parse import unquote_plus

from aiohttp import web

NAME = re.compile(r"Bench(\w+?)x(\d+)x")
"""`Bench<run>x<n>x`, the alertname, stands in whatever is sent about an alert."""
_ANSWERS = {
    "auth.test": {"url": "https://bench.slack.com/", "team_id": "T1", "user_id": "U1", "bot_id": "B1"},
    "users.lookupByEmail": {"user": {"id": "U2", "name": "maria", "profile": {"email": "maria@example.com"}}},
    "users.info": {"user": {"id": "U2", "name": "maria", "profile": {"email": "maria@example.com"}}},
    "conversations.open": {"channel": {"id": "D2"}},
    "dnd.info": {"dnd_enabled": False},
}


def alertname(run: str, number: int) -> str:
    """The name of an alert of a run, which the sink finds again."""
    return f"Bench{run}x{number}x"


class SlackSink:
    """Listens on a free port; `seen` is when (perf_counter) the first request that names an alert came in."""

    def __init__(self) -> None:
        self.seen: dict[str, dict[int, float]] = {}
        self.posts: list[str] = []
        """The channels of chat.postMessage, and `hook` for each webhook."""
        self._came = asyncio.Event()
        self._ts = 0
        app = web.Application(client_max_size=8 * 1024 * 1024)
        app.router.add_route("*", "/api/{method}", self._api)
        app.router.add_post("/hook", self._hook)
        self._runner = web.AppRunner(app, access_log=None)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, backlog=4096)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()

    async def told(self, run: str, numbers: Collection[int]) -> None:
        """Wait until requests have named all of these alerts of a run."""
        while not self.seen.get(run, {}).keys() >= set(numbers):
            self._came.clear()
            await self._came.wait()

    def _note(self, body: bytes, at: float) -> str:
        text = body.decode()
        for run, number in NAME.findall(text):
            self.seen.setdefault(run, {}).setdefault(int(number), at)
        self._came.set()
        return text

    async def _hook(self, request: web.Request) -> web.Response:
        at = time.perf_counter()
        self._note(await request.read(), at)
        self.posts.append("hook")
        return web.Response(text="ok")

    async def _api(self, request: web.Request) -> web.Response:
        at = time.perf_counter()
        method = request.match_info["method"]
        text = self._note(await request.read(), at)
        if method not in ("chat.postMessage", "chat.update"):
            return web.json_response({"ok": True} | _ANSWERS.get(method, {}))
        if method == "chat.postMessage":
            self.posts.append(_channel(text))
        self._ts += 1
        return web.json_response({"ok": True, "channel": "C1", "ts": f"{int(time.time())}.{self._ts:06}"})


def _channel(text: str) -> str:
    found = re.search(r'"channel": ?"([^"]*)"', text) or re.search(r"(?:^|&)channel=([^&]*)", text)
    return unquote_plus(found.group(1)) if found else ""


def latencies(sink: SlackSink, run: str, started: dict[int, float]) -> list[float]:
    """Seconds from the start of each alert's post to the first request that names it."""
    seen = sink.seen.get(run, {})
    return [seen[number] - at for number, at in started.items() if number in seen]
