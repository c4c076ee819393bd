"""Noise as people meet it: a silence by command, and an alert that comes and goes thirty times."""

import asyncio
from typing import Any

from tests.acceptance.desk import Bot, Desk, eventually, text_of

ALERT = {"labels": {"alertname": "QueueFull", "system": "support-bot", "severity": "critical"}}
OVER = ALERT | {"endsAt": "2020-01-01T00:00:00Z"}


async def send(desk: Desk, bot: Bot, alert: dict[str, Any]) -> None:
    answer = await desk.client.post(f"{bot.url}/api/v2/alerts", json=[alert])
    assert answer.status_code == 200, answer.text


async def typed(desk: Desk, text: str, expected: str, *, user: str = "maria") -> None:
    """Type a command in another channel; the answer to this person alone says the words."""
    await desk.workspace.do("command", user=user, channel="general", command="/badday", text=text)

    async def told() -> bool:
        seen = await desk.workspace.messages("general", user=user)
        return any(one.get("is_ephemeral") and expected in text_of(one) for one in seen)

    told.__qualname__ = f"looking for {expected!r} told to {user} alone"
    await eventually(told)


async def test_a_silence_holds_an_alert_back_and_its_end_lets_it_come(desk: Desk) -> None:
    bot = await desk.start()
    await typed(desk, "silence support-bot 2h we move the index", "pages nobody from")
    await send(desk, bot, ALERT)
    await typed(desk, "status", "1 finding is held back")
    await typed(desk, "silence list", "we move the index")
    assert await desk.workspace.of_bot("support-bot") == []

    await typed(desk, "silence cancel 1", "is not silent any more", user="sam")
    assert "QueueFull" in text_of(await desk.root())
    assert "QueueFull" in text_of(await desk.page_to("maria"))
    await desk.thread_says("held back until now by silence 1 (we move the index)")


async def test_a_silence_over_an_open_incident_is_said_in_its_thread(desk: Desk) -> None:
    bot = await desk.start()
    await send(desk, bot, ALERT)
    await desk.page_to("maria")
    await typed(desk, "silence support-bot/QueueFull until 23:59 known, see the ticket", "pages nobody from")
    await desk.thread_says("known, see the ticket (silence 1)")

    async def shown() -> bool:
        return "silenced until" in text_of(await desk.root())

    await eventually(shown)


async def test_thirty_cycles_of_one_alert_are_at_most_three_messages(desk: Desk) -> None:
    bot = await desk.start()
    for _ in range(30):
        await send(desk, bot, ALERT)
        await asyncio.sleep(0.3)
        await send(desk, bot, OVER)
        await asyncio.sleep(0.3)

    async def told() -> bool:
        return "it came 30 times" in text_of(await desk.root())

    await eventually(told, within=20)
    assert len(await desk.workspace.calls("chat.postMessage")) <= 3, "counting what was posted to anybody"
    assert len(await desk.workspace.of_bot("support-bot")) == 1
