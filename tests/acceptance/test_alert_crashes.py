"""kill -9 while alerts come in: what was answered with 200 is told, once, whatever happens when."""

import asyncio
import random
from typing import Any

import httpx
import pytest
from sqlalchemy import select
from sqlmodel import col

from bot.store.database import Database
from bot.store.tables import Alert, Incident
from tests.acceptance.desk import Bot, Desk, eventually, text_of

STORM = 40


def alert(number: int, name: str | None = None) -> dict[str, Any]:
    return {
        "labels": {"alertname": name or f"Cause{number:03}", "n": str(number), "severity": "warning"},
        "annotations": {"summary": f"Cause {number:03} is bad"},
    }


async def post(desk: Desk, bot: Bot, *alerts: dict[str, Any]) -> bool:
    """Whether the alerts were taken; a bot that dies in the middle has not said so."""
    try:
        return (await desk.client.post(f"{bot.url}/api/v2/alerts", json=list(alerts))).status_code == 200
    except httpx.TransportError:
        return False


async def told(desk: Desk) -> list[str]:
    roots = await desk.workspace.of_bot("support-bot")
    return [text_of(message) for message in roots if message.get("subtype") != "thread_broadcast"]


async def assert_each_told_once(desk: Desk, numbers: list[int]) -> None:
    async def everything() -> bool:
        said = "".join(await told(desk))
        return all(f"Cause {number:03} is bad" in said for number in numbers)

    await eventually(everything, within=90, every=0.5)
    await asyncio.sleep(1.5)
    said = await told(desk)
    for number in numbers:
        assert sum(f"Cause {number:03} is bad" in text for text in said) == 1, number


async def rows(desk: Desk, table: type[Any], column: Any) -> list[Any]:
    db = Database(desk.database_url)
    try:
        async with db.reading() as session:
            return list((await session.execute(select(column).select_from(table))).scalars())
    finally:
        await db.close()


async def test_killed_at_once_after_the_answer(desk: Desk) -> None:
    bot = await desk.start()
    assert await post(desk, bot, alert(1), alert(2))
    await bot.killed()
    await desk.start()
    await assert_each_told_once(desk, [1, 2])


async def test_killed_before_slack_was_there(desk: Desk) -> None:
    bot = await desk.start(only="page")
    assert await post(desk, bot, alert(1))
    await bot.killed()
    await desk.start()
    await assert_each_told_once(desk, [1])


@pytest.mark.parametrize("kind", ["hang", "accepted_500", "drop"])
async def test_killed_while_slack_is_being_told(desk: Desk, kind: str) -> None:
    await desk.workspace.do("fault", method="chat.postMessage", kind=kind, times=2, seconds=30)
    bot = await desk.start()
    assert await post(desk, bot, alert(1))
    await asyncio.sleep(0.3)
    await bot.killed()
    await desk.workspace.do("fault", kind="off")
    await desk.start()
    await assert_each_told_once(desk, [1])


async def test_killed_at_random_moments_of_a_storm(desk: Desk) -> None:
    """Whatever was answered with 200 is told; an alert that was not answered is sent again, as Prometheus does."""
    chance = random.Random(5)
    env = {"BADDAY_SLACK_PACE": "off"}
    await desk.workspace.do("fault", kind="off")
    bot = await desk.start(env=env)
    waiting = list(range(STORM))
    for _ in range(3):
        killing = asyncio.create_task(_killed_after(bot, chance.uniform(0.05, 0.4)))
        taken = await asyncio.gather(*(post(desk, bot, alert(number)) for number in waiting))
        waiting = [number for number, was in zip(waiting, taken, strict=True) if not was]
        await killing
        bot = await desk.start(env=env)
    for number in waiting:
        assert await post(desk, bot, alert(number))
    await assert_each_told_once(desk, list(range(STORM)))
    assert len(await rows(desk, Alert, col(Alert.id))) == STORM
    assert len(await rows(desk, Incident, col(Incident.id))) == STORM


async def _killed_after(bot: Bot, seconds: float) -> None:
    await asyncio.sleep(seconds)
    await bot.killed()


async def test_two_replicas_take_the_same_alerts_and_one_dies(desk: Desk) -> None:
    first, second = await desk.start(), await desk.start()
    sent = [alert(number, "Same") for number in range(20)]
    answers = await asyncio.gather(*(post(desk, bot, one) for one in sent for bot in (first, second)))
    assert all(answers)
    await first.killed()
    (incident,) = await rows(desk, Incident, col(Incident.known))
    assert incident.startswith("20 alerts firing")
    await asyncio.sleep(6)  # a lease of the dead one ends
    assert len(await told(desk)) == 1
