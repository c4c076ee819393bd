"""kill -9 at every state of the outbox, dying replicas, a busy database: nothing is lost, nothing is doubled."""

import asyncio
import sqlite3
from datetime import UTC, datetime

import pytest
from sqlalchemy import select
from sqlmodel import col

from bot.store.database import Database
from bot.store.tables import OutboxMessage
from tests.acceptance.desk import Desk, buttons, eventually, text_of


async def outbox_states(desk: Desk, kind: str) -> list[str]:
    db = Database(desk.database_url)
    try:
        async with db.reading() as session:
            statement = select(col(OutboxMessage.state)).where(col(OutboxMessage.kind) == kind)
            return list((await session.execute(statement)).scalars())
    finally:
        await db.close()


async def reach(desk: Desk, kind: str, state: str) -> None:
    async def reached() -> bool:
        return state in await outbox_states(desk, kind)

    await eventually(reached)


async def settled(desk: Desk) -> None:
    """Wait until the page and the root are there, and a moment for what must not come."""
    await desk.root(within=20)
    await desk.page_to("maria", within=20)
    await asyncio.sleep(1.5)


async def assert_told_once(desk: Desk) -> None:
    await settled(desk)
    roots = [m for m in await desk.workspace.of_bot("support-bot") if m.get("subtype") != "thread_broadcast"]
    pages = await desk.workspace.of_bot("badday", user="maria")
    assert len(roots) == 1, [text_of(m) for m in roots]
    assert len(pages) == 1, [text_of(m) for m in pages]


async def test_killed_while_messages_wait(desk: Desk) -> None:
    bot = await desk.start(only="watch,page")
    desk.page.status = "major_outage"
    await reach(desk, "page", "pending")
    await bot.killed()
    await desk.start()
    await assert_told_once(desk)


@pytest.mark.parametrize("kind", ["hang", "accepted_500", "drop"])
async def test_killed_while_a_message_is_being_sent_or_its_fate_is_unknown(desk: Desk, kind: str) -> None:
    await desk.workspace.do("fault", method="chat.postMessage", kind=kind, times=2, seconds=30)
    bot = await desk.start()
    desk.page.status = "major_outage"
    await reach(desk, "page", "sending" if kind == "hang" else "unknown")
    await bot.killed()
    await desk.workspace.do("fault", kind="off")
    await desk.start()
    await assert_told_once(desk)


async def test_killed_after_a_message_was_sent(desk: Desk) -> None:
    bot = await desk.start()
    desk.page.status = "major_outage"
    await settled(desk)
    await bot.killed()
    await desk.start()
    await assert_told_once(desk)


async def test_a_message_refused_for_good_is_said_to_be_failed(desk: Desk) -> None:
    await desk.workspace.do("fault", method="chat.postMessage", kind="error", error="is_archived", times=None)
    await desk.start()
    desk.page.status = "major_outage"
    await reach(desk, "incident_root", "failed")


@pytest.mark.parametrize("kind", ["ratelimited", "error500", "accepted_500", "slow", "drop"])
async def test_slack_in_trouble_neither_loses_nor_doubles_anything(desk: Desk, kind: str) -> None:
    await desk.workspace.do("fault", method="chat.postMessage", kind=kind, times=2, seconds=2, retry_after=1)
    await desk.start()
    desk.page.status = "major_outage"
    await assert_told_once(desk)


async def test_a_click_while_slack_refreshes_a_connection_survives_a_kill(desk: Desk) -> None:
    bot = await desk.start()
    desk.page.status = "major_outage"
    root = await desk.root()
    # Slack refreshes one connection after the other; the second one takes the click.
    await desk.workspace.sandbox.parts.sockets.refresh(count=1)
    assert (await desk.click("maria", root, "acknowledge"))["acknowledged"]
    await bot.killed()
    await desk.start()

    async def acknowledged() -> bool:
        return "maria" in text_of(await desk.root()).lower() and "acknowledge" not in buttons(await desk.root())

    await eventually(acknowledged, within=15)


async def test_redelivered_clicks_and_commands_count_once(desk: Desk) -> None:
    await desk.start()
    desk.page.status = "major_outage"
    root = await desk.root()
    await desk.workspace.do("fault", kind="drop_ack", times=1)
    await desk.click("maria", root, "acknowledge")
    await desk.thread_says("acknowledged")
    await asyncio.sleep(1)
    replies = await desk.workspace.messages("support-bot", thread_ts=root["ts"])
    assert sum("acknowledged" in text_of(reply).lower() for reply in replies if reply["ts"] != root["ts"]) == 1


async def test_two_replicas_one_killed_page_once_and_switch_once(desk: Desk) -> None:
    first = await desk.start()
    second = await desk.start()
    desk.page.status = "major_outage"
    root = await desk.root()
    await first.killed()
    killed_at = datetime.now(UTC)
    await desk.click("sam", root, "acknowledge")
    await desk.thread_says("acknowledged", within=15)

    async def step() -> dict[str, object] | None:
        replies = await desk.workspace.messages("support-bot", thread_ts=root["ts"])
        return next((m for m in replies if "run_step" in buttons(m) and "cirrus" in text_of(m)), None)

    offered = await eventually(step, within=15)
    await asyncio.gather(desk.click("maria", offered, "run_step"), desk.click("sam", offered, "run_step"))

    async def switched() -> bool:
        return await desk.route(second) == "cirrus"

    await eventually(switched)
    assert killed_at
    await assert_told_once(desk)


async def test_a_locked_database_delays_and_loses_nothing(desk: Desk) -> None:
    if not desk.database_url.startswith("sqlite"):
        pytest.skip("PostgreSQL locks rows; the other tests cover it")
    await desk.start()
    desk.page.status = "major_outage"
    connection = sqlite3.connect(desk.database_url.removeprefix("sqlite:///"), isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    await asyncio.sleep(7)
    connection.execute("ROLLBACK")
    connection.close()
    await assert_told_once(desk)
