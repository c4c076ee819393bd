"""How long `badday run` takes to be ready and how much memory it holds, with 20 watches; how soon the demo shows."""

import asyncio
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx

from benchmarks._report import percentile, say
from tests.acceptance.desk import CATALOG, a_desk, eventually, free_port

WATCHES = 20
ROUNDS = 5
IMPORTS = "import bot.app, bot.slack.face, uvicorn.protocols.http.httptools_impl"


def catalog(watches: int) -> str:
    extra = "".join(
        f'  more.{number}: {{{{page: "{{page}}/{number}", provider: elsewhere, interval: 60s}}}}\n'
        for number in range(watches - 1)
    )
    return CATALOG.replace("  cirrus: {{}}\n", "  cirrus: {{}}\n  elsewhere: {{}}\n") + extra


def imported() -> float:
    """Seconds that Python and the libraries alone take: the floor."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", IMPORTS], check=True)
    return time.perf_counter() - started


def resident(pid: int) -> float:
    """MB that the process holds."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    raise LookupError(pid)


async def bot() -> None:
    floors, ready, memory = [], [], []
    for _ in range(ROUNDS):
        floors.append(await asyncio.to_thread(imported))
        with tempfile.TemporaryDirectory() as folder:
            url = f"sqlite:///{folder}/badday.db"
            async with a_desk(Path(folder), url, catalog=catalog(WATCHES)) as desk:
                started = time.perf_counter()
                process = await desk.start()
                ready.append(time.perf_counter() - started)
                await asyncio.sleep(3)
                memory.append(resident(process.process.pid))
    floor = percentile(floors, 0.5)
    say("process start to ready, median", percentile(ready, 0.5), "s")
    say("imports alone, median", floor, "s")
    say("ready after import, median", percentile(ready, 0.5) - floor, "s", "<= 2")
    say("ratio to the imports alone", percentile(ready, 0.5) / floor, "x")
    say(f"resident with {WATCHES} watches", max(memory), "MB", "<= 120")


async def demo() -> None:
    times = []
    for _ in range(3):
        port = free_port()
        started = time.perf_counter()
        command = [str(Path(sys.executable).with_name("badday")), "demo", "--port", str(port)]
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.DEVNULL)
        async with httpx.AsyncClient() as client:

            async def shown(client: httpx.AsyncClient = client, port: int = port) -> bool:
                try:
                    return (await client.get(f"http://127.0.0.1:{port}/")).status_code == 200
                except httpx.TransportError:
                    return False

            await eventually(shown, within=20, every=0.01)
        times.append(time.perf_counter() - started)
        process.terminate()
        await process.wait()
    say("badday demo shows its page after, median", percentile(times, 0.5), "s", "<= 3")


if __name__ == "__main__":
    asyncio.run(bot())
    asyncio.run(demo())
