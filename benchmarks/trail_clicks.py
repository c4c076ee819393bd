"""From a click until Slack has its acknowledgement while products report a thousand calls a second to the same bot."""

import asyncio
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from benchmarks._report import percentile, say
from benchmarks.click import CLICKS, acknowledgement_times, catalog
from tests.acceptance.desk import Bot, a_desk

CALLS = 1_000
"""A second."""


@asynccontextmanager
async def calls(bot: Bot, *, spans: int) -> AsyncIterator[None]:
    """The load, from a process of its own."""
    command = [sys.executable, "-m", "benchmarks._calls", str(bot.port), str(spans), str(CALLS / spans)]
    process = await asyncio.create_subprocess_exec(*command, stdin=subprocess.PIPE)
    await asyncio.sleep(4)  # the first body loads the libraries
    try:
        yield
    finally:
        assert process.returncode is None, "the load ended early"
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


async def main() -> None:
    for spans in (1, 100):
        with tempfile.TemporaryDirectory() as folder:
            url = f"sqlite:///{folder}/badday.db"
            async with a_desk(Path(folder), url, catalog=catalog(), rate_limit=False, hold=600) as desk:
                bot = await desk.start(env={"BADDAY_SLACK_PACE": "off"})
                desk.page.status = "major_outage"
                async with calls(bot, spans=spans):
                    times = await acknowledgement_times(desk)
        of = f"click to acknowledged under {CALLS:,} calls/s in bodies of {spans}"
        say(f"{of}, p50 of {CLICKS}", percentile(times, 0.5), "ms")
        say(f"{of}, p99", percentile(times, 0.99), "ms", "<= 200")


if __name__ == "__main__":
    asyncio.run(main())
