"""The whole bot, a workspace, and calls over OTLP: failing ones page, good ones resolve, and silence is told."""

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from bot.app import Application
from bot.sandbox.clock import Clock
from bot.settings import Settings
from tests.acceptance.desk import Desk, buttons, eventually, free_port, text_of

MINUTE = timedelta(minutes=1)
_numbers = itertools.count(1)


def span(at: datetime, *, status: int | None) -> dict[str, Any]:
    """A call as an instrumentation of the conventions sends it; `status` is that of a refusal."""
    number = next(_numbers)
    start = round(at.timestamp() * 1e9)
    attributes: dict[str, str] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "northwind",
        "gen_ai.request.model": "nw-large",
    }
    if status is None:
        attributes["gen_ai.response.id"] = f"chatcmpl-{number}"
    else:
        attributes["error.type"] = str(status)
    return {
        "traceId": f"{number:032x}",
        "spanId": f"{number:016x}",
        "name": "chat nw-large",
        "kind": 3,
        "startTimeUnixNano": str(start),
        "endTimeUnixNano": str(start + 200_000_000),
        "status": {"code": 2} if status is not None else {},
        "attributes": [{"key": key, "value": {"stringValue": value}} for key, value in attributes.items()],
    }


class Product:
    """A product that reports its calls, with times on the test's clock."""

    def __init__(self, url: str, client: httpx.AsyncClient) -> None:
        self._url, self._client = url, client

    async def reports(self, *spans: dict[str, Any]) -> None:
        resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "support-bot"}}]}
        scope = {"name": "opentelemetry.instrumentation.genai", "version": "1.0"}
        body = {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": scope, "spans": list(spans)}]}]}
        answer = await self._client.post(f"{self._url}/v1/traces", json=body)
        assert answer.status_code == 200, answer.text
        assert not answer.json().get("partialSuccess"), answer.text

    async def calls(self, until: datetime, *, minutes: int = 5, each: int = 20, failed: int = 0) -> None:
        """So many calls in each of the last minutes, the first `failed` of each refused as overloaded."""
        starts = [until.replace(second=1) - minute * MINUTE for minute in range(1, minutes + 1)]
        await self.reports(
            *(span(start, status=503 if number < failed else None) for start in starts for number in range(each))
        )


@asynccontextmanager
async def a_bot(desk: Desk, clock: Clock) -> AsyncIterator[Product]:
    """The bot in this process, so that its clock can be moved."""
    sandbox = desk.workspace.sandbox
    settings = Settings(
        config=desk.folder / "badday.yaml",
        database_url=desk.database_url,
        http_port=free_port(),
        slack_bot_token=SecretStr(sandbox.bot_token),
        slack_app_token=SecretStr(sandbox.app_token),
        slack_api_url=sandbox.api_url,
        slack_pace=None,
    )
    application = Application(settings, clock=clock.now)
    await application.start()
    try:
        yield Product(f"http://127.0.0.1:{application.http_port}", desk.client)
    finally:
        await application.stop()


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def test_failing_calls_page_the_owner_and_good_ones_resolve_the_incident(desk: Desk, clock: Clock) -> None:
    async with a_bot(desk, clock) as product:
        await product.calls(clock.now(), failed=6)
        page = await desk.page_to("maria", within=20)
        assert "30 % of calls on route chat fail (northwind: overloaded 30 of 100 in 5 min)" in text_of(page)
        root = await desk.root()
        await desk.click("maria", root, "acknowledge")

        async def offered() -> bool:
            replies = await desk.workspace.messages("support-bot", thread_ts=root["ts"])
            return any("run_step" in buttons(reply) and "cirrus" in text_of(reply) for reply in replies)

        await eventually(offered)

        clock.advance(6 * 60)
        await product.calls(clock.now())
        clock.advance(11)  # to its next look
        await desk.thread_says("recovered", within=20)
        for _ in range(6):
            clock.advance(60)
            await product.calls(clock.now(), minutes=1)

        async def resolved() -> bool:
            return "resolved" in text_of(await desk.root()).lower()

        await eventually(resolved, within=20)
        assert len(await desk.workspace.of_bot("badday")) == 1, "one page"


async def test_silence_is_told_to_the_owner_and_is_never_green(desk: Desk, clock: Clock) -> None:
    async with a_bot(desk, clock) as product:
        await product.calls(clock.now(), minutes=60 * 8, each=1)
        clock.advance(31 * 60)
        told = await desk.page_to("maria", within=20)
        assert "no calls arrive since" in text_of(told)
        assert "acknowledge" not in buttons(told), "it pages nobody"
        assert "no calls arrive since" in text_of(await desk.root())

        await desk.workspace.do("command", user="maria", channel="support-bot", command="/badday", text="status")

        async def answered() -> str | None:
            seen = await desk.workspace.messages("support-bot", user="maria")
            return next((text_of(m) for m in seen if m.get("is_ephemeral") and "Watches" in text_of(m)), None)

        status = await eventually(answered)
        assert "✖ *support-bot* *no calls since" in status
        assert "No calls arrive from support-bot." in status

        await product.calls(clock.now(), minutes=1, each=1)
        clock.advance(11)  # to its next look
        await desk.thread_says("arrive again", within=20)
