"""From a click until Slack has its acknowledgement, and until the switchboard serves the new value, under polling."""

import asyncio
import os
import tempfile
import time
from pathlib import Path

import httpx

from benchmarks._report import percentile, say
from benchmarks.start import catalog as with_watches
from tests.acceptance.desk import Desk, Json, a_desk, buttons, eventually, text_of

WATCHES = 1000
CLICKS = 400 if os.environ.get("FULL") else 150


def catalog() -> str:
    """As many systems as clicks, so that each click acknowledges an incident of its own, and the watches."""
    systems = "".join(
        f"  system-{number:03}: {{{{owner: maria, channel: support-bot, depends_on: [northwind]}}}}\n"
        for number in range(CLICKS)
    )
    return with_watches(WATCHES).replace("watches:\n", f"{systems}watches:\n", 1)


async def acknowledgement_times(desk: Desk) -> list[float]:
    """Milliseconds of a click on each of the open incidents."""

    async def opened() -> list[Json]:
        roots = [m for m in await desk.workspace.of_bot("support-bot") if "acknowledge" in buttons(m)]
        return roots if len(roots) >= CLICKS else []

    times = []
    for root in await eventually(opened, within=60, every=1):
        started = time.perf_counter()
        answer = await desk.click("maria", root, "acknowledge")
        times.append((time.perf_counter() - started) * 1000)
        assert answer["acknowledged"], answer
        await asyncio.sleep(0.02)
    return times


async def acknowledgements(desk: Desk) -> None:
    times = await acknowledgement_times(desk)
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
        url = f"sqlite:///{folder}/badday.db"
        async with a_desk(Path(folder), url, catalog=catalog(), rate_limit=False, hold=600) as desk:
            await desk.start(env={"BADDAY_SLACK_PACE": "off"})
            desk.page.status = "major_outage"
            await floor(desk)
            await acknowledgements(desk)
            await evaluations(desk)
    await switches()


if __name__ == "__main__":
    asyncio.run(main())
