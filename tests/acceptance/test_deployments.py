"""Other ways to run the desk than one armed process on Socket Mode: signed HTTP, roles apart, disarmed."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.acceptance.desk import CATALOG, Desk, Json, a_desk, buttons, eventually, free_port, text_of
from tests.postgres import PostgresServer

DISARMED = CATALOG.replace("armed: true", "armed: false")


@pytest.fixture
async def local_desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """A desk on SQLite, where the engine makes no difference."""
    async with a_desk(tmp_path, f"sqlite:///{tmp_path / 'badday.db'}") as opened:
        yield opened


@pytest.fixture
async def disarmed_desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with a_desk(tmp_path, f"sqlite:///{tmp_path / 'badday.db'}", catalog=DISARMED) as opened:
        yield opened


async def the_switch(desk: Desk, action: str = "run_step") -> Json:
    """The message of the step that switches the provider, once it has the button."""

    async def look() -> Json | None:
        root = await desk.root()
        replies = await desk.workspace.messages("support-bot", thread_ts=root["ts"])
        return next((m for m in replies if action in buttons(m) and "cirrus" in text_of(m)), None)

    return await eventually(look)


async def serves(desk: Desk, provider: str) -> None:
    async def look() -> bool:
        return await desk.route() == provider

    look.__qualname__ = f"route.chat becoming {provider}"
    await eventually(look)


async def test_over_signed_http_a_page_is_acknowledged_and_a_provider_switched(local_desk: Desk) -> None:
    secret = local_desk.workspace.sandbox.signing_secret
    bot = await local_desk.start(env={"SLACK_APP_TOKEN": "", "SLACK_SIGNING_SECRET": secret})
    await local_desk.workspace.do("fault", kind="transport", transport="http", url=f"{bot.url}/slack/events")
    local_desk.page.status = "major_outage"

    await local_desk.click("maria", await local_desk.page_to("maria"), "acknowledge", channel="badday")
    await local_desk.thread_says("acknowledged")
    await local_desk.click("maria", await the_switch(local_desk), "run_step")
    await serves(local_desk, "cirrus")

    unsigned = await local_desk.client.post(f"{bot.url}/slack/events", data={"payload": "{}"})
    assert unsigned.status_code == 401


@pytest.mark.postgres
async def test_two_of_each_role_on_one_database_page_once_and_switch_once(
    tmp_path: Path, postgres: PostgresServer
) -> None:
    with postgres.database() as url:
        async with a_desk(tmp_path, url) as desk:
            roles = ("slack", "watch", "page", "slack,watch,page,switchboard", "switchboard")
            await asyncio.gather(*(desk.start(only=role) for role in roles))
            desk.page.status = "major_outage"
            await desk.click("maria", await desk.page_to("maria"), "acknowledge", channel="badday")
            await desk.click("maria", await the_switch(desk), "run_step")
            await serves(desk, "cirrus")
            await desk.click("maria", await the_switch(desk, "undo_step"), "undo_step")
            await serves(desk, "northwind")

            assert len(await desk.workspace.of_bot("support-bot")) == 1
            assert len(await desk.workspace.of_bot("badday")) == 1
            assert await asyncio.gather(*(bot.stop() for bot in desk.bots)) == [0] * len(roles)


async def test_a_disarmed_system_shows_the_step_and_changes_nothing(disarmed_desk: Desk) -> None:
    await disarmed_desk.start()
    disarmed_desk.page.status = "major_outage"
    step = await the_switch(disarmed_desk)
    assert "/badday arm support-bot" in text_of(step)
    assert "changes nothing" in text_of({"blocks": [buttons(step)["run_step"]["confirm"]]})

    await disarmed_desk.click("maria", step, "run_step")
    await disarmed_desk.thread_says("Shown as a dry run")
    assert await disarmed_desk.route() == "northwind"


async def test_an_incident_is_opened_by_hand_through_the_form(local_desk: Desk) -> None:
    await local_desk.start()
    workspace = local_desk.workspace
    await workspace.do("command", user="sam", channel="general", text="/badday incident open")

    async def form() -> bool:
        return bool((await workspace.look("views", user="sam"))["stack"])

    await eventually(form)
    refused = await workspace.do("submit", user="sam", values={"title": {"value": "x"}})
    assert "title" in refused["errors"]
    await workspace.do(
        "submit", user="sam", values={"title": {"value": "Answers are empty"}, "severity": {"value": "sev1"}}
    )
    assert "Answers are empty" in text_of(await local_desk.root())
    assert "Answers are empty" in text_of(await local_desk.page_to("maria"))


async def test_without_an_answer_from_slack_it_is_ready_and_ends_in_time(local_desk: Desk) -> None:
    bot = await local_desk.start(env={"SLACK_API_URL": f"http://127.0.0.1:{free_port()}/api/"})

    async def tried() -> bool:
        return "cannot connect to Slack" in log()

    def log() -> str:
        return (local_desk.folder / f"bot-{bot.port}.log").read_text(encoding="utf-8")

    await eventually(tried)
    assert await bot.stop() == 0
    assert '"connected to Slack"' not in log()
