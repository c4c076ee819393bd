"""Incidents with their findings, timeline, roles and follow-ups."""

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
    overruled: str | None = None
    """The gravest severity that findings had told when a person chose another one; only a graver one changes it."""
    status: str = "investigating"
    """How far people are: investigating, identified, monitoring; see bot.incidents.status."""
    update_due: datetime | None = Field(default=None, index=True)
    """When whoever leads is reminded to say how it stands; None: no reminder."""
    resolution: str = ""
    """What it was and what ended it, as a person said when resolving; plain text."""
    flapping_since: datetime | None = None
    """Since when it comes and goes too often to tell each time; None while it does not."""
    flaps: int = 0
    """How often it came since then."""
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
    """opened, seen, page, acknowledged, step, note, recovered, relapsed, resolved, reopened, delivery, severity,
    status, title, role, follow_up, reminder, silenced, released, inhibited, flapping"""
    actor: str
    text: str
    """Plain text; escaped when shown."""
    data: dict[str, Any] | None = json_field(default=None)


class IncidentRole(SQLModel, table=True):
    """Who has which part in an incident: lead, communications, scribe, or a word of the team's own."""

    __tablename__ = "incident_role"

    incident_id: int = Field(foreign_key="incident.id", primary_key=True)
    role: str = Field(primary_key=True)
    person: str
    """Key of a person of the catalog, or a Slack user's id."""
    since: datetime
    given_by: str


class FollowUp(SQLModel, table=True):
    """Something to be done after an incident, with an owner."""

    __tablename__ = "follow_up"

    id: int | None = Field(default=None, primary_key=True)
    incident_id: int = Field(foreign_key="incident.id", index=True)
    text: str
    owner: str
    due_at: datetime | None = None
    created_at: datetime
    created_by: str
    done_at: datetime | None = None
    done_by: str | None = None


class Picture(SQLModel, table=True):
    """A picture of an incident's thread that somebody kept for the timeline."""

    __tablename__ = "picture"

    id: int | None = Field(default=None, primary_key=True)
    incident_id: int = Field(foreign_key="incident.id", index=True)
    entry_id: int = Field(foreign_key="timeline_entry.id", index=True)
    slack_file: str = Field(index=True)
    name: str
    mimetype: str
    content: bytes | None = None
    """None until it was fetched from Slack."""
    error: str | None = None
    kept_at: datetime
