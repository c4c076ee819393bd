"""The heartbeat says outside that all is well: never where it is not, and never at the auditor's cost."""

import subprocess
import sys

import pytest

from bot.auditor.heartbeat import Heartbeat
from bot.paging.courier import web_client
from tests.integration.auditor.conftest import SECRET, Desk

LOGGED = """
import asyncio, httpx
from pydantic import SecretStr
from bot import logs
from bot.auditor.heartbeat import Heartbeat

def answer(request):
    if "{how}" == "refused":
        raise httpx.ConnectError("cannot connect to " + str(request.url))
    return httpx.Response(int("{how}"))

async def beat():
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as web:
        await Heartbeat(SecretStr("https://hc.example/{secret}"), web).beat()

logs.configure()
asyncio.run(beat())
"""


async def test_it_is_pinged_at_each_look_that_finds_nothing(desk: Desk) -> None:
    for _ in range(3):
        assert await desk.looks() == []
    assert desk.service.pings == [f"GET /ping/{SECRET} HTTP/1.1"] * 3


async def test_it_is_not_pinged_while_something_is_stuck(desk: Desk) -> None:
    await desk.overdue("poll")
    await desk.looks()
    assert desk.service.pings == []


async def test_a_service_that_refuses_or_says_nothing_stops_nobody(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.auditor.heartbeat.WITHIN", 0.1)
    desk.service.status = "404 Not Found"
    assert await desk.looks() == []
    desk.service.silent = True
    assert await desk.looks() == []
    desk.service.status, desk.service.silent = "200 OK", False
    assert await desk.looks() == []
    assert len(desk.service.pings) == 3


async def test_without_an_address_nobody_is_pinged() -> None:
    async with web_client() as web:
        assert await Heartbeat(None, web).beat() is False


@pytest.mark.parametrize("how", ["200", "500", "refused"])
def test_its_address_is_in_no_log(how: str) -> None:
    run = subprocess.run(
        [sys.executable, "-c", LOGGED.format(how=how, secret=SECRET)], capture_output=True, text=True, check=True
    )
    assert ("heartbeat not taken" in run.stderr) == (how != "200")
    assert SECRET not in run.stderr + run.stdout
