"""The life of an incident as its people lead it, from the first reaction to the postmortem, with the whole bot."""

import asyncio
import base64
from pathlib import Path
from typing import Any

from tests.acceptance.desk import CATALOG, Desk, Json, a_desk, eventually, text_of

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
REMINDED = CATALOG.replace("    armed: true\n", "    armed: true\n    updates: 2s\n")


async def in_thread(desk: Desk, root: Json, text: str, *, user: str = "sam") -> str:
    said = await desk.workspace.do("message", user=user, channel="support-bot", thread_ts=root["ts"], text=text)
    return str(said["ts"])


async def test_an_incident_is_worked_on_resolved_and_told_as_a_postmortem(desk: Desk) -> None:
    bot = await desk.start()
    desk.page.status = "major_outage"
    root = await desk.root()
    page = await desk.page_to("maria")
    await desk.click("maria", page, "acknowledge", channel="badday")
    await desk.thread_says("acknowledged")

    await in_thread(desk, root, "@badday incident role lead me")
    await desk.thread_says("took the role lead")
    picture = await desk.workspace.do(
        "upload",
        user="sam",
        channel="support-bot",
        thread_ts=root["ts"],
        text="errors <b>everywhere</b>",
        files=[{"name": "graph.png", "content_base64": base64.b64encode(PNG).decode()}],
    )
    await desk.workspace.do("react", user="maria", channel="support-bot", ts=picture["ts"], name="memo")
    await desk.thread_says("kept in the timeline")
    await in_thread(desk, root, "@badday incident status identified northwind refuses long prompts")
    await desk.thread_says("identified: northwind refuses")

    await desk.click("sam", await desk.root(), "resolve")

    async def form() -> list[Json]:
        stack: list[Json] = (await desk.workspace.look("views", user="sam"))["stack"]
        return stack

    (view,) = await eventually(form)
    values = {"what": {"value": "Long prompts"}, "ended": {"value": "A fix"}, "follow_up": {"value": "Cut prompts"}}
    await desk.workspace.do("submit", user="sam", view=view["id"], values=values)
    await desk.thread_says("long prompts")

    async def resolved() -> bool:
        return "resolved" in text_of(await desk.root()).lower()

    await eventually(resolved)
    await in_thread(desk, root, "@badday postmortem")
    files = await eventually(lambda: shared_files(desk, root))
    assert [one["name"] for one in files] == ["postmortem-1.html", "postmortem-1.md"]

    answer = await desk.client.get(f"{bot.url}/incidents/1/postmortem")
    assert answer.status_code == 200
    assert "script-src" not in answer.headers["content-security-policy"]
    for part in ("Long prompts", "data:image/png;base64,", "errors &lt;b&gt;everywhere", "Cut prompts", "Sam Lee"):
        assert part in answer.text, part
    assert await bot.stop() == 0


async def shared_files(desk: Desk, root: Json) -> list[Json]:
    replies = await desk.workspace.messages("support-bot", thread_ts=root["ts"])
    return next((one["files"] for one in replies if one.get("bot_id") and one.get("files")), [])


async def test_the_files_of_a_postmortem_are_shared_once_although_the_answer_got_lost(desk: Desk) -> None:
    await desk.start()
    desk.page.status = "major_outage"
    root = await desk.root()
    await desk.workspace.do("fault", kind="accepted_500", method="files.completeUploadExternal")
    await in_thread(desk, root, "@badday postmortem")
    await eventually(lambda: shared_files(desk, root))
    await asyncio.sleep(3)  # long enough for a second try
    replies = await desk.workspace.messages("support-bot", thread_ts=root["ts"])
    assert sum(1 for one in replies if one.get("bot_id") and one.get("files")) == 1


async def test_whoever_leads_is_asked_how_it_stands_also_by_a_bot_that_was_restarted(
    tmp_path: Path, database_url: str
) -> None:
    async with a_desk(tmp_path, database_url, catalog=REMINDED) as desk:
        bot = await desk.start()
        desk.page.status = "major_outage"
        root = await desk.root()
        await desk.click("sam", root, "acknowledge")
        await desk.thread_says("acknowledged")
        await bot.killed()
        await desk.start()
        reminder = await desk.thread_says("how does it stand?")
        sam = await user_id(desk, "sam")
        assert f"<@{sam}>" in reminder["text"]


async def user_id(desk: Desk, name: str) -> str:
    state: Any = await desk.workspace.look("state")
    return next(str(user["id"]) for user in state["users"] if user["name"] == name)


async def test_a_page_arrives_in_app_home_and_the_thread_shows_that_it_was_acknowledged_there(desk: Desk) -> None:
    bot = await desk.start()

    async def home(part: str) -> bool:
        return part in text_of({"blocks": (await desk.workspace.look("views", user="maria"))["home"]})

    async def connected() -> bool:
        return bool((await desk.workspace.look("state"))["app"]["connected"])

    await eventually(connected)
    await desk.workspace.do("home", user="maria")
    await eventually(lambda: home("Nobody waits for you"))
    desk.page.status = "major_outage"
    await eventually(lambda: home("Can't take it"), within=20)
    await bot.killed()
    await desk.start()
    await eventually(connected)
    await desk.workspace.do("click", user="maria", view="home", action_id="acknowledge")
    await desk.thread_says("acknowledged")
    assert "by Maria Ortiz" in text_of(await desk.root())
    await eventually(lambda: home("Acknowledged by Maria"), within=20)
