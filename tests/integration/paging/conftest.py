"""A small team whose pages climb, on either engine, with a clock that a test sets."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select
from sqlmodel import col

from bot.catalog import Catalog
from bot.catalog.cover import Contact, Policy, PolicyStep
from bot.catalog.models import Person, System
from bot.incidents import incidents, timeline
from bot.incidents.races import Outcome
from bot.paging import escalation, pages
from bot.paging.courier import web_client
from bot.paging.pager import Pager
from bot.sandbox.mail import MailSink
from bot.store.database import Database
from bot.store.tables import Escalation, Incident, OutboxMessage, Page, PageAttempt, TimelineEntry
from tests.integration.paging.reach import OtherSide

if TYPE_CHECKING:
    from tests.integration.paging.reaching import Reach

MINUTE = timedelta(minutes=1)
SLACK = Contact("slack")
STEPS = (PolicyStep(("owner",), 5 * MINUTE), PolicyStep(("deputies",), 5 * MINUTE))
POLICY = Policy("quick", STEPS, repeat=1)


def team(policy: Policy = POLICY, **contacts: Sequence[Contact]) -> Catalog:
    """Maria owns support-bot, Sam and Ana are her deputies; contacts are Slack unless said otherwise."""
    people = {
        key: Person(key, name, f"{key}@example.com", contacts=tuple(contacts.get(key, (SLACK,))))
        for key, name in (("maria", "Maria Ortiz"), ("sam", "Sam Lee"), ("ana", "Ana Silva"))
    }
    system = System("support-bot", "maria", "support-bot", deputies=("sam", "ana"), policy=policy.name)
    return Catalog(
        people=people,
        systems={"support-bot": system},
        policies={policy.name: policy},
        contacts={"email": Contact("email")},
    )


@dataclass
class Desk:
    """The store, the catalog and the time; Slack and the other ways are played by the test."""

    db: Database
    now: datetime
    catalog: Catalog = field(default_factory=team)

    def pager(self) -> Pager:
        return Pager(self.db, lambda: self.catalog, lambda: self.now)

    async def later(self, by: timedelta) -> None:
        """Let the time pass and the Pager do what is due by then."""
        self.now += by
        while await self.pager().work():
            pass

    async def opened(self, *, severity: str = "sev1", cause: str = "test", first: Sequence[str] = ()) -> Incident:
        async with self.db.transaction() as session:
            return await incidents.open_incident(
                session,
                self.catalog,
                system="support-bot",
                cause=cause,
                title="Answers are wrong",
                severity=severity,
                known="",
                actor="badday",
                page_first=first,
                now=self.now,
            )

    async def acknowledged(self, actor: str = "sam", *, number: int = 1, how: str = "slack") -> Outcome:
        async with self.db.transaction() as session:
            return await incidents.acknowledge(session, number, version=None, actor=actor, how=how, now=self.now)

    async def resolved(self, actor: str = "sam", *, number: int = 1) -> Outcome:
        async with self.db.transaction() as session:
            return await incidents.resolve(session, number, version=None, actor=actor, now=self.now)

    async def snoozed(self, minutes: int = 15, *, actor: str = "maria", version: int | None = None) -> Outcome:
        async with self.db.transaction() as session:
            until = self.now + minutes * MINUTE
            return await escalation.snooze(session, 1, until=until, actor=actor, version=version, now=self.now)

    async def handed_over(self, actor: str, *, to: str | None = None, version: int | None = None) -> Outcome:
        async with self.db.transaction() as session:
            return await escalation.hand_over(
                session, self.catalog, 1, to=to, actor=actor, version=version, now=self.now
            )

    async def escalated(self, actor: str = "ana", *, version: int | None = None) -> Outcome:
        async with self.db.transaction() as session:
            return await escalation.escalate_now(session, self.catalog, 1, actor=actor, version=version, now=self.now)

    async def sent(self, key: str, outcome: str = "delivered", detail: str | None = None) -> None:
        """Slack took the message, or did not."""
        async with self.db.transaction() as session:
            await pages.delivered(session, key, outcome=outcome, detail=detail, now=self.now)

    async def settled(self, method: str, outcome: str, detail: str | None = None) -> None:
        async with self.db.transaction() as session:
            statement = select(PageAttempt).where(
                col(PageAttempt.method) == method, col(PageAttempt.outcome) == "pending"
            )
            attempt = (await session.execute(statement)).scalars().one()
            page = await session.get_one(Page, attempt.page_id)
            await pages.hold(session, page.incident_id)
            await pages.settled(session, attempt, outcome, detail, now=self.now)

    async def pages(self) -> list[Page]:
        async with self.db.reading() as session:
            return list((await session.execute(select(Page).order_by(col(Page.id)))).scalars())

    async def paged(self) -> list[str]:
        return [one.person for one in await self.pages()]

    async def attempts(self) -> list[tuple[str, str]]:
        async with self.db.reading() as session:
            found = (await session.execute(select(PageAttempt).order_by(col(PageAttempt.id)))).scalars()
            return [(one.method, one.outcome) for one in found]

    async def escalation(self, *, number: int = 1) -> Escalation:
        async with self.db.reading() as session:
            statement = (
                select(Escalation).where(col(Escalation.incident_id) == number).order_by(col(Escalation.id).desc())
            )
            found: Escalation | None = (await session.execute(statement)).scalars().first()
        assert found is not None
        return found

    async def incident(self, number: int = 1) -> Incident:
        async with self.db.reading() as session:
            return await session.get_one(Incident, number)

    async def messages(self, *kinds: str) -> list[OutboxMessage]:
        async with self.db.reading() as session:
            statement = (
                select(OutboxMessage)
                .where(col(OutboxMessage.kind).in_(kinds))
                .order_by(col(OutboxMessage.created_at), col(OutboxMessage.key))
            )
            return list((await session.execute(statement)).scalars())

    async def timeline(self, number: int = 1) -> list[TimelineEntry]:
        async with self.db.reading() as session:
            return list(await timeline.entries(session, number))

    async def said(self, words: str) -> bool:
        return any(words in entry.text for entry in await self.timeline())

    def with_policy(self, **changes: object) -> None:
        policy = replace(POLICY, **changes)  # type: ignore[arg-type]
        self.catalog = team(policy)


@pytest.fixture
async def desk(db: Database, now: datetime) -> Desk:
    return Desk(db, now)


@pytest.fixture
async def sink() -> AsyncIterator[MailSink]:
    async with MailSink() as opened:
        yield opened


@pytest.fixture
async def other() -> AsyncIterator[OtherSide]:
    async with OtherSide() as opened:
        yield opened


@pytest.fixture
async def reach(desk: Desk, sink: MailSink, other: OtherSide) -> AsyncIterator["Reach"]:
    from tests.integration.paging.reaching import Reach

    async with web_client() as web:
        yield Reach(desk, sink, other, web)
