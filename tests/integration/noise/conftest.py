"""A desk for alerts and status pages whose escalations climb, on either engine, with a clock that a test sets."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.catalog import Catalog, parse_catalog
from bot.incidents import findings, incidents, silencing
from bot.incidents.closing import Closer
from bot.incidents.releasing import Releaser
from bot.paging.pager import Pager
from bot.store.database import Database
from bot.store.tables import Escalation, Finding, Hold, Incident, OutboxMessage, Page, Silence, TimelineEntry
from tests.integration.alerts.desk import AlertDesk, alert, an_alert_desk, over

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
CATALOG = """
badday: 1
people:
  maria: {name: Maria Ortiz, email: maria@example.com}
  sam: {name: Sam Lee, email: sam@example.com}
providers: {northwind: {}, cirrus: {}}
systems:
  support-bot:
    owner: maria
    deputies: [sam]
    channel: support-bot
    routes: {chat: {primary: northwind, standbys: [cirrus]}}
  search:
    owner: sam
    channel: search
    routes: {ask: {primary: northwind}}
"""
WINDOW = """
maintenance:
  index: {reason: the index is rebuilt, systems: [support-bot], starts: 2026-03-02 10:00, ends: 2026-03-02 11:00}
"""


@dataclass
class Desk:
    """Alerts come over HTTP, other findings by hand; what the workers would do happens in `later`."""

    alerts: AlertDesk

    @property
    def db(self) -> Database:
        return self.alerts.db

    @property
    def now(self) -> datetime:
        return self.alerts.now

    @property
    def catalog(self) -> Catalog:
        return self.alerts.catalog

    def plans(self, more: str) -> None:
        """The catalog with something more in it."""
        self.alerts.catalog = parse_catalog(CATALOG + more)

    async def later(self, by: timedelta = timedelta()) -> None:
        """Let the time pass and everything happen that is due by then."""
        self.alerts.now += by
        while await self.alerts.handler.work():
            pass
        await Releaser(self.db, lambda: self.catalog, lambda: self.now).work()
        await Closer(self.db, lambda: self.now).close_due()
        await Releaser(self.db, lambda: self.catalog, lambda: self.now).work()
        while await Pager(self.db, lambda: self.catalog, lambda: self.now).work():
            pass

    async def fires(self, name: str = "QueueFull", **labels: str) -> None:
        answer = await self.alerts.post(alert(name, **labels))
        assert answer.status_code == 200, answer.text
        await self.later()

    async def stops(self, name: str = "QueueFull", **labels: str) -> None:
        await self.alerts.post(over(alert(name, **labels)))
        await self.later()

    async def finds(
        self,
        kind: str,
        subject: str = "northwind",
        *,
        system: str | None = None,
        provider: str | None = None,
        severity: str = "sev2",
    ) -> tuple[Finding, Sequence[Incident]]:
        """A detector concludes something."""
        async with self.db.transaction() as session:
            finding = Finding(
                kind=kind,
                subject=subject,
                system=system,
                provider=provider,
                severity=severity,
                title=f"{subject}: {kind.replace('_', ' ')}",
                evidence={"known": f"{kind} of {subject}"},
                dedupe_key=f"{kind}:{system}:{subject}",
                opened_at=self.now,
            )
            session.add(finding)
            await session.flush()
            return finding, await findings.opened(session, self.catalog, finding, now=self.now)

    async def clears(self, finding: Finding, *, hold: timedelta = timedelta()) -> None:
        async with self.db.transaction() as session:
            row = await session.get_one(Finding, finding.id)
            row.cleared_at = self.now
            await session.flush()
            await findings.cleared(session, row, now=self.now, hold=hold)

    async def relapses(self, finding: Finding) -> None:
        async with self.db.transaction() as session:
            row = await session.get_one(Finding, finding.id)
            row.cleared_at = None
            await session.flush()
            await findings.opened(session, self.catalog, row, now=self.now)

    async def silences(
        self,
        system: str = "support-bot",
        *,
        cause: str | None = None,
        after: timedelta = timedelta(),
        last: timedelta = HOUR,
        reason: str = "we move the index",
    ) -> Silence:
        async with self.db.transaction() as session:
            return await silencing.start(
                session,
                self.catalog,
                system=system,
                cause=cause,
                starts=self.now + after,
                ends=self.now + after + last,
                reason=reason,
                actor="maria",
                now=self.now,
            )

    async def cancels(self, number: int = 1) -> None:
        async with self.db.transaction() as session:
            await silencing.cancel(session, self.catalog, number, actor="sam", now=self.now)

    async def resolves(self, number: int) -> None:
        async with self.db.transaction() as session:
            await incidents.resolve(session, number, version=None, actor="sam", now=self.now)

    async def incidents(self) -> list[Incident]:
        return await self.alerts.incidents()

    async def holds(self, *, released: bool = False) -> list[str]:
        """What holds findings back now."""
        found: list[Hold] = await self.alerts.all(Hold)
        return [one.held_by for one in found if (one.released_at is not None) == released]

    async def paged(self) -> list[str]:
        found: list[Page] = await self.alerts.all(Page)
        return [one.person for one in found]

    async def escalation(self) -> Escalation:
        found: list[Escalation] = await self.alerts.all(Escalation)
        return found[-1]

    async def messages(self, *, unsent_too: bool = True) -> list[OutboxMessage]:
        """All messages that are new in Slack: roots, pages, notes, summaries."""
        return await self.alerts.all(OutboxMessage)

    async def said(self) -> list[str]:
        found: list[TimelineEntry] = await self.alerts.all(TimelineEntry)
        return [one.text for one in found]

    async def all(self, table: type[Any]) -> list[Any]:
        return await self.alerts.all(table)


@pytest.fixture
async def desk(db: Database, now: datetime) -> AsyncIterator[Desk]:
    async with an_alert_desk(db, now, catalog=parse_catalog(CATALOG)) as opened:
        yield Desk(opened)
