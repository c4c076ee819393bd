"""What is stuck is found, set free once, told once, and forgotten; what merely waits is not."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from bot.auditor.auditor import Auditor
from bot.auditor.heartbeat import Heartbeat
from bot.auditor.looking import AT_MOST
from bot.http.paging_metrics import paging_metrics
from bot.incidents import silencing
from bot.paging import escalation
from bot.store import leases
from bot.store.tables import (
    AuditorTurn,
    DeliveryAttempt,
    Escalation,
    InboxItem,
    Incident,
    OutboxLane,
    OutboxMessage,
    Page,
    PollTarget,
    RunbookStep,
    SlackWorkspace,
    Stuck,
    TimelineEntry,
)
from tests.integration.auditor.conftest import CATALOG, MINUTE, Desk

KINDS = ("escalation", "page", "attempt", "hold", "step", "alert", "click", "message", "poll")
LEASED: dict[str, type[Any]] = {"escalation": Escalation, "page": Page, "click": InboxItem, "step": RunbookStep}


@pytest.mark.parametrize("kind", KINDS)
async def test_every_kind_is_found_told_once_forgotten_when_over_and_new_when_back(desk: Desk, kind: str) -> None:
    key = await desk.overdue(kind)
    assert await desk.looks() == [key]
    assert await desk.told() == {}, "first it is set free"

    assert await desk.looks() == [key]
    told = await desk.told()
    everybody = {"person:maria", "person:sam"}
    assert told.keys() == (everybody if kind in ("click", "poll") else {"person:maria"})
    assert all(len(texts) == 1 for texts in told.values())
    assert await desk.looks() == [key]
    assert await desk.told() == told, "told once"
    assert desk.service.pings == []

    await desk.resolve(kind)
    await desk.change(OutboxMessage, sent_revision=OutboxMessage.revision)
    assert await desk.looks() == []
    assert await desk.all(Stuck) == []
    assert len(desk.service.pings) == 1

    if kind == "poll":
        await desk.change(PollTarget, next_due=desk.now - 10 * MINUTE)
        assert await desk.looks() == [key]
        assert [row.reported_at for row in await desk.all(Stuck)] == [None]


@pytest.mark.parametrize("kind", LEASED)
async def test_a_lease_that_nobody_can_hold_is_ended_once(desk: Desk, kind: str) -> None:
    """A replica whose clock was wrong took it for a day."""
    await desk.overdue(kind)
    table = LEASED[kind]
    await desk.change(table, lease_owner="lost", lease_until=desk.now + timedelta(days=1))
    if kind == "step":
        await desk.change(table, state="running")
    (before,) = await desk.all(table)
    await desk.looks()
    (after,) = await desk.all(table)
    assert after.lease_until == desk.now
    async with desk.db.transaction() as session:
        assert not await leases.finish(session, before), "whoever held it is fenced"

    await desk.change(table, lease_until=desk.now + timedelta(days=1))
    await desk.looks()
    (later,) = await desk.all(table)
    assert later.lease_until > desk.now + MINUTE


async def test_a_lease_of_a_living_worker_is_left_alone(desk: Desk) -> None:
    await desk.overdue("page")
    until = desk.now + MINUTE + timedelta(seconds=5)
    await desk.change(Page, lease_owner="alive", lease_until=until)
    await desk.looks()
    (page,) = await desk.all(Page)
    assert page.lease_until == until


async def test_the_timeline_says_what_was_stuck_by_the_name_of_who_was_to_be_reached(desk: Desk) -> None:
    await desk.overdue("attempt")
    await desk.looks()
    await desk.looks()
    said = [row.text for row in await desk.all(TimelineEntry) if row.text.startswith("Stuck")]
    assert said == ["Stuck since 08:52 UTC: Sam Lee is not tried by phone. It was set free"]
    assert await desk.told() == {"person:maria": ["Sam Lee is not tried by phone"]}


async def test_one_that_cannot_be_set_free_keeps_nobody_from_the_others(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The incident is in the hands of somebody who never lets go (on SQLite: the whole file is)."""
    monkeypatch.setattr("bot.auditor.auditor.FREE_WITHIN", 0.3)
    await desk.overdue("page")
    await desk.overdue("poll")
    await desk.change(Page, lease_owner="lost", lease_until=desk.now + timedelta(days=1))
    held, done = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        async with desk.db.transaction() as session:
            await session.get(Incident, 1, with_for_update=True)
            held.set()
            await done.wait()

    if desk.db.engine.dialect.name == "sqlite":
        done.set()
    holding = asyncio.create_task(hold())
    await held.wait()
    assert await desk.looks() == ["page:1", "poll:p"]
    assert await desk.looks() == ["page:1", "poll:p"]
    assert (await desk.told())["person:sam"] == ["https://status.example is not polled"]
    done.set()
    await holding


async def test_hundreds_that_wait_for_the_same_are_told_as_a_few(desk: Desk) -> None:
    due = desk.now - 10 * MINUTE
    await desk.add(*(InboxItem(dedupe_key=str(n), kind="action", payload={}, received_at=due) for n in range(50)))
    found = await desk.looks()
    assert found is not None
    assert len(found) == AT_MOST


async def test_of_two_replicas_one_looks(desk: Desk) -> None:
    await desk.overdue("poll")
    other = Auditor(desk.db, lambda: CATALOG, desk.clock, Heartbeat(None, desk.web))
    desk.now += MINUTE
    found = await asyncio.gather(desk.auditor.look(), other.look())
    assert sorted(one is None for one in found) == [False, True]
    assert len(await desk.all(Stuck)) == 1


async def test_a_replica_that_died_while_it_looked_is_replaced(desk: Desk) -> None:
    await desk.change(AuditorTurn, next_at=desk.now, lease_owner="dead", lease_until=desk.now + MINUTE)
    assert await desk.looks(after=timedelta(seconds=30)) is None
    assert await desk.looks(after=timedelta(seconds=30)) == []


async def test_after_a_downtime_what_waited_gets_a_minute(desk: Desk) -> None:
    await desk.overdue("poll")
    assert await desk.looks(after=3 * MINUTE) is None
    assert desk.service.pings == [], "nobody knows yet whether all is well"
    await desk.resolve("poll")
    assert await desk.looks() == []


async def test_what_is_not_due_yet_is_not_stuck(desk: Desk) -> None:
    number = await desk.incident(severity="sev1")
    await desk.sent()
    await desk.change(Page, next_at=None)
    async with desk.db.transaction() as session:
        incident = await session.get_one(Incident, number)
        until = desk.now + 60 * MINUTE
        await escalation.snooze(session, number, until=until, actor="maria", version=None, now=desk.now)
        assert incident.id == number
    await desk.sent()
    assert [await desk.looks() for _ in range(30)] == [[]] * 30


async def test_what_is_silenced_is_not_stuck(desk: Desk) -> None:
    await desk.incident(severity="sev1")
    async with desk.db.transaction() as session:
        await silencing.start(
            session,
            CATALOG,
            system="support-bot",
            cause=None,
            starts=desk.now,
            ends=desk.now + 60 * MINUTE,
            reason="index",
            actor="maria",
            now=desk.now,
        )
    await desk.sent()
    assert [await desk.looks() for _ in range(30)] == [[]] * 30


async def test_a_message_that_slack_refused_is_not_stuck(desk: Desk) -> None:
    await desk.overdue("message")
    await desk.change(OutboxMessage, state="failed")
    assert await desk.looks() == []


async def test_a_message_that_waits_for_its_turn_in_a_busy_channel_is_not_stuck(desk: Desk) -> None:
    key = await desk.overdue("message")
    await desk.add(OutboxLane(channel="support-bot", next_at=desk.now + MINUTE))
    assert await desk.looks() == []
    await desk.change(OutboxLane, next_at=desk.now - MINUTE)
    assert await desk.looks() == [key]


async def test_a_message_that_fails_again_and_again_is_stuck_although_its_time_moves(desk: Desk) -> None:
    key = await desk.overdue("message")
    (message,) = await desk.all(OutboxMessage)
    tried = desk.now - 9 * MINUTE
    await desk.add(
        DeliveryAttempt(message_id=message.id, revision=1, at=tried, outcome="retry"),
        OutboxLane(channel="support-bot", next_at=desk.now + MINUTE),
    )
    await desk.change(OutboxMessage, not_before=desk.now + 2 * MINUTE, failures=9)
    assert await desk.looks() == [key]


async def test_a_message_for_later_is_not_stuck(desk: Desk) -> None:
    await desk.overdue("message")
    await desk.change(OutboxMessage, not_before=desk.now + 9 * MINUTE)
    assert await desk.looks() == []


async def test_replies_may_wait_longer_than_pages(desk: Desk) -> None:
    await desk.overdue("message")
    await desk.change(OutboxMessage, priority=3)
    assert await desk.looks() == []
    await desk.change(OutboxMessage, priority=0)
    assert len(await desk.looks() or ()) == 1


async def test_what_belongs_to_roles_that_never_ran_is_not_stuck(desk: Desk) -> None:
    await desk.overdue("message")
    await desk.overdue("poll")
    async with desk.db.transaction() as session:
        await session.delete(await session.get_one(SlackWorkspace, 1))
    await desk.change(PollTarget, attempt=0)
    assert await desk.looks() == []


async def test_a_page_that_is_polled_once_a_day_is_not_stuck_at_once(desk: Desk) -> None:
    await desk.overdue("poll")
    await desk.change(PollTarget, interval_seconds=86_400)
    assert await desk.looks() == []


async def test_a_look_reads_by_indexes(desk: Desk) -> None:
    """Sent messages are kept for good, so that only those that wait may be read."""
    await desk.add(
        OutboxMessage(
            id=uuid4(),
            key="x",
            kind="note",
            subject={},
            channel="c",
            priority=3,
            not_before=desk.now,
            created_at=desk.now,
            changed_at=desk.now,
        )
    )
    async with desk.db.reading() as session:
        connection = await session.connection()
        explain = "EXPLAIN QUERY PLAN"
        if desk.db.engine.dialect.name == "postgresql":
            await connection.exec_driver_sql("SET LOCAL enable_seqscan = off")  # else so small a table is read whole
            explain = "EXPLAIN"
        plan = await connection.exec_driver_sql(
            f"{explain} SELECT * FROM outbox WHERE revision > sent_revision AND state != 'failed' "
            "ORDER BY changed_at LIMIT 20"
        )
        assert "ix_outbox_waiting" in str(plan.all())


async def test_what_is_stuck_and_the_last_look_are_metrics(desk: Desk) -> None:
    await desk.overdue("poll")
    await desk.looks()
    told = (await paging_metrics(desk.db, desk.clock)).decode()
    assert 'badday_stuck{kind="poll"} 1.0' in told
    (look,) = [line for line in told.splitlines() if line.startswith("badday_auditor_last_look_timestamp_seconds ")]
    assert float(look.split()[1]) == desk.now.timestamp()
