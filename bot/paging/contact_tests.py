"""Tests of a person's ways (`/badday page test`): what was sent, how it went, and what the person confirmed.

A test in Slack is a message of the outbox; for every other way its row is the outbox itself, which
bot.paging.trying works off. One message tells whoever asked how all of them went, and is edited as they go.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.engine import CursorResult
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.catalog import Catalog
from bot.paging import ways
from bot.store import outbox
from bot.store.database import wake_after_commit
from bot.store.tables import ContactTest

TOPIC = "contact tests"
MESSAGE = "contact_test"
"""The kind of the outbox message that is a test in Slack."""
REPORT = "contact_tests"
"""The kind of the one that tells how the tests went."""


async def start(
    session: AsyncSession, catalog: Catalog, person: str, *, asked_by: str, tell: str, name: str, now: datetime
) -> list[ContactTest]:
    """Test every way by which the person would be paged; `tell` is the channel (or `person:key`) that hears of it.

    `name` tells this round of tests from all others, also when it is asked for twice by accident.
    """
    key = f"contact-tests:{name}"
    if await outbox.get(session, key) is not None:
        return list(await of_message(session, key))
    tests = [
        ContactTest(
            person=person,
            method=way["kind"],
            options=way["options"] or None,
            asked_by=asked_by,
            asked_at=now,
            message_key=key,
            not_before=now,
            outcome="sending" if way["kind"] in ways.IN_SLACK else "pending",
        )
        for way in ways.of_person(catalog, person)
    ]
    if not tests:
        return []
    session.add_all(tests)
    await session.flush()
    for test in tests:
        if test.method in ways.IN_SLACK:
            await outbox.post(
                session,
                key=f"contact-test:{test.id}",
                kind=MESSAGE,
                subject={"test": test.id},
                channel=f"person:{person}",
                priority=outbox.Priority.ANSWER,
                now=now,
            )
    await outbox.post(
        session,
        key=key,
        kind=REPORT,
        subject={"tests": [test.id for test in tests], "person": person},
        channel=tell,
        priority=outbox.Priority.ANSWER,
        now=now,
    )
    wake_after_commit(session, TOPIC)
    return tests


async def of_message(session: AsyncSession, message_key: str) -> Sequence[ContactTest]:
    """The tests that one message tells of, in the order of the person's ways."""
    statement = select(ContactTest).where(col(ContactTest.message_key) == message_key).order_by(col(ContactTest.id))
    return (await session.execute(statement)).scalars().all()


async def by_token(session: AsyncSession, token_hash: str) -> ContactTest | None:
    statement = (
        select(ContactTest).where(col(ContactTest.token_hash) == token_hash).execution_options(populate_existing=True)
    )
    found: ContactTest | None = (await session.execute(statement)).scalars().first()
    return found


async def settled(
    session: AsyncSession, test: ContactTest, outcome: str, detail: str | None = None, *, now: datetime
) -> None:
    """Keep what came of a test, and show it."""
    test.outcome, test.detail, test.settled_at = outcome, detail, now
    await session.flush()
    await outbox.edit(session, test.message_key, now=now)


async def in_slack(session: AsyncSession, message_key: str, *, outcome: str, detail: str | None, now: datetime) -> None:
    """Keep what came of sending a test's message to Slack."""
    test = await session.get(ContactTest, int(message_key.rpartition(":")[2]))
    if test is not None and test.outcome != "delivered":
        await settled(session, test, outcome, detail, now=now)


async def confirm(session: AsyncSession, token_hash: str, *, now: datetime) -> bool:
    """The person says that it reached them; False where they had before."""
    test = await by_token(session, token_hash)
    return test is not None and test.id is not None and await confirmed(session, test.id, now=now)


async def confirmed(session: AsyncSession, test_id: int, *, now: datetime) -> bool:
    """As `confirm`, by the test's number. What is confirmed was delivered, whatever was heard of it before."""
    result = await session.execute(
        update(ContactTest)
        .where(col(ContactTest.id) == test_id, col(ContactTest.confirmed_at).is_(None))
        .values(confirmed_at=now, outcome="delivered", settled_at=now)
        .execution_options(synchronize_session=False)
    )
    assert isinstance(result, CursorResult)
    test = await session.get(ContactTest, test_id, populate_existing=True)
    if test is None or not result.rowcount:
        return False
    await outbox.edit(session, test.message_key, now=now)
    return True


async def last_confirmed(session: AsyncSession) -> dict[tuple[str, str], datetime]:
    """By person and kind of way, when the person last confirmed that a test reached them."""
    statement = (
        select(col(ContactTest.person), col(ContactTest.method), func.max(col(ContactTest.confirmed_at)))
        .where(col(ContactTest.confirmed_at).is_not(None))
        .group_by(col(ContactTest.person), col(ContactTest.method))
    )
    return {(person, method): at for person, method, at in (await session.execute(statement)).all()}
