"""Messages reach Slack once, whatever Slack answers and whenever the process dies."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlmodel import col

from bot.incidents import incidents
from bot.paging import pages
from bot.slack import queue
from bot.store import outbox
from bot.store.tables import DeliveryAttempt, OutboxMessage, TimelineEntry
from tests.integration.slack.conftest import CATALOG, Place, eventually, utc_now


async def test_an_incident_shows_its_root_and_pages_its_owner(place: Place) -> None:
    await place.face()
    incident = await place.open_incident(severity="sev2")
    root = await place.in_state(f"incident:{incident.id}:root", "sent")
    assert root.slack_ts
    (shown,) = await place.of_bot()
    assert "SEV2" in shown["text"]
    assert shown["attachments"][0]["color"]

    async def paged() -> Any:
        return await place.of_bot("badday", user="maria")

    (page,) = await eventually(paged)
    assert "Page SEV2 support-bot" in page["text"]

    async def delivered() -> Any:
        async with place.db.reading() as session:
            return [one for one in await pages.of_incident(session, incident.id or 0) if one.delivered_at]

    assert await eventually(delivered)


async def test_a_change_is_shown_in_the_same_message(place: Place) -> None:
    await place.face()
    incident = await place.open_incident()
    await place.in_state(f"incident:{incident.id}:root", "sent")
    async with place.db.transaction() as session:
        await incidents.acknowledge(session, incident.id or 0, version=1, actor="sam", now=utc_now())
    await place.in_state(f"incident:{incident.id}:root", "sent", latest=True)
    roots = [one for one in await place.of_bot() if "thread_ts" not in one or one["thread_ts"] == one["ts"]]
    assert len(roots) == 1
    assert "Acknowledged" in str(roots[0]["attachments"])


@pytest.mark.parametrize("kind", ["error500", "accepted_500", "hang", "drop", "ratelimited", "slow"])
async def test_a_post_arrives_exactly_once_whatever_slack_answers(
    place: Place, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.slack.web.ANSWER_WITHIN", 0.8)
    await place.face()
    await place.do("fault", kind=kind, method="chat.postMessage", times=2, seconds=1.2, retry_after=1)
    incident = await place.open_incident()
    await place.in_state(f"incident:{incident.id}:root", "sent", within=20)
    assert len(await place.of_bot()) == 1


async def test_a_lost_answer_is_read_back_and_nothing_is_sent_again(place: Place) -> None:
    await place.face()
    await place.do("fault", kind="accepted_500", method="chat.postMessage")
    incident = await place.open_incident()
    message = await place.in_state(f"incident:{incident.id}:root", "sent")
    assert len(await place.calls("chat.postMessage")) == 1
    async with place.db.reading() as session:
        statement = (
            select(col(DeliveryAttempt.outcome))
            .where(col(DeliveryAttempt.message_id) == message.id)
            .order_by(col(DeliveryAttempt.id))
        )
        assert list((await session.execute(statement)).scalars()) == ["unknown", "sent"]


async def test_a_lost_answer_in_a_thread_is_read_back_from_the_thread(place: Place) -> None:
    await place.face()
    incident = await place.open_incident()
    await place.in_state(f"incident:{incident.id}:root", "sent")
    await place.do("fault", kind="accepted_500", method="chat.postMessage")
    async with place.db.transaction() as session:
        entry = await incidents.note(session, incident.id or 0, actor="maria", text="I look", now=utc_now())
    note = await place.in_state(f"note:{entry.id}", "sent")
    root = await place.message(f"incident:{incident.id}:root")
    thread = await place.messages(thread_ts=root.slack_ts)
    assert [one["ts"] for one in thread if "I look" in one["text"]] == [note.slack_ts]


@pytest.mark.parametrize("came_through", [True, False])
async def test_a_message_that_a_dead_worker_was_sending_is_looked_up_first(place: Place, came_through: bool) -> None:
    """What kill -9 leaves behind: a message marked as being sent, whose lease nobody prolongs."""
    incident = await place.open_incident()
    key = f"incident:{incident.id}:root"
    if came_through:
        await place.face()
        await place.in_state(key, "sent")
        await place.stop()
    async with place.db.transaction() as session:
        await session.execute(
            update(OutboxMessage)
            .where(col(OutboxMessage.key) == key)
            .values(
                state="sending",
                slack_ts=None,
                slack_channel=None,
                sent_revision=0,
                lease_owner="dead",
                lease_until=utc_now() - timedelta(seconds=1),
                attempt=OutboxMessage.attempt + 1,
            )
        )
    await place.face()
    message = await place.in_state(key, "sent")
    (shown,) = await place.of_bot()
    assert shown["ts"] == message.slack_ts


async def test_pages_that_wait_for_the_same_person_become_one_message(place: Place) -> None:
    async with place.db.transaction() as session:
        for number in range(3):
            await incidents.open_incident(
                session,
                CATALOG,
                system="support-bot",
                cause=f"cause-{number}",
                title=f"Trouble {number}",
                severity="sev2",
                known="",
                actor="badday",
                now=utc_now(),
            )
    await place.face()

    async def paged() -> Any:
        return await place.of_bot("badday", user="maria")

    (page,) = await eventually(paged)
    for number in range(3):
        assert f"Trouble {number}" in page["text"]


async def test_a_page_that_cannot_be_delivered_says_why_and_what_to_do(place: Place) -> None:
    await place.face()
    incident = await place.open_incident(system="haunted", severity="sev1")

    async def told() -> Any:
        async with place.db.reading() as session:
            statement = select(TimelineEntry).where(
                col(TimelineEntry.incident_id) == incident.id, col(TimelineEntry.kind) == "delivery"
            )
            return (await session.execute(statement)).scalars().all()

    (entry,) = await eventually(told)
    assert "no Slack user has this e-mail address" in entry.text
    assert entry.data is not None
    assert entry.data["outcome"] == "failed"


async def test_a_root_that_slack_refuses_fails_with_advice_and_takes_its_thread_along(place: Place) -> None:
    await place.face()
    incident = await place.open_incident(system="lost")
    async with place.db.transaction() as session:
        entry = await incidents.note(session, incident.id or 0, actor="maria", text="hello", now=utc_now())
    root = await place.in_state(f"incident:{incident.id}:root", "failed")
    assert "there is no such channel" in (root.error or "")
    note = await place.in_state(f"note:{entry.id}", "failed")
    assert "first message of its thread could not be posted" in (note.error or "")


async def test_a_change_during_the_sending_goes_out_afterwards(place: Place) -> None:
    await place.face()
    await place.do("fault", kind="slow", method="chat.postMessage", seconds=0.6)
    incident = await place.open_incident()
    await place.in_state(f"incident:{incident.id}:root", "sending")
    await asyncio.sleep(0.2)  # the request is on its way, rendered before the change
    async with place.db.transaction() as session:
        await incidents.acknowledge(session, incident.id or 0, version=1, actor="sam", now=utc_now())
    await place.in_state(f"incident:{incident.id}:root", "sent", latest=True)
    (root, *_) = await place.of_bot()
    assert "Acknowledged" in str(root["attachments"])


async def test_an_edit_is_repeated_until_slack_takes_it(place: Place) -> None:
    await place.face()
    incident = await place.open_incident()
    await place.in_state(f"incident:{incident.id}:root", "sent")
    await place.do("fault", kind="error500", method="chat.update")
    async with place.db.transaction() as session:
        await incidents.acknowledge(session, incident.id or 0, version=1, actor="sam", now=utc_now())
    await place.in_state(f"incident:{incident.id}:root", "sent", latest=True)
    assert len(await place.calls("chat.update")) >= 2


async def test_two_replicas_send_everything_once_and_never_two_at_a_time_in_a_channel(place: Place) -> None:
    await place.face()
    await place.face()
    opened = await asyncio.gather(*(place.open_incident(cause=f"cause-{number}") for number in range(12)))
    for incident in opened:
        await place.in_state(f"incident:{incident.id}:root", "sent", within=20)
    assert len(await place.calls("chat.postMessage")) == 12
    assert len(await place.of_bot()) == 12


async def test_posts_of_a_channel_keep_the_pace_and_the_gravest_goes_first(place: Place) -> None:
    place.pace = 0.3
    for number in range(3):
        await place.open_incident(cause=f"cause-{number}")
    async with place.db.transaction() as session:
        await outbox.post(
            session,
            key="urgent",
            kind="incident_root",
            subject={"incident": 1},
            channel="support-bot",
            priority=outbox.Priority.PAGE,
            now=utc_now(),
        )
    started = asyncio.get_running_loop().time()
    await place.face()
    for number in range(1, 4):
        await place.in_state(f"incident:{number}:root", "sent")
    assert asyncio.get_running_loop().time() - started >= 0.8
    first = min(await place.of_bot(), key=lambda one: float(one["ts"]))
    assert first["ts"] == (await place.message("urgent")).slack_ts


async def test_nothing_is_claimed_where_nothing_waits(place: Place) -> None:
    async with place.db.reading() as session:
        assert await queue.waits(session, now=utc_now()) == frozenset()
    await place.open_incident()
    async with place.db.reading() as session:
        assert await queue.waits(session, now=utc_now()) == {queue.Task.POST}
