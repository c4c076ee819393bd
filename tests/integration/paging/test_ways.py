"""A person's ways to be reached, one after the other, and at once where one fails; on both engines."""

import asyncio
from datetime import timedelta

from bot.catalog.cover import Contact
from bot.paging import pages
from tests.integration.paging.conftest import MINUTE, SLACK, Desk, team

SECOND = timedelta(seconds=1)
EMAIL = Contact("email", {"email": "maria@example.com"}, 2 * MINUTE)
PHONE = Contact("twilio", {"number": "+34600000000"}, 4 * MINUTE)


async def test_ways_follow_each_other_as_long_as_nobody_acknowledges(desk: Desk) -> None:
    desk.catalog = team(maria=(SLACK, EMAIL, PHONE))
    await desk.opened()
    await desk.sent("page:1")
    assert await desk.attempts() == [("slack", "delivered")]
    await desk.later(2 * MINUTE)
    assert await desk.attempts() == [("slack", "delivered"), ("email", "pending")]
    await desk.settled("email", "delivered")
    await desk.acknowledged("maria")
    await desk.later(timedelta(hours=1))
    assert await desk.attempts() == [("slack", "delivered"), ("email", "delivered")]


async def test_a_failed_way_falls_through_to_the_next_at_once(desk: Desk) -> None:
    desk.catalog = team(maria=(SLACK, EMAIL, PHONE))
    await desk.opened()
    await desk.sent("page:1", "failed", "no such user")
    assert await desk.attempts() == [("slack", "failed"), ("email", "pending")]
    await desk.settled("email", "failed", "mailbox full")
    assert await desk.attempts() == [("slack", "failed"), ("email", "failed"), ("twilio", "pending")]
    assert await desk.said("could not be delivered: mailbox full; trying phone at once")


async def test_when_no_way_to_anybody_of_the_step_works_the_next_step_comes_at_once(desk: Desk) -> None:
    await desk.opened()
    await desk.sent("page:1", "failed", "no such user")
    await desk.later(timedelta(0))
    assert await desk.paged() == ["maria", "sam", "ana"]
    assert (await desk.pages())[0].state == "unreached"
    await desk.sent("page:2", "failed", "no such user")
    await desk.later(timedelta(0))
    assert len(await desk.pages()) == 3, "ana of the same step is still asked"


async def test_slack_that_does_not_take_a_page_within_15_seconds_is_not_waited_for(desk: Desk) -> None:
    desk.catalog = team(maria=(SLACK, EMAIL))
    await desk.opened()
    await desk.later(14 * SECOND)
    assert await desk.attempts() == [("slack", "sending")]
    await desk.later(SECOND)
    assert await desk.attempts() == [("slack", "unknown"), ("email", "pending")]
    (message,) = await desk.messages("page")
    assert message.state == "pending", "Slack's own message is tried on"
    await desk.later(MINUTE)
    await desk.sent("page:1")
    assert await desk.attempts() == [("slack", "delivered"), ("email", "pending")]
    assert await desk.said("Slack has not taken the page to maria within 15 s; trying e-mail at once")


async def test_a_page_that_slack_may_have_is_given_the_same_15_seconds(desk: Desk) -> None:
    desk.catalog = team(maria=(SLACK, EMAIL))
    await desk.opened()
    await desk.sent("page:1", "unknown", "no answer")
    assert await desk.attempts() == [("slack", "unknown")]
    await desk.later(15 * SECOND)
    assert await desk.attempts() == [("slack", "unknown"), ("email", "pending")]


async def test_while_slack_is_down_the_step_of_people_without_another_way_is_waited_for(desk: Desk) -> None:
    await desk.opened()
    await desk.later(4 * MINUTE)
    assert await desk.paged() == ["maria"], "Slack may be back any moment"


async def test_whoever_is_in_do_not_disturb_is_not_waited_for_and_that_is_said(desk: Desk) -> None:
    desk.catalog = team(maria=(SLACK, EMAIL))
    await desk.opened()
    await desk.sent("page:1")
    async with desk.db.transaction() as session:
        await pages.disturbs(session, "page:1", desk.now + timedelta(hours=8), now=desk.now)
        await pages.disturbs(session, "page:1", desk.now + timedelta(hours=8), now=desk.now)
    assert await desk.attempts() == [("slack", "delivered"), ("email", "pending")]
    assert await desk.said("maria is in Do Not Disturb until 17:00 UTC; trying e-mail at once")


async def test_do_not_disturb_without_another_way_lets_the_next_step_come_at_once(desk: Desk) -> None:
    await desk.opened()
    await desk.sent("page:1")
    async with desk.db.transaction() as session:
        await pages.disturbs(session, "page:1", desk.now + timedelta(hours=8), now=desk.now)
    await desk.later(timedelta(0))
    assert await desk.paged() == ["maria", "sam", "ana"]
    assert (await desk.acknowledged("maria")).applied, "who is woken all the same may take it"


async def test_what_waits_to_be_sent_is_dropped_when_somebody_acknowledges(desk: Desk) -> None:
    desk.catalog = team(maria=(SLACK, Contact("email")))
    await desk.opened()
    assert await desk.attempts() == [("slack", "sending"), ("email", "pending")]
    await desk.acknowledged("sam")
    assert await desk.attempts() == [("slack", "sending"), ("email", "dropped")]


async def test_an_outcome_and_an_acknowledgement_at_once_wait_for_each_other(desk: Desk) -> None:
    for number in range(1, 6):
        incident = await desk.opened(cause=f"race {number}")
        key = (await desk.pages())[-1].message_key
        assert key is not None

        async def sent(number: int = incident.id or 0, key: str = key) -> None:
            async with desk.db.transaction() as session:
                await pages.hold(session, number)
                await pages.delivered(session, key, outcome="delivered", detail=None, now=desk.now)

        _, outcome = await asyncio.gather(sent(), desk.acknowledged("maria", number=incident.id or 0))
        assert outcome.applied
    assert all(one.state == "acknowledged" for one in await desk.pages())


async def test_e_mail_counts_only_where_there_is_a_mail_server(desk: Desk) -> None:
    desk.catalog = team(maria=(Contact("email"),))
    object.__setattr__(desk.catalog, "contacts", {})
    await desk.opened()
    assert await desk.paged() == ["sam", "ana"]
