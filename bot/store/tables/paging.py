"""Paging: the escalation of an incident, its pages, their attempts, and who stands in for whom."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from bot.store.tables.base import Leased, json_field

_OPEN = text("ended_at IS NULL")


class Escalation(Leased, table=True):
    """How an incident climbs until somebody acknowledges: one row with the time of its next step.

    The policy is kept as it was when the escalation began; `version` grows with every change of state or step, so that
    a stale button cannot skip a step.
    """

    __tablename__ = "escalation"
    __table_args__ = (
        Index("uq_escalation_open", "incident_id", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN),
    )

    id: int | None = Field(default=None, primary_key=True)
    incident_id: int = Field(foreign_key="incident.id", index=True)
    policy: dict[str, Any] = json_field()
    """See bot.paging.policy.Policy: name, steps, repeat, when it un-acknowledges."""
    state: str
    """See bot.paging.life: paging, acknowledged, snoozed, exhausted, ended."""
    step: int = 0
    """The next step to be taken, from 0."""
    round: int = 0
    """How often all steps were taken."""
    next_at: datetime | None = Field(default=None, index=True)
    """When the next step is due, a snooze is over, or silence un-acknowledges; None: nothing happens by itself."""
    version: int = 1
    started_at: datetime
    changed_at: datetime
    changed_by: str = "badday"
    change: str = ""
    """What was done last, as whoever comes too late is told it: `escalated to Sam Lee`."""
    acknowledgers: list[str] = json_field(default_factory=list)
    """Who acknowledged so far; a policy may want several."""
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    acknowledged_how: str | None = None
    """slack, email, pagerduty, twilio, webhook, command"""
    severity: str = ""
    """The incident's when it began to page; measured times are told apart by it, for it never changes."""
    reached_at: datetime | None = None
    """When the first of its pages was confirmed as delivered."""
    answered_at: datetime | None = None
    """When somebody acknowledged for the first time; it stays when that is taken back."""
    snoozed_until: datetime | None = None
    ended_at: datetime | None = None


class Page(Leased, table=True):
    """An attempt to reach one person (or one channel) about one incident; its attempts are the ways that were tried."""

    __tablename__ = "page"

    id: int | None = Field(default=None, primary_key=True)
    incident_id: int = Field(foreign_key="incident.id", index=True)
    escalation_id: int | None = Field(default=None, foreign_key="escalation.id", index=True)
    person: str
    """Key of the person; `#name` for a channel that is mentioned."""
    why: str = "owner"
    """What chose them: owner, deputy, `rotation support/primary`, `override`, `handed over by …`, by hand."""
    step: int = 0
    round: int = 0
    state: str = Field(index=True)
    """See bot.paging.life."""
    message_key: str | None = Field(default=None, index=True)
    """The outbox message that carries it in Slack; several waiting pages of one person share one."""
    methods: list[dict[str, Any]] = json_field(default_factory=list)
    """The person's ways to be reached as they were then: `{kind, options, after}`, in order (bot.catalog Contact)."""
    method: int = 0
    """The next of `methods` to be tried."""
    next_at: datetime | None = Field(default=None, index=True)
    """When that one is due; None when there is none, or the page is over."""
    created_at: datetime
    delivered_at: datetime | None = None
    acknowledged_at: datetime | None = None
    ended_at: datetime | None = None


class PageAttempt(Leased, table=True):
    """One try to deliver a page by one method, with its outcome.

    For every method but Slack the row is its own outbox: pending, sending, then what came of it.
    """

    __tablename__ = "page_attempt"

    id: int | None = Field(default=None, primary_key=True)
    page_id: int = Field(foreign_key="page.id", index=True)
    method: str
    """slack, channel, email, pagerduty, twilio, webhook, apprise"""
    options: dict[str, Any] | None = json_field(default=None)
    """As in the catalog; secrets by the name of their environment variable."""
    at: datetime
    outcome: str = Field(index=True)
    """pending, sending, delivered, failed, unknown, dropped (the page ended before it was sent)"""
    detail: str | None = None
    not_before: datetime | None = None
    tries: int = 0
    external_id: str | None = Field(default=None, index=True)
    """What the other side calls it: a call's SID, a message id, PagerDuty's dedup key."""
    told: str | None = Field(default=None, index=True)
    """What the other side knows of the incident where it wants to be told its end: open, acknowledged, resolved."""
    settled_at: datetime | None = None


class AckLink(SQLModel, table=True):
    """A link by which one person acknowledges one page; the token itself is not kept."""

    __tablename__ = "ack_link"

    token_hash: str = Field(primary_key=True)
    """SHA-256 of the token, hexadecimal."""
    page_id: int = Field(foreign_key="page.id", index=True)
    person: str
    method: str
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = None


class ContactTest(Leased, table=True):
    """One test of one of a person's methods (`/badday page test`): what was sent, and whether they confirmed it."""

    __tablename__ = "contact_test"

    id: int | None = Field(default=None, primary_key=True)
    person: str = Field(index=True)
    method: str
    options: dict[str, Any] | None = json_field(default=None)
    asked_by: str
    asked_at: datetime
    message_key: str = Field(index=True)
    """The outbox message that tells how the methods that were tested together went."""
    outcome: str = Field(default="pending", index=True)
    """pending, sending, delivered, failed, unknown"""
    detail: str | None = None
    not_before: datetime | None = None
    external_id: str | None = Field(default=None, index=True)
    settled_at: datetime | None = None
    token_hash: str | None = Field(default=None, index=True)
    confirmed_at: datetime | None = None


class CoverOverride(SQLModel, table=True):
    """Somebody stands in for a while: on a rotation's layer, or for the owner of a system."""

    __tablename__ = "cover_override"

    id: int | None = Field(default=None, primary_key=True)
    target: str = Field(index=True)
    """`rotation/support`, `rotation/support/primary` or `system/support-bot`."""
    person: str
    starts_at: datetime
    ends_at: datetime = Field(index=True)
    reason: str = ""
    created_at: datetime
    created_by: str
    cancelled_at: datetime | None = None
    cancelled_by: str | None = None
