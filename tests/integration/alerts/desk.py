"""Alerts taken in over HTTP by the real routes, on a database of either engine, with a clock that is set by hand."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx
from sqlalchemy import func, select
from starlette.applications import Starlette

from bot.alerts.handler import AlertHandler
from bot.alerts.intake import AlertIntake
from bot.catalog import Catalog, parse_catalog
from bot.http import alerts, problems
from bot.incidents.closing import Closer
from bot.settings import Settings
from bot.store.database import Database
from bot.store.tables import Alert, Finding, Incident, OutboxMessage, TimelineEntry
from bot.store.tokens import TokenBook

CATALOG = parse_catalog("""
badday: 1
people:
  maria: {name: Maria Ortiz, email: maria@example.com}
  sam: {name: Sam Lee, email: sam@example.com}
systems:
  support-bot: {owner: maria, deputies: [sam], channel: support-bot}
  search: {owner: sam, channel: search}
""")


@dataclass
class AlertDesk:
    db: Database
    now: datetime
    settings: Settings = field(default_factory=Settings)
    catalog: Catalog = CATALOG
    client: httpx.AsyncClient = field(init=False)

    def clock(self) -> datetime:
        return self.now

    def passes(self, **time: float) -> datetime:
        self.now += timedelta(**time)
        return self.now

    @property
    def handler(self) -> AlertHandler:
        return AlertHandler(self.db, lambda: self.catalog, self.clock)

    def app(self, intake: AlertIntake | None = None) -> Starlette:
        """Another process would have an intake of its own, too."""
        intake = intake or AlertIntake(self.db, lambda: self.catalog, self.clock)
        routes = alerts.routes(self.settings, TokenBook(self.db), intake, lambda: self.catalog, self.clock)
        return Starlette(routes=routes, exception_handlers=problems.EXCEPTION_HANDLERS)

    async def post(self, *sent: Any, path: str = "/api/v2/alerts", **options: Any) -> httpx.Response:
        body = list(sent) if path == "/api/v2/alerts" else sent[0]
        return await self.client.post(path, json=body, **options)

    async def closes(self) -> None:
        """What is due to be resolved is."""
        await Closer(self.db, self.clock).close_due()

    async def all(self, table: type[Any]) -> list[Any]:
        async with self.db.reading() as session:
            return list((await session.execute(select(table).order_by(*table.__table__.primary_key))).scalars())

    async def incidents(self) -> list[Incident]:
        return await self.all(Incident)

    async def alerts(self) -> list[Alert]:
        return await self.all(Alert)

    async def findings(self) -> list[Finding]:
        return await self.all(Finding)

    async def messages(self, kind: str) -> list[OutboxMessage]:
        return [message for message in await self.all(OutboxMessage) if message.kind == kind]

    async def timeline(self) -> list[TimelineEntry]:
        return await self.all(TimelineEntry)

    async def count(self, table: type[Any]) -> int:
        async with self.db.reading() as session:
            return int((await session.execute(select(func.count()).select_from(table))).scalar_one())


@asynccontextmanager
async def an_alert_desk(db: Database, now: datetime, **options: Any) -> AsyncIterator[AlertDesk]:
    desk = AlertDesk(db, now, **options)
    transport = httpx.ASGITransport(desk.app())
    async with httpx.AsyncClient(transport=transport, base_url="http://badday") as client:
        desk.client = client
        yield desk


def alert(name: str = "QueueFull", *, system: str = "support-bot", **labels: str) -> dict[str, Any]:
    return {"labels": {"alertname": name, "system": system, **labels}}


def over(sent: dict[str, Any]) -> dict[str, Any]:
    return sent | {"endsAt": "2020-01-01T00:00:00Z"}
