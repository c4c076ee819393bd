"""The outbox rows: one a message, edits coalesce, urgent ones go first."""

from datetime import datetime, timedelta

from bot.store import leases, outbox
from bot.store.database import Database
from bot.store.tables import OutboxMessage


async def post(db: Database, now: datetime, key: str = "incident:1:root") -> OutboxMessage:
    async with db.transaction() as session:
        return await outbox.post(
            session,
            key=key,
            kind="incident_root",
            subject={"incident": 1},
            channel="support-bot",
            priority=outbox.Priority.ROOT,
            now=now,
        )


async def edit(db: Database, now: datetime, *, urgent: bool) -> OutboxMessage:
    async with db.transaction() as session:
        await outbox.edit(session, "incident:1:root", now=now, urgent=urgent)
    return await read(db)


async def read(db: Database) -> OutboxMessage:
    async with db.reading() as session:
        message = await outbox.get(session, "incident:1:root")
        assert message is not None
        return message


async def mark_sent(db: Database, message: OutboxMessage) -> None:
    async with db.transaction() as session:
        await leases.finish(session, message, state="sent", sent_revision=message.revision)


async def test_the_same_message_posted_twice_is_one_row(db: Database, now: datetime) -> None:
    assert (await post(db, now)).id == (await post(db, now)).id


async def test_an_edit_of_a_message_that_still_waits_changes_nothing(db: Database, now: datetime) -> None:
    await post(db, now)
    assert (await edit(db, now, urgent=True)).revision == 1


async def test_edits_that_tell_no_change_of_state_wait_and_become_one(db: Database, now: datetime) -> None:
    await post(db, now)
    await mark_sent(db, await read(db))
    first = await edit(db, now, urgent=False)
    second = await edit(db, now + timedelta(seconds=4), urgent=False)
    assert first.not_before == second.not_before == now + outbox.REFRESH_AFTER
    assert second.revision > second.sent_revision
    assert second.priority == outbox.Priority.REFRESH


async def test_an_urgent_edit_pulls_a_waiting_one_forward(db: Database, now: datetime) -> None:
    await post(db, now)
    await mark_sent(db, await read(db))
    await edit(db, now, urgent=False)
    urgent = await edit(db, now + timedelta(seconds=1), urgent=True)
    assert urgent.not_before == now + timedelta(seconds=1)
    assert urgent.priority == outbox.Priority.ANSWER


async def test_a_later_refresh_does_not_slow_an_urgent_edit_down(db: Database, now: datetime) -> None:
    await post(db, now)
    await mark_sent(db, await read(db))
    await edit(db, now, urgent=True)
    assert (await edit(db, now, urgent=False)).not_before == now


async def test_a_refresh_while_an_urgent_edit_is_being_sent_does_not_push_back_what_came_meanwhile(
    db: Database, now: datetime
) -> None:
    await post(db, now)
    await mark_sent(db, await read(db))
    await edit(db, now, urgent=True)
    async with db.transaction() as session:
        sending = await outbox.get(session, "incident:1:root")
        assert sending is not None
        sending.state = outbox.State.SENDING
    await edit(db, now, urgent=True)
    refreshed = await edit(db, now + timedelta(seconds=1), urgent=False)
    assert refreshed.not_before == now
    assert refreshed.priority == outbox.Priority.ANSWER


async def test_the_message_id_follows_from_its_key_alone() -> None:
    assert outbox.message_id("page:1") == outbox.message_id("page:1") != outbox.message_id("page:2")
