"""Providers, product and world over real loopback HTTP."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from bot.http.server import HttpServer
from bot.sandbox.demo.health import Event
from bot.sandbox.demo.providers import VENDORS, Provider
from bot.sandbox.demo.world import World


def now() -> datetime:
    return datetime.now(UTC)


@contextlib.asynccontextmanager
async def served(app: Starlette) -> AsyncIterator[str]:
    async with HttpServer(app, host="127.0.0.1", port=0) as server:
        yield f"http://127.0.0.1:{server.port}"


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
        yield client


async def until(condition: Callable[[], bool], seconds: float = 8) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  (another process changes it)
            await asyncio.sleep(0.02)


QUESTION = {"model": "default", "messages": [{"role": "user", "content": "How do I descale the kettle?"}]}


async def test_a_healthy_provider_answers_like_a_chat_completion(http: httpx.AsyncClient) -> None:
    async with served(Provider(VENDORS[0], now).app) as url:
        body = (await http.post(f"{url}/v1/chat/completions", json=QUESTION)).json()
    assert "vinegar" in body["choices"][0]["message"]["content"]
    assert body["usage"]["total_tokens"] == body["usage"]["prompt_tokens"] + body["usage"]["completion_tokens"]


async def test_a_failing_provider_answers_503_or_not_at_all(http: httpx.AsyncClient) -> None:
    provider = Provider(VENDORS[0], now)
    provider.apply(Event.FAIL)

    async def outcome(url: str) -> int | str:
        try:
            return (await http.post(f"{url}/v1/chat/completions", json=QUESTION, timeout=0.5)).status_code
        except httpx.TimeoutException:
            return "no answer"

    async with served(provider.app) as url:
        outcomes = set(await asyncio.gather(*(outcome(url) for _ in range(40))))
    assert outcomes == {503, "no answer"}


async def test_the_status_page_answers_304_until_it_changes(http: httpx.AsyncClient) -> None:
    provider = Provider(VENDORS[0], now)
    async with served(provider.app) as url:
        first = await http.get(f"{url}/api/v2/summary.json")
        again = await http.get(f"{url}/api/v2/summary.json", headers={"If-None-Match": first.headers["ETag"]})
        provider.apply(Event.FAIL)
        await asyncio.sleep(1.05)
        changed = await http.get(f"{url}/api/v2/summary.json", headers={"If-None-Match": first.headers["ETag"]})
        readable = await http.get(url)
    assert (first.status_code, again.status_code, changed.status_code) == (200, 304, 200)
    assert changed.json()["status"]["indicator"] == "critical"
    assert "Major Service Outage" in readable.text


async def test_a_switch_needs_json_a_known_provider_and_a_known_action(http: httpx.AsyncClient) -> None:
    world = World([Provider(VENDORS[0], now)], now)
    async with served(world.app) as url:
        as_text = await http.post(f"{url}/switch", content='{"provider": "northwind", "action": "fail"}')
        unknown = await http.post(f"{url}/switch", json={"provider": "nobody", "action": "fail"})
        wrong = await http.post(f"{url}/switch", json={"provider": "northwind", "action": "explode"})
        right = await http.post(f"{url}/switch", json={"provider": "northwind", "action": "fail"})
    assert (as_text.status_code, unknown.status_code, wrong.status_code) == (415, 404, 400)
    assert "there are northwind" in unknown.json()["error"]
    assert right.json() == {"ok": True, "changed": True, "health": "failing"}


async def test_the_live_stream_tells_a_switch_at_once(http: httpx.AsyncClient) -> None:
    provider = Provider(VENDORS[0], now)
    world = World([provider], now)
    async with served(world.app) as url, http.stream("GET", f"{url}/live") as stream:
        lines = aiter(stream.aiter_lines())
        async with asyncio.timeout(0.9):
            while '"health":"healthy"' not in await anext(lines):
                pass
            world.flip("northwind", Event.SLOW)
            while '"health":"slow"' not in await anext(lines):
                pass
        world.close()


def a_report(number: int, route: str) -> dict[str, Any]:
    return {
        "number": number,
        "provider": route,
        "question": "?",
        "shown": "!",
        "error": None,
        "latency_ms": 1,
        "route": route,
        "autoreply": True,
        "switchboard": "reachable",
    }


async def test_a_late_answer_does_not_turn_the_route_back(http: httpx.AsyncClient) -> None:
    told: list[str] = []
    world = World([Provider(vendor, now) for vendor in VENDORS], now, told=told.append)
    async with served(world.app) as url:
        for number, route in ((1, "northwind"), (3, "cirrus"), (2, "northwind")):
            await http.post(f"{url}/calls", json=a_report(number, route))
    assert world.view is not None
    assert world.view.route == "cirrus"
    assert told == ["The product now calls Cirrus AI"]


class Desk:
    """A switchboard and a world, with the real product asking them."""

    def __init__(self) -> None:
        self.flags: dict[str, str | bool] = {"route.chat": "northwind", "feature.autoreply": True}
        self.providers = [Provider(vendor, now) for vendor in VENDORS]
        self.world = World(self.providers, now)
        self.switchboard = Starlette(routes=[Route("/ofrep/v1/evaluate/flags", self._evaluate, methods=["POST"])])

    async def _evaluate(self, request: Request) -> Response:
        flags = [{"key": key, "value": value, "reason": "STATIC"} for key, value in self.flags.items()]
        return JSONResponse({"flags": flags, "metadata": {}})

    def seen(self) -> tuple[str, str]:
        view = self.world.view
        return (view.route, view.switchboard) if view else ("", "")


@contextlib.asynccontextmanager
async def a_product(
    switchboard: str, world: str, providers: list[str], *, reports_to: str = "http://127.0.0.1:1"
) -> AsyncIterator[asyncio.subprocess.Process]:
    named = [f"--provider={vendor.key}={url}" for vendor, url in zip(VENDORS, providers, strict=True)]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot.sandbox.demo.product",
        f"--switchboard={switchboard}",
        f"--world={world}/world",
        "--per-second=20",
        *named,
        env={**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": reports_to, "OTEL_BSP_SCHEDULE_DELAY": "100"},
        stdin=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            assert process.stdin is not None
            process.stdin.close()
        _, errors = await process.communicate()
        assert process.returncode == 0, errors.decode()
        assert not errors, errors.decode()


async def test_the_product_follows_the_switchboard_and_keeps_its_last_values_when_that_dies() -> None:
    desk = Desk()
    world = Starlette(routes=[Mount("/world", desk.world.app)])
    async with (
        served(world) as world_url,
        served(desk.providers[0].app) as first,
        served(desk.providers[1].app) as second,
    ):
        switchboard = HttpServer(desk.switchboard, host="127.0.0.1", port=0)
        await switchboard.start()
        async with a_product(f"http://127.0.0.1:{switchboard.port}", world_url, [first, second]):
            await until(lambda: desk.seen() == ("northwind", "reachable"))
            desk.flags["route.chat"] = "cirrus"
            await until(lambda: desk.seen() == ("cirrus", "reachable"))
            await switchboard.stop()
            await until(lambda: desk.seen() == ("cirrus", "unreachable"))
            served_before = sum(ok for ok, _ in desk.world.statistics.series("cirrus", now()))
            await until(lambda: sum(ok for ok, _ in desk.world.statistics.series("cirrus", now())) > served_before + 5)


async def test_the_product_hands_users_over_where_automatic_replies_are_off() -> None:
    desk = Desk()
    desk.flags["feature.autoreply"] = False
    world = Starlette(routes=[Mount("/world", desk.world.app)])
    async with (
        served(world) as world_url,
        served(desk.switchboard) as switchboard,
        a_product(switchboard, world_url, ["http://127.0.0.1:1", "http://127.0.0.1:1"]),
    ):
        await until(lambda: bool(desk.world.statistics.answers()))
    assert "A colleague" in desk.world.statistics.answers()[0]["shown"]


async def test_the_product_reports_its_calls_and_waits_for_nobody_who_takes_them() -> None:
    desk = Desk()
    reported: list[bytes] = []
    let_go = asyncio.Event()

    async def never_answers(request: Request) -> Response:
        reported.append(await request.body())
        await let_go.wait()
        return Response()

    world = Starlette(routes=[Mount("/world", desk.world.app)])
    async with (
        served(Starlette(routes=[Route("/v1/traces", never_answers, methods=["POST"])])) as trail,
        served(world) as world_url,
        served(desk.switchboard) as switchboard,
        served(desk.providers[0].app) as first,
    ):
        async with a_product(switchboard, world_url, [first, "http://127.0.0.1:1"], reports_to=trail):
            await until(lambda: bool(reported))
            answered = sum(ok for ok, _ in desk.world.statistics.series("northwind", now()))
            await until(lambda: sum(ok for ok, _ in desk.world.statistics.series("northwind", now())) > answered + 20)
        let_go.set()
    for told in (b"badday.provider", b"northwind", b"gen_ai.prompt.version", b"user.id", b"customer-"):
        assert told in reported[0]


async def test_the_product_ends_by_sigterm_too() -> None:
    desk = Desk()
    world = Starlette(routes=[Mount("/world", desk.world.app)])
    async with (
        served(world) as world_url,
        a_product("http://127.0.0.1:1", world_url, ["http://127.0.0.1:1"] * 2) as process,
    ):
        await until(lambda: desk.seen() == ("northwind", "unreachable"))
        process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.wait(), 3)
