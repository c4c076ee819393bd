"""From the moment a status page serves a bad status until the page and the thread are visible in the workspace."""

import asyncio
import os
import tempfile
import time
from pathlib import Path

from benchmarks._report import percentile, say
from tests.acceptance.desk import CATALOG, Desk, a_desk, eventually

INTERVAL = 1.0
ROUNDS = 40 if os.environ.get("FULL") else 12


async def once(desk: Desk, seen: int, phase: float) -> float:
    await asyncio.sleep(phase)
    desk.page.status = "major_outage"
    started = time.perf_counter()

    async def visible() -> bool:
        pages = await desk.workspace.of_bot("badday", user="maria")
        roots = await desk.workspace.of_bot("support-bot")
        return len(pages) > seen and bool(roots)

    await eventually(visible, within=30, every=0.02)
    return time.perf_counter() - started


async def measure(bad: int, of: int) -> None:
    times = []
    for number in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            catalog = CATALOG.replace("bad: 1, of: 1, good: 1", f"bad: {bad}, of: {of}, good: 1")
            async with a_desk(Path(folder), f"sqlite:///{folder}/badday.db", catalog=catalog) as desk:
                await desk.start()
                await eventually(lambda desk=desk: _polled(desk), within=10)  # type: ignore[misc]
                # Spread over the interval, so that the wait for the next poll is part of the figure.
                times.append(await once(desk, 0, INTERVAL * number / ROUNDS))
    bar = bad * INTERVAL + 1
    say(f"status change to page and thread, {bad} of {of}, p50", percentile(times, 0.5), "s")
    say(f"status change to page and thread, {bad} of {of}, p95", percentile(times, 0.95), "s", f"<= {bar:g}")


async def _polled(desk: Desk) -> bool:
    return desk.page.requests > 0


async def main() -> None:
    await measure(1, 1)
    await measure(2, 3)


if __name__ == "__main__":
    asyncio.run(main())
