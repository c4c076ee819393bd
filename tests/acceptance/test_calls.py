"""Model calls as people meet them: imported on the command line, asked for in Slack, read by whom they concern."""

import asyncio
import json
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.acceptance.desk import Desk, Json, buttons, eventually, text_of

HOSTILE = "<!channel> *bold* <https://evil.example|click> <@U0001> ```"


async def badday(desk: Desk, *arguments: str) -> tuple[int, list[Json]]:
    """Run a command on the desk's database; its exit status and the lines that it printed."""
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("badday")),
        *arguments,
        "--json",
        env={
            "BADDAY_CONFIG": str(desk.folder / "badday.yaml"),
            "DATABASE_URL": desk.database_url,
            "PATH": os.environ["PATH"],
        },
        cwd=desk.folder,
        stdout=asyncio.subprocess.PIPE,
    )
    printed, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, [json.loads(line) for line in printed.splitlines()]


async def report(desk: Desk, *calls: Json) -> None:
    """Let calls of support-bot be in the trail, each a second younger than the one before."""
    begin = datetime.now(UTC) - timedelta(seconds=len(calls) + 60)
    lines = [
        json.dumps({"ts": (begin + timedelta(seconds=n)).isoformat(), "system": "support-bot", "output": None} | call)
        for n, call in enumerate(calls)
    ]
    path = desk.folder / "calls.jsonl"
    path.write_text("\n".join(lines))
    status, (line,) = await badday(desk, "trail", "import", str(path))
    assert (status, line["calls"], line["rejected"]) == (0, len(calls), 0)


async def ask(desk: Desk, user: str, text: str, *, count: int = 1) -> Json:
    """Type a command in #support-bot; the answer that only this person sees."""

    async def connected() -> bool:
        state = await desk.workspace.look("state", user=user)
        return bool(state["app"]["connected"])

    await eventually(connected, within=20)
    await desk.workspace.do("command", user=user, channel="support-bot", command="/badday", text=text)

    async def look() -> Json | None:
        told = [m for m in await desk.workspace.messages("support-bot", user=user) if m.get("is_ephemeral")]
        return told[-1] if len(told) >= count else None

    return await eventually(look, within=20)


async def modal(desk: Desk, user: str) -> Json:
    async def look() -> Json | None:
        stack: list[Json] = (await desk.workspace.look("views", user=user))["stack"]
        return stack[-1] if stack else None

    return await eventually(look, within=20)


def texts(value: Any, kind: str) -> str:
    """All texts of one kind (`mrkdwn`, `plain_text`, or the `text` of rich text) in one."""
    if isinstance(value, dict):
        own = [value["text"]] if value.get("type") == kind and isinstance(value.get("text"), str) else []
        return "\n".join(own + [texts(inner, kind) for inner in value.values()])
    return "\n".join(texts(inner, kind) for inner in value) if isinstance(value, list) else ""


async def test_an_owner_reads_a_call_whole_and_nobody_else_does(desk: Desk) -> None:
    await report(
        desk,
        {"id": "good", "user": "u1", "model": "gpt-4.1-mini", "input": "Where is my refund?", "output": "On its way."},
        {"id": "bad", "model": HOSTILE, "output": f"{HOSTILE} said", "error_class": "truncated", "input": HOSTILE},
    )
    await desk.start()

    answer = await ask(desk, "maria", "calls")
    assert "2 calls" in text_of(answer)
    assert "evil.example" in texts(answer["blocks"], "plain_text")
    assert "evil.example" not in texts(answer["blocks"], "mrkdwn")
    await desk.click("maria", answer, "show_call")
    shown = await modal(desk, "maria")
    assert HOSTILE in texts(shown["blocks"], "text")
    assert "evil.example" not in texts(shown["blocks"], "mrkdwn")

    answer = await ask(desk, "ana", "calls")
    assert "truncated" in text_of(answer)
    assert "“" not in text_of(answer)  # no excerpt of an answer
    assert "ask Maria Ortiz or Sam Lee" in text_of(answer)
    await desk.click("ana", answer, "show_call")
    shown = await modal(desk, "ana")
    assert "Maria Ortiz or Sam Lee" in texts(shown["blocks"], "mrkdwn")
    assert f"{HOSTILE} said" not in texts(shown["blocks"], "text")


async def test_a_permission_that_ended_is_asked_for_again_at_the_click(desk: Desk) -> None:
    await report(desk, {"id": "one", "error_class": "filtered", "output": "secret words"})
    bot = await desk.start()
    answer = await ask(desk, "sam", "calls")
    assert "secret words" in text_of(answer)
    catalog = desk.folder / "badday.yaml"
    catalog.write_text(catalog.read_text().replace("deputies: [sam]", "deputies: []"))
    bot.process.send_signal(1)  # SIGHUP: read the catalog again

    async def refused() -> bool:
        await desk.click("sam", answer, "show_call")
        shown = await modal(desk, "sam")
        await desk.workspace.do("close", user="sam", view=shown["id"])
        return "secret words" not in json.dumps(shown)

    await eventually(refused, within=20)


async def test_the_same_calls_are_seen_another_way_in_the_same_place(desk: Desk) -> None:
    await report(
        desk,
        {"id": "slow", "latency_ms": 30_000, "output": "the slow one"},
        {"id": "quick", "latency_ms": 300, "output": "the quick one"},
        {"id": "failed", "latency_ms": 10, "error_class": "timeout", "model": "gpt-4.1-mini", "provider": "openai"},
    )
    await desk.start()
    answer = await ask(desk, "maria", "calls support-bot")
    assert "timeout" in text_of(answer)
    assert "the slow one" not in text_of(answer)
    await desk.click("maria", answer, "calls_slow")

    async def replaced() -> Json | None:
        told = [m for m in await desk.workspace.messages("support-bot", user="maria") if m.get("is_ephemeral")]
        assert len(told) == 1
        return told[0] if "the slow one" in text_of(told[0]) else None

    shown = text_of(await eventually(replaced, within=20))
    assert shown.index("the slow one") < shown.index("the quick one")
    by_model = await ask(desk, "maria", "calls by model since=1h", count=2)
    assert "gpt-4.1-mini" in text_of(by_model)
    found = await ask(desk, "maria", 'calls newest "quick"', count=3)
    assert "the quick one" in text_of(found)
    assert "the slow one" not in text_of(found)
    one = await ask(desk, "maria", "calls call=failed", count=4)
    assert set(buttons(one)) >= {"show_call"}
    misspelt = await ask(desk, "maria", "calls suport-bot", count=5)
    assert "did you mean support-bot?" in text_of(misspelt)


async def test_without_a_call_it_says_how_to_send_some(desk: Desk) -> None:
    bot = await desk.start()
    answer = await ask(desk, "maria", "calls")
    assert f"OTEL_EXPORTER_OTLP_ENDPOINT={bot.url}" in text_of(answer)


async def test_an_incident_says_how_many_calls_fell_back_and_who_saw_an_error(desk: Desk) -> None:
    await report(
        desk,
        {"user": "u1", "provider": "northwind", "input": "a", "error_class": "timeout", "latency_ms": 10},
        {"user": "u1", "provider": "cirrus", "input": "a", "output": "rescued", "latency_ms": 10},
        {"user": "u2", "provider": "northwind", "input": "b", "error_class": "server", "latency_ms": 10},
    )
    await desk.start()
    desk.page.status = "major_outage"
    root = await desk.root(within=20)
    assert "⇄ *1 call* fell back to cirrus in the last hour, *1 user* saw an error" in text_of(root)
