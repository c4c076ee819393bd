"""Alerts posted until Slack is told, beside Alertmanager in the same run: latency, rate, groups, pace, duplicates."""

import asyncio
import contextlib
import sqlite3
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks import _intakes
from benchmarks._intakes import Intake, NotThereError
from benchmarks._report import percentile, say
from benchmarks._slack_sink import NAME, SlackSink, alertname, latencies
from tests.acceptance.desk import Desk, a_desk, text_of

ROUNDS = 3
SINGLES = 100
BURST = 1_000
CONNECTIONS = 8
GROUPS = 100
WINDOW = 60.0
Start = Callable[[SlackSink], AbstractAsyncContextManager[Intake]]
Alert = dict[str, Any]


@dataclass
class Figures:
    """What was measured of one of the two, over the rounds."""

    latency: list[float] = field(default_factory=list)
    singly: list[float] = field(default_factory=list)
    batched: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    lost: int = 0
    grouped: int = 0
    """Messages about a thousand alerts of ten groups."""


def alert(name: str, number: int) -> Alert:
    labels = {"alertname": name, "system": "support-bot", "n": str(number), "severity": "critical"}
    return {"labels": labels, "annotations": {"description": "as the benchmark says"}}


@asynccontextmanager
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    connector = aiohttp.TCPConnector(limit=CONNECTIONS)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=60)) as session:
        yield session


async def post(session: aiohttp.ClientSession, intake: Intake, alerts: Sequence[Alert]) -> int:
    async with session.post(f"{intake.url}/api/v2/alerts", json=list(alerts)) as answer:
        await answer.read()
        return answer.status


async def shown(sink: SlackSink, run: str, numbers: Collection[int], *, within: float = 60.0) -> None:
    """Wait until these alerts of a run were told, or for as long as that may take."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(sink.told(run, numbers), within)


async def singly(sink: SlackSink, intake: Intake, run: str) -> list[float]:
    """One alert after the other: seconds from each post to Slack."""
    started: dict[int, float] = {}
    async with client() as session:
        await post(session, intake, [alert(alertname(f"{run}warm", 0), 0)])
        await asyncio.sleep(0.5)
        for number in range(SINGLES):
            started[number] = time.perf_counter()
            await post(session, intake, [alert(alertname(run, number), number)])
            await shown(sink, run, {number}, within=5)
            await asyncio.sleep(0.02)
    return latencies(sink, run, started)


async def burst(sink: SlackSink, intake: Intake, run: str, *, each: int) -> tuple[float, int]:
    """A thousand distinct alerts, `each` in a post: how many a second Slack was told of, and how many it was not."""
    posts = [
        [alert(alertname(run, number), number) for number in range(first, first + each)]
        for first in range(0, BURST, each)
    ]
    async with client() as session:

        async def sender() -> None:
            while posts:
                await post(session, intake, posts.pop(0))

        began = time.perf_counter()
        await asyncio.gather(*(sender() for _ in range(CONNECTIONS)))
        await shown(sink, run, range(BURST))
    seen = sink.seen.get(run, {})
    return len(seen) / (max(seen.values()) - began), BURST - len(seen)


async def in_groups(sink: SlackSink, intake: Intake, run: str) -> int:
    """A thousand alerts of ten causes: how many messages the channel got (direct messages are pages)."""
    before = len(sink.posts)
    posts = [[alert(alertname(run, number % 10), number)] for number in range(BURST)]
    async with client() as session:

        async def sender() -> None:
            while posts:
                await post(session, intake, posts.pop(0))

        await asyncio.gather(*(sender() for _ in range(CONNECTIONS)))
        await shown(sink, run, range(10))
        await asyncio.sleep(3)
    return sum(not channel.startswith("D") for channel in sink.posts[before:])


async def measure(figures: Figures, start: Start, sink: SlackSink, tag: str) -> None:
    async with start(sink) as intake:
        figures.latency += await singly(sink, intake, f"{tag}s")
    async with start(sink) as intake:
        before, _ = intake.cost()
        rate, lost = await burst(sink, intake, f"{tag}b", each=1)
        after, memory = intake.cost()
        figures.singly.append(rate)
        figures.cpu.append(after - before)
        figures.memory.append(memory)
        figures.lost += lost
    async with start(sink) as intake:
        rate, lost = await burst(sink, intake, f"{tag}c", each=100)
        figures.batched.append(rate)
        figures.lost += lost


async def duplicates(sink: SlackSink) -> tuple[int, int, float]:
    """The same alert a thousand times on eight connections: rows, answers of 500 and above, posts a second."""
    statuses: list[int] = []
    async with _intakes.badday(sink) as intake, client() as session:

        async def sender() -> None:
            statuses.extend([await post(session, intake, [alert(alertname("dup", 0), 0)]) for _ in range(BURST)])

        began = time.perf_counter()
        await asyncio.gather(*(sender() for _ in range(CONNECTIONS)))
        seconds = time.perf_counter() - began
        assert intake.database is not None
        with sqlite3.connect(intake.database) as connection:
            (rows,) = connection.execute("SELECT count(*) FROM alert").fetchone()
    return rows, sum(status >= 500 for status in statuses), len(statuses) / seconds


async def at_slacks_pace() -> tuple[int, int]:
    """A hundred causes under one message a second: root messages shown, and requests to the channel, in a minute."""
    with tempfile.TemporaryDirectory() as folder:
        async with a_desk(Path(folder), f"sqlite:///{folder}/badday.db") as desk:
            bot = await desk.start()
            alerts = [alert(alertname("pace", number), number) for number in range(GROUPS)]
            answer = await desk.client.post(f"{bot.url}/api/v2/alerts", json=alerts)
            assert answer.status_code == 200, answer.text
            await asyncio.sleep(WINDOW)
            roots = await desk.workspace.of_bot("support-bot")
            told = {number for message in roots for _, number in NAME.findall(text_of(message))}
            return len(told), await _channel_posts(desk)


async def _channel_posts(desk: Desk) -> int:
    requests = await desk.workspace.calls("chat.postMessage")
    channels = [str(request["arguments"].get("channel", "")) for request in requests]
    return sum(channel[:1] not in "DU" for channel in channels if channel)


def table(ours: Figures, theirs: Figures | None) -> None:
    """Both beside each other, with the ratio that each bar is about."""

    def line(name: str, unit: str, value: Callable[[Figures], float], bar: str = "") -> None:
        our = value(ours)
        if theirs is None:
            print(f"{name:44} {our:10,.1f} {unit}", flush=True)
            return
        their = value(theirs)
        ratio = our / their if their else float("nan")
        print(f"{name:44} {our:10,.1f} {their:10,.1f} {unit:8} {ratio:6.2f}x  {bar}", flush=True)

    print(f"{'':44} {'Badday':>10} {'Alertmgr' if theirs else '':>10}")
    line("one alert, post to Slack, p50", "ms", lambda one: 1000 * percentile(one.latency, 0.5), "bar <= 2x")
    line("one alert, post to Slack, p95", "ms", lambda one: 1000 * percentile(one.latency, 0.95))
    line("1,000 distinct, one a post", "alerts/s", lambda one: statistics.median(one.singly), "bar >= 0.5x")
    line("1,000 distinct, 100 a post", "alerts/s", lambda one: statistics.median(one.batched))
    line("CPU of that (one a post)", "s", lambda one: statistics.median(one.cpu))
    line("memory after it", "MB", lambda one: statistics.median(one.memory))
    line("alerts that Slack was not told of", "", lambda one: float(one.lost), "bar 0")
    line("messages about 1,000 alerts of 10 causes", "", lambda one: float(one.grouped), "bar 10")


async def main() -> None:
    ours, theirs = Figures(), Figures()
    there = True
    try:
        _intakes.alertmanager_binary()
    except NotThereError as error:
        there = False
        print(f"SKIPPED, nothing to compare with: Alertmanager cannot be had: {error}", flush=True)
    async with SlackSink() as sink:
        for number in range(ROUNDS):
            if there:
                await measure(theirs, _intakes.alertmanager, sink, f"a{number}")
            await measure(ours, _intakes.badday, sink, f"b{number}")
        async with _intakes.badday(sink) as intake:
            ours.grouped = await in_groups(sink, intake, "g")
        if there:
            async with _intakes.alertmanager(sink, group_by="alertname", wait="1s") as intake:
                theirs.grouped = await in_groups(sink, intake, "h")
        table(ours, theirs if there else None)
        rows, failed, rate = await duplicates(sink)
        say("8 x 1,000 times the same alert, rows", rows, "rows", "1")
        say("8 x 1,000 times the same alert, answers of 500 and above", failed, "answers", "0")
        say("8 x 1,000 times the same alert", rate, "posts/s")
    roots, requests = await at_slacks_pace()
    say("causes shown after 60 s under one message a second", roots, f"of {GROUPS}", ">= 55")
    say("requests to that channel in 60 s", requests, "requests", "<= 70")


if __name__ == "__main__":
    asyncio.run(main())
