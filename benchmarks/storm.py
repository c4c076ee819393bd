"""A hundred incidents at once under Slack's one message a second a channel: what is shown in the first minute."""

import asyncio
import tempfile
import time
from pathlib import Path

from benchmarks._report import say
from tests.acceptance.desk import Desk, a_desk, eventually, text_of

INCIDENTS = 100
WINDOW = 60.0

CATALOG = (
    """\
badday: 1
people:
  maria: {{name: Maria Ortiz, email: maria@example.com}}
providers:
  northwind: {{status: "{page}"}}
systems:
"""
    + "".join(
        f"  system-{number:03}: {{{{owner: maria, channel: support-bot, depends_on: [northwind]}}}}\n"
        for number in range(INCIDENTS)
    )
    + """\
watches:
  status.northwind:
    page: "{page}"
    provider: northwind
    interval: 1s
    hysteresis: {{bad: 1, of: 1, good: 1}}
    hold: {hold}s
"""
)


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with a_desk(Path(folder), f"sqlite:///{folder}/badday.db", catalog=CATALOG, hold=600) as desk:
            await desk.start()
            desk.page.status = "major_outage"
            await desk.root()
            started = time.perf_counter()
            await asyncio.sleep(WINDOW)
            roots = [m for m in await desk.workspace.of_bot("support-bot") if m.get("subtype") != "thread_broadcast"]
            say("incidents shown in the channel after 60 s", len(roots), "of 100", ">= 55")
            requests = await desk.workspace.calls("chat.postMessage")
            say("requests to that channel in 60 s", count(desk, requests, dm=False), "requests", "<= 70")
            await eventually(lambda: everything(desk), within=240, every=2)
            say("until every incident is shown", time.perf_counter() - started, "s")
            requests = await desk.workspace.calls("chat.postMessage")
            say("requests to page one person about all of them", count(desk, requests, dm=True), "requests", "<= 70")
            pages = "".join(text_of(m) for m in await desk.workspace.of_bot("badday", user="maria"))
            lost = [n for n in range(INCIDENTS) if f"system-{n:03}" not in pages]
            say("incidents that no page names", len(lost), "incidents", "0")


async def everything(desk: Desk) -> bool:
    shown = "".join(text_of(m) for m in await desk.workspace.of_bot("support-bot"))
    return all(f"system-{number:03}" in shown for number in range(INCIDENTS))


def count(desk: Desk, requests: list[dict[str, object]], *, dm: bool) -> int:
    """Posts to direct messages, or to channels; refused ones count too."""
    channels = [str(dict(request["arguments"]).get("channel", "")) for request in requests]  # type: ignore[call-overload]
    return sum((channel[:1] in "DU") is dm for channel in channels if channel)


if __name__ == "__main__":
    asyncio.run(main())
