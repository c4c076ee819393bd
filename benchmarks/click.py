"""From a click until Slack has its acknowledgement, and until the switchboard serves the new value, under polling."""

import asyncio
import os
import tempfile
import time
from pathlib import Path

import httpx

from benchmarks._report import percentile, say
from benchmarks.start import catalog
from tests.acceptance.desk import Desk, a_desk, buttons, eventually, text_of

WATCHES = 1000
CLICKS = 400 if os.environ.get("FULL") else 150


async def acknowledgements(desk: Desk) -> None:
    """The link of a page stays when the page is edited, so it can be clicked again and again."""
    await desk.click("maria", await desk.root(within=30), "acknowledge")

    async def linked() -> dict[str, object] | None:
        page = await desk.page_to("maria")
        return page if "open_link" in buttons(page) else None

    page = await eventually(linked)
    times = []
    for _ in range(CLICKS):
        started = time.perf_counter()
        answer = await desk.click("maria", page, "open_link", channel="badday")
        times.append((time.perf_counter() - started) * 1000)
        assert answer["acknowledged"], answer
        await asyncio.sleep(0.01)
    say(f"click to acknowledged while {WATCHES} watches are polled, p50", percentile(times, 0.5), "ms")
    say(f"click to acknowledged while {WATCHES} watches are polled, p99", percentile(times, 0.99), "ms", "<= 200")


async def floor(desk: Desk) -> None:
    times = []
    for _ in range(CLICKS):
        started = time.perf_counter()
        await desk.workspace.look("state", user="maria")
        times.append((time.perf_counter() - started) * 1000)
    say("a request to the workspace alone, p99 (floor)", percentile(times, 0.99), "ms")


async def switches() -> None:
    times = []
    rounds = 20 if os.environ.get("FULL") else 8
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            async with a_desk(Path(folder), f"sqlite:///{folder}/badday.db", rate_limit=False) as desk:
                await desk.start(env={"BADDAY_SLACK_PACE": "off"})
                desk.page.status = "major_outage"
                root = await desk.root()

                async def step(desk: Desk = desk, root: dict[str, str] = root) -> dict[str, object] | None:
                    replies = await desk.workspace.messages("support-bot", thread_ts=root["ts"])
                    return next((m for m in replies if "run_step" in buttons(m) and "cirrus" in text_of(m)), None)

                offered = await eventually(step)
                started = time.perf_counter()
                await desk.click("maria", offered, "run_step")
                while await desk.route() != "cirrus":  # noqa: ASYNC110 - it changes in another process
                    await asyncio.sleep(0.002)
                times.append((time.perf_counter() - started) * 1000)
    say("click to the switchboard serving the new value, p50", percentile(times, 0.5), "ms")
    say("click to the switchboard serving the new value, p95", percentile(times, 0.95), "ms", "<= 300")


async def evaluations(desk: Desk) -> None:
    url = f"{desk.bots[-1].url}/ofrep/v1/evaluate/flags/route.chat"
    times = []
    async with httpx.AsyncClient() as client:
        for _ in range(CLICKS):
            started = time.perf_counter()
            await client.post(url, json={"context": {}})
            times.append((time.perf_counter() - started) * 1000)
    say("one evaluation over HTTP, p95", percentile(times, 0.95), "ms")


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        many = catalog(WATCHES)
        async with a_desk(Path(folder), f"sqlite:///{folder}/badday.db", catalog=many) as desk:
            await desk.start()
            desk.page.status = "major_outage"
            await floor(desk)
            await acknowledgements(desk)
            await evaluations(desk)
    await switches()


if __name__ == "__main__":
    asyncio.run(main())
