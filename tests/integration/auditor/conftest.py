"""An auditor, its clock and the rows that it looks at, on either engine, and a heartbeat service that a test plays."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import select, update
from sqlmodel import SQLModel

from bot.auditor.auditor import Auditor
from bot.auditor.heartbeat import Heartbeat
from bot.catalog import Catalog
from bot.catalog.models import Person, System
from bot.incidents import incidents
from bot.paging.courier import web_client
from bot.store.database import Database
from bot.store.tables import (
    Alert,
    Escalation,
    Finding,
    Hold,
    InboxItem,
    Incident,
    OutboxMessage,
    Page,
    PageAttempt,
    PollTarget,
    RunbookRun,
    RunbookStep,
    Silence,
    SlackWorkspace,
)

MINUTE = timedelta(minutes=1)
SECRET = "a-name-that-nobody-guesses"
CATALOG = Catalog(
    people={
        key: Person(key, name, f"{key}@example.com") for key, name in (("maria", "Maria Ortiz"), ("sam", "Sam Lee"))
    },
    systems={
        "support-bot": System("support-bot", "maria", "support-bot"),
        "search": System("search", "sam", "search"),
    },
)


@dataclass
class Service:
    """What takes the heartbeats: counts them, and refuses or is slow where a test says so."""

    port: int = 0
    pings: list[str] = field(default_factory=list)
    status: str = "200 OK"
    silent: bool = False

    @property
    def url(self) -> SecretStr:
        return SecretStr(f"http://127.0.0.1:{self.port}/ping/{SECRET}")

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.pings.append(head.decode().partition("\r\n")[0])
        if not self.silent:
            writer.write(f"HTTP/1.1 {self.status}\r\nContent-Length: 2\r\nConnection: close\r\n\r\nOK".encode())
            await writer.drain()
        else:
            await reader.read()  # until whoever waits for an answer gives up
        writer.close()


@dataclass
class Desk:
    """The store with nothing overdue; a test makes something so."""

    db: Database
    now: datetime
    service: Service
    web: httpx.AsyncClient
    auditor: Auditor = field(init=False)

    def clock(self) -> datetime:
        return self.now

    async def looks(self, auditor: Auditor | None = None, *, after: timedelta = MINUTE) -> list[str] | None:
        """What is stuck at the next look, by the keys of its rows; None where nobody looked."""
        self.now += after
        found = await (auditor or self.auditor).look()
        return None if found is None else [one.key for one in found]

    async def add(self, *rows: SQLModel) -> None:
        async with self.db.transaction() as session:
            for row in rows:
                session.add(row)
                await session.flush()

    async def all(self, table: type[Any]) -> list[Any]:
        async with self.db.reading() as session:
            return list((await session.execute(select(table))).scalars())

    async def change(self, table: type[Any], **values: Any) -> None:
        """Every row of the table."""
        async with self.db.transaction() as session:
            await session.execute(update(table).values(**values))

    async def incident(self, system: str = "support-bot", *, severity: str = "sev3") -> int:
        """An incident that waits for nothing: its messages are in Slack."""
        async with self.db.transaction() as session:
            opened = await incidents.open_incident(
                session,
                CATALOG,
                system=system,
                cause=f"test of {system}",
                title="Answers are wrong",
                severity=severity,
                known="",
                actor="badday",
                now=self.now,
            )
        await self.sent()
        assert opened.id is not None
        return opened.id

    async def sent(self) -> None:
        """Slack has everything."""
        await self.change(
            OutboxMessage, state="sent", sent_revision=OutboxMessage.revision, slack_channel="C1", slack_ts="1.0"
        )

    async def told(self) -> dict[str, list[str]]:
        """Who was told of what."""
        found = [row for row in await self.all(OutboxMessage) if row.kind == "auditor"]
        return {row.channel: [one["text"] for one in row.subject["stuck"]] for row in found}

    async def incidents(self) -> list[Incident]:
        return await self.all(Incident)

    async def overdue(self, kind: str) -> str:
        """Make one thing of the kind overdue by ten minutes; returns the key that it is known by."""
        due = self.now - 10 * MINUTE
        row: Any
        match kind:
            case "escalation":
                row = Escalation(
                    incident_id=await self.incident(),
                    policy={},
                    state="paging",
                    next_at=due,
                    started_at=due,
                    changed_at=due,
                )
            case "page":
                row = self._page(await self.incident(), next_at=due)
            case "attempt":
                page = self._page(await self.incident())
                await self.add(page)
                row = PageAttempt(page_id=page.id, method="twilio", at=due, outcome="pending", not_before=due)
            case "hold":
                silence = Silence(
                    system="support-bot",
                    reason="index",
                    created_at=due,
                    created_by="sam",
                    starts_at=due - MINUTE,
                    ends_at=due,
                )
                finding = Finding(
                    kind="alert", subject="x", severity="sev2", title="Queue full", dedupe_key="x", opened_at=due
                )
                await self.add(silence, finding)
                held_by = f"silence:{silence.id}"
                row = Hold(finding_id=finding.id, system="support-bot", held_by=held_by, reason="index", since=due)
            case "step":
                number = await self.incident()
                run = RunbookRun(incident_id=number, runbook="x", digest="", document={}, started_at=due)
                await self.add(run)
                row = RunbookStep(
                    run_id=run.id,
                    incident_id=number,
                    position=0,
                    name="move",
                    title="Move chat",
                    state="ready",
                    requested_at=due,
                )
            case "alert":
                row = Alert(
                    system="support-bot",
                    fingerprint="f",
                    source="generic",
                    cause="QueueFull",
                    severity="sev2",
                    title="Queue full",
                    firing=True,
                    starts_at=due,
                    received_at=due,
                    changed_at=due,
                )
            case "click":
                row = InboxItem(dedupe_key="c", kind="action", payload={}, received_at=due)
            case "message":
                await self.incident()
                await self.add(SlackWorkspace(url="https://example.slack.com/"))
                await self.change(
                    OutboxMessage,
                    state="pending",
                    sent_revision=0,
                    slack_ts=None,
                    slack_channel=None,
                    not_before=due,
                    changed_at=due,
                )
                (row,) = await self.all(OutboxMessage)
                return f"message:{row.id}"
            case _:
                assert kind == "poll"
                row = PollTarget(
                    id="p",
                    engine="statuspage",
                    url="https://status.example",
                    interval_seconds=60,
                    next_due=due,
                    attempt=7,
                )
        await self.add(row)
        return f"{kind}:{row.id}"

    async def resolve(self, kind: str) -> None:
        """What was overdue is so no more."""
        match kind:
            case "escalation":
                await self.change(Escalation, ended_at=self.now)
            case "page":
                await self.change(Page, next_at=None)
            case "attempt":
                await self.change(PageAttempt, outcome="delivered")
            case "hold":
                await self.change(Hold, released_at=self.now)
            case "step":
                await self.change(RunbookStep, state="done")
            case "alert":
                await self.change(Alert, handled_revision=1)
            case "click":
                await self.change(InboxItem, state="done")
            case "message":
                await self.sent()
            case _:
                await self.change(PollTarget, next_due=self.now + MINUTE)

    def _page(self, incident: int, **values: Any) -> Page:
        return Page(incident_id=incident, person="sam", state="paging", created_at=self.now, **values)


@pytest.fixture
async def desk(db: Database, now: datetime) -> AsyncIterator[Desk]:
    """It has looked once and found nothing."""
    service = Service()
    server = await asyncio.start_server(service.serve, "127.0.0.1", 0)
    service.port = server.sockets[0].getsockname()[1]
    async with web_client() as web:
        opened = Desk(db, now, service, web)
        opened.auditor = Auditor(db, lambda: CATALOG, opened.clock, Heartbeat(service.url, web))
        assert await opened.looks() is None
        assert await opened.looks() == []
        service.pings.clear()
        yield opened
    server.close()
    await server.wait_closed()
