"""Nobody answers at night: the real bot pages whoever comes next until somebody takes it, whatever dies meanwhile."""

import asyncio
import random
import re

import pytest
from sqlalchemy import select, update
from sqlmodel import col

from bot.store.database import Database
from bot.store.tables import Escalation, Page, PageAttempt
from tests.acceptance.desk import Desk, Json, buttons, eventually, text_of


async def version(desk: Desk) -> int:
    """The version of the escalation: each of its steps is one more."""
    db = Database(desk.database_url)
    try:
        async with db.reading() as session:
            return (await session.execute(select(col(Escalation.version)))).scalar_one()
    finally:
        await db.close()


async def hurry(desk: Desk, *, at: int | None = None) -> None:
    """Let the time of the next step be now, so that nobody has to wait five minutes; only at this version, if given."""
    db = Database(desk.database_url)
    try:
        async with db.transaction() as session:
            due = select(col(Escalation.started_at)).where(col(Escalation.id) == 1).scalar_subquery()
            still = [] if at is None else [col(Escalation.version) == at]
            waits = (col(Escalation.state) == "paging", *still)
            await session.execute(update(Escalation).where(*waits).values(next_at=due))
    finally:
        await db.close()


async def pages(desk: Desk) -> list[tuple[int, int, str]]:
    """Who was paged: round, step, person."""
    db = Database(desk.database_url)
    try:
        async with db.reading() as session:
            rows = (await session.execute(select(Page).order_by(col(Page.id)))).scalars()
            return [(one.round, one.step, one.person) for one in rows]
    finally:
        await db.close()


async def slack_attempts(desk: Desk) -> list[tuple[str, bool]]:
    """The outcomes of attempts by Slack, and whether they are waited for no more."""
    db = Database(desk.database_url)
    try:
        async with db.reading() as session:
            rows = (await session.execute(select(PageAttempt).where(col(PageAttempt.method) == "slack"))).scalars()
            return [(one.outcome, one.settled_at is not None) for one in rows]
    finally:
        await db.close()


async def paged(desk: Desk, person: str, *, times: int = 1, within: float = 20.0) -> list[Json]:
    """The pages in a person's direct messages, once there are so many."""

    async def look() -> list[Json] | None:
        found = await desk.workspace.of_bot("badday", user=person)
        return found if len(found) >= times else None

    look.__qualname__ = f"page {times} to {person}"
    return await eventually(look, within=within)


async def whispered(desk: Desk, user: str, words: str) -> None:
    async def look() -> bool:
        seen = await desk.workspace.messages("support-bot", user=user)
        return any(one.get("is_ephemeral") and words in text_of(one) for one in seen)

    look.__qualname__ = f"looking for {words!r} told to {user} alone"
    await eventually(look)


async def says(desk: Desk, channel: str, words: str, *, user: str = "maria") -> Json:
    """The first message of the bot in a channel that says the words."""

    async def look() -> Json | None:
        return next((one for one in await desk.workspace.of_bot(channel, user=user) if words in text_of(one)), None)

    look.__qualname__ = f"looking for {words!r} in {channel}"
    return await eventually(look)


async def in_channel(desk: Desk, words: str) -> Json:
    """The first message that the whole channel sees and that says the words, also out of a thread."""

    async def look() -> Json | None:
        seen = await desk.workspace.messages("support-bot")
        return next((one for one in seen if words in text_of(one) and not one.get("is_ephemeral")), None)

    look.__qualname__ = f"looking for {words!r} in the channel"
    return await eventually(look)


async def test_nobody_answers_so_the_deputy_is_paged_and_takes_it(desk: Desk) -> None:
    await desk.start()
    desk.page.status = "major_outage"
    (first,) = await paged(desk, "maria")
    assert "or Sam Lee is paged" in text_of(first)
    assert "then Sam Lee at" in text_of(await desk.root())
    assert len(await desk.workspace.messages("support-bot")) == 1, "the root tells the first step"

    await hurry(desk)
    (second,) = await paged(desk, "sam")
    told = await in_channel(desk, "Escalated: paging")
    assert told.get("subtype") == "thread_broadcast"
    assert "Sam Lee" in text_of(told)

    await desk.click("sam", second, "acknowledge", channel="badday")
    await desk.thread_says("acknowledged")
    for user in ("maria", "sam"):
        edited = await says(desk, "badday", "Acknowledged by Sam Lee", user=user)
        assert not {"acknowledge", "cannot_take_it"} & set(buttons(edited))
    assert not {"acknowledge", "escalate_now"} & set(buttons(await desk.root()))

    await hurry(desk)
    await desk.workspace.do("command", user="sam", channel="support-bot", command="/badday", text="status")
    await whispered(desk, "sam", "support-bot")
    assert await pages(desk) == [(0, 0, "maria"), (0, 1, "sam")]


async def test_whoever_cannot_take_it_hands_it_on(desk: Desk) -> None:
    await desk.start()
    desk.page.status = "major_outage"
    (page,) = await paged(desk, "maria")
    await desk.click("maria", page, "cannot_take_it", channel="badday")
    await paged(desk, "sam")
    await desk.thread_says("cannot take it")
    assert await pages(desk) == [(0, 0, "maria"), (0, 1, "sam")]


async def test_two_people_escalate_at_once_and_the_second_is_told_who_was_first(desk: Desk) -> None:
    await desk.start()
    desk.page.status = "major_outage"
    root = await desk.root()
    await asyncio.gather(*(desk.click(user, root, "escalate_now") for user in ("maria", "ana")))

    async def told() -> bool:
        seen = [one for user in ("maria", "ana") for one in await desk.workspace.messages("support-bot", user=user)]
        return (
            sum(bool(one.get("is_ephemeral")) and "Already escalated to Sam Lee" in text_of(one) for one in seen) == 1
        )

    await eventually(told)
    assert await pages(desk) == [(0, 0, "maria"), (0, 1, "sam")]


async def test_a_snooze_is_chosen_on_the_page_and_shown_on_it(desk: Desk) -> None:
    await desk.start()
    desk.page.status = "major_outage"
    (page,) = await paged(desk, "maria")
    chosen = re.findall(r"esc:1:v\d+:30", text_of(page))
    click = {"user": "maria", "channel": "badday", "ts": page["ts"], "action_id": "snooze", "value": chosen[0]}
    await desk.workspace.do("click", **click)
    await says(desk, "badday", "Snoozed until")
    await desk.thread_says("snoozed for 30 min")
    assert "snoozed until" in text_of(await desk.root())


async def test_whoever_is_in_do_not_disturb_is_not_waited_for(desk: Desk) -> None:
    await desk.workspace.do("presence", user="maria", dnd_minutes=60)
    await desk.start()
    desk.page.status = "major_outage"
    await paged(desk, "sam")
    await desk.thread_says("do not disturb")
    await says(desk, "badday", "You are in Do Not Disturb")


async def test_slack_down_is_not_waited_for_and_the_page_comes_once_when_it_is_back(desk: Desk) -> None:
    await desk.workspace.do("fault", method="chat.postMessage", kind="error500", times=None)
    await desk.start()
    desk.page.status = "major_outage"

    async def given_up() -> bool:
        return "unknown" in [outcome for outcome, settled in await slack_attempts(desk) if settled]

    await eventually(given_up, within=30)
    await desk.workspace.do("fault", kind="off")
    await paged(desk, "maria", within=30)
    await desk.root(within=30)

    async def told_as_delivered() -> bool:
        return [outcome for outcome, _ in await slack_attempts(desk)] == ["delivered"]

    await eventually(told_as_delivered)
    assert await pages(desk) == [(0, 0, "maria")]


async def test_people_are_paged_and_incidents_taken_by_typing(desk: Desk) -> None:
    await desk.start()
    typed = {"user": "maria", "channel": "support-bot", "command": "/badday"}
    await desk.workspace.do("command", **typed, text="page sam the bot insults people")
    (page,) = await paged(desk, "sam")
    assert "the bot insults people" in text_of(page)
    await desk.workspace.do("command", **(typed | {"user": "sam"}), text="ack 1")
    await says(desk, "badday", "Acknowledged by Sam Lee", user="sam")
    await desk.workspace.do("command", **(typed | {"user": "sam"}), text="ack 1")
    await whispered(desk, "sam", "Already acknowledged")
    await desk.workspace.do("command", **typed, text="page sam #1 please look again")
    await paged(desk, "sam", times=2)
    root = await in_channel(desk, "the bot insults people")

    async def asked_for() -> bool:
        replies = await desk.workspace.messages("support-bot", thread_ts=root["ts"])
        return any("Asked for Sam Lee: please look again" in text_of(one) for one in replies)

    await eventually(asked_for)
    await desk.workspace.do("command", **typed, text="page nobody help")
    await whispered(desk, "maria", "There is neither a person nor a system")
    await desk.workspace.do("command", **typed, text="page ana")
    await whispered(desk, "maria", "neither a person")


@pytest.mark.parametrize("replicas", [1, 3])
async def test_killed_between_steps_no_step_is_lost_and_none_is_doubled(desk: Desk, replicas: int) -> None:
    chance = random.Random(replicas)
    running = [await desk.start() for _ in range(replicas)]
    desk.page.status = "major_outage"
    await paged(desk, "maria")
    for person, times in (("sam", 1), ("maria", 2), ("maria", 3)):
        before = await version(desk)
        victim = running.pop(chance.randrange(len(running)))
        if chance.random() < 0.5:
            await hurry(desk, at=before)
        await victim.killed()
        running.append(await desk.start())
        await hurry(desk, at=before)
        await paged(desk, person, times=times)
    steps = await pages(desk)
    assert steps == [
        *((0, 0, "maria"), (0, 1, "sam")),
        *((0, 2, "maria"), (0, 2, "sam"), (0, 2, "#support-bot")),
        *((1, 0, "maria"),),
    ]
    for person in ("maria", "sam"):
        times = sum(who == person for _, _, who in steps)
        assert len(await paged(desk, person, times=times)) == times
