"""Incidents with their findings, timeline and pages."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from bot.store.tables.base import json_field


class Incident(SQLModel, table=True):
    """Findings that belong together: one owner, one thread, one timeline."""

    __tablename__ = "incident"
    __table_args__ = (
        Index(
            "uq_incident_open",
            "system",
            "cause",
            unique=True,
            sqlite_where=text("resolved_at IS NULL"),
            postgresql_where=text("resolved_at IS NULL"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    system: str = Field(index=True)
    cause: str
    """What makes two findings of a system the same incident, for example `provider_status:openai`."""
    title: str
    severity: str
    state: str
    """See bot.incidents.life."""
    owner: str
    """Key of the person who is responsible."""
    channel: str
    provider: str | None = None
    opened_at: datetime
    opened_by: str
    """`badday` or the person who opened it by hand."""
    known: str = ""
    """What is known, in one sentence, plain text."""
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    recovered_at: datetime | None = None
    """Since when all findings are cleared; None while one is open."""
    resolve_due: datetime | None = Field(default=None, index=True)
    """When it resolves itself if the recovery holds."""
    resolved_at: datetime | None = Field(default=None, index=True)
    resolved_by: str | None = None
    reopened: int = 0
    runbooks_started_at: datetime | None = None
    """When the runbook for it was looked up; None while that is still to be done."""
    version: int = 1
    """Grows with each change of state, so that a stale button is refused."""


class IncidentFinding(SQLModel, table=True):
    """Which findings an incident holds."""

    __tablename__ = "incident_finding"

    incident_id: int = Field(foreign_key="incident.id", primary_key=True)
    finding_id: int = Field(foreign_key="finding.id", primary_key=True, index=True)


class TimelineEntry(SQLModel, table=True):
    """One thing that happened in an incident, in our own words; foreign text is data."""

    __tablename__ = "timeline_entry"

    id: int | None = Field(default=None, primary_key=True)
    incident_id: int = Field(foreign_key="incident.id", index=True)
    at: datetime
    kind: str
    """opened, seen, page, acknowledged, step, note, recovered, relapsed, resolved, reopened, delivery"""
    actor: str
    text: str
    """Plain text; escaped when shown."""
    data: dict[str, Any] | None = json_field(default=None)


class Page(SQLModel, table=True):
    """An attempt to reach one person about one incident."""

    __tablename__ = "page"

    id: int | None = Field(default=None, primary_key=True)
    incident_id: int = Field(foreign_key="incident.id", index=True)
    person: str
    state: str = Field(index=True)
    """See bot.paging.life."""
    message_key: str = Field(index=True)
    """The outbox message that carries it; several waiting pages of one person share one."""
    created_at: datetime
    delivered_at: datetime | None = None
    acknowledged_at: datetime | None = None
    ended_at: datetime | None = None


class PageAttempt(SQLModel, table=True):
    """One try to deliver a page by one method, with its outcome."""

    __tablename__ = "page_attempt"

    id: int | None = Field(default=None, primary_key=True)
    page_id: int = Field(foreign_key="page.id", index=True)
    method: str
    at: datetime
    outcome: str
    """delivered, failed, unknown"""
    detail: str | None = None
