"""From a red status page to a switched provider and back, as Maria lives through it."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from starlette.responses import Response

from tests.acceptance.desk import Desk, a_desk, buttons, eventually, summary, text_of
from tests.acceptance.processes import by_fork


@pytest.fixture
async def desk(tmp_path: Path, database_url: str) -> AsyncIterator[Desk]:
    """A workspace that takes one message a second and channel, as Slack does."""
    async with a_desk(tmp_path, database_url, launch=by_fork) as opened:
        yield opened


async def test_an_outage_is_paged_switched_undone_and_resolved(desk: Desk) -> None:
    bot = await desk.start()
    assert await desk.route() == "northwind"

    desk.page.status = "major_outage"
    page = await desk.page_to("maria")
    assert "northwind" in text_of(page).lower()
    root = await desk.root()
    assert "acknowledge" in buttons(root)

    await desk.click("maria", page, "acknowledge", channel="badday")
    acknowledged = await desk.thread_says("acknowledged")
    assert acknowledged

    async def offered() -> bool:
        replies = await desk.workspace.messages("support-bot", thread_ts=root["ts"])
        return any("run_step" in buttons(reply) and "cirrus" in text_of(reply) for reply in replies)

    await eventually(offered)
    step = next(
        reply
        for reply in await desk.workspace.messages("support-bot", thread_ts=root["ts"])
        if "run_step" in buttons(reply) and "cirrus" in text_of(reply)
    )
    assert "cirrus" in text_of({"blocks": [buttons(step)["run_step"]["confirm"]]}), "the confirm names the exact change"
    await desk.click("maria", step, "run_step")

    async def switched() -> bool:
        return await desk.route(bot) == "cirrus"

    await eventually(switched)

    desk.page.status = "operational"

    async def undo_offered() -> dict[str, object] | None:
        replies = await desk.workspace.messages("support-bot", thread_ts=root["ts"])
        return next((reply for reply in replies if "undo_step" in buttons(reply)), None)

    await desk.click("maria", await eventually(undo_offered), "undo_step")

    async def undone() -> bool:
        return await desk.route(bot) == "northwind"

    await eventually(undone)

    async def resolved() -> bool:
        return "resolved" in text_of(await desk.root()).lower()

    await eventually(resolved)
    assert len(await desk.workspace.of_bot("support-bot")) == 1 + sum(
        message.get("subtype") == "thread_broadcast" for message in await desk.workspace.of_bot("support-bot")
    )
    assert await bot.stop() == 0


async def test_two_people_acknowledge_at_once_and_the_second_is_told_who_was_first(desk: Desk) -> None:
    await desk.start()
    desk.page.status = "major_outage"
    root = await desk.root()
    await asyncio.gather(*(desk.click(user, root, "acknowledge") for user in ("maria", "sam")))
    await desk.thread_says("acknowledged")

    async def told() -> list[str]:
        losers = []
        for user in ("maria", "sam"):
            seen = await desk.workspace.messages("support-bot", user=user)
            seen += await desk.workspace.messages("support-bot", user=user, thread_ts=root["ts"])
            if any(m.get("is_ephemeral") and "already acknowledged" in text_of(m).lower() for m in seen):
                losers.append(user)
        return losers

    assert len(await eventually(told)) == 1


async def test_commands_answer_the_person_who_asked(desk: Desk) -> None:
    await desk.start()
    for text, expected in (("status", "support-bot"), ("help", "/badday"), ("staus", "status")):
        await desk.workspace.do("command", user="maria", channel="support-bot", command="/badday", text=text)

        async def answered(expected: str = expected) -> bool:
            seen = await desk.workspace.messages("support-bot", user="maria")
            return any(m.get("is_ephemeral") and expected in text_of(m) for m in seen)

        await eventually(answered)


async def test_hostile_words_of_a_status_page_neither_mention_anybody_nor_become_links(desk: Desk) -> None:
    hostile = "<!channel> <@U123> <https://evil.example|status> *down* & `x`"

    def page() -> Response:
        told = summary("major_outage")
        told["components"][0]["name"] = hostile
        told["incidents"] = [{"id": "i1", "name": hostile, "status": "investigating", "impact": "critical"}]
        return Response(json.dumps(told), media_type="application/json")

    desk.page.answer = page
    await desk.start()
    shown = [await desk.root(), await desk.page_to("maria")]
    shown += await desk.workspace.messages("support-bot", thread_ts=shown[0]["ts"])
    assert any("evil.example" in text_of(message) for message in shown), "the words are shown"

    def walk(part: object, kind: str = "mrkdwn") -> None:
        """Where Slack reads markup, `<` must be escaped; plain and rich text are literal."""
        if isinstance(part, dict):
            for key, value in part.items():
                literal = part.get("type") == "plain_text" or str(part.get("type")).startswith("rich_text")
                walk(value, "literal" if literal or kind == "literal" else "mrkdwn")
                assert key != "link_names"
        elif isinstance(part, list):
            for value in part:
                walk(value, kind)
        elif isinstance(part, str) and kind == "mrkdwn":
            assert "<!channel" not in part, part
            assert "<@U123" not in part, part
            assert "<https://evil" not in part, part

    for message in shown:
        walk({key: message.get(key) for key in ("text", "blocks", "attachments")})
