"""What came from Slack and what goes there."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from bot.store.tables.base import Leased, json_field

_WAITS = text("revision > sent_revision")


class InboxItem(Leased, table=True):
    """An event, command or click that was accepted; it is worked off even if the process dies."""

    __tablename__ = "inbox"
    __table_args__ = (Index("ix_inbox_state_received_at", "state", "received_at"),)

    id: int | None = Field(default=None, primary_key=True)
    dedupe_key: str = Field(unique=True)
    kind: str
    """event, command, action, shortcut, view_submission, view_closed"""
    payload: dict[str, Any] = json_field()
    received_at: datetime
    state: str = "pending"
    """pending, done, failed"""
    done_at: datetime | None = None
    error: str | None = None


class OutboxMessage(Leased, table=True):
    """One message, rendered when it is sent; `revision > sent_revision` means that something waits to be sent."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index("ix_outbox_state_not_before", "state", "not_before"),
        Index("ix_outbox_channel_state", "channel", "state"),
        Index("ix_outbox_waiting", "changed_at", sqlite_where=_WAITS, postgresql_where=_WAITS),
    )

    id: UUID = Field(primary_key=True)
    key: str = Field(unique=True)
    """The message's own name, for example `incident:42:root`."""
    kind: str
    """Names the renderer, bot/slack/messages/<kind>.py."""
    subject: dict[str, Any] = json_field()
    """Ids (and for an ephemeral its text) from which the message is rendered."""
    incident_id: int | None = Field(default=None, foreign_key="incident.id", index=True)
    channel: str
    """A channel id or name, or `person:<key>` for a direct message."""
    thread_key: str | None = None
    """The key of the message whose thread it belongs to."""
    priority: int
    """See bot.store.outbox.Priority; the smaller goes first."""
    state: str = "pending"
    """pending, sending, sent, unknown, failed"""
    revision: int = 1
    sent_revision: int = 0
    not_before: datetime
    created_at: datetime
    changed_at: datetime
    sent_at: datetime | None = None
    slack_channel: str | None = None
    """The id of the channel that Slack put it in."""
    slack_ts: str | None = None
    failures: int = 0
    error: str | None = None


class OutboxLane(SQLModel, table=True):
    """When a channel may get its next message: one pace for all replicas."""

    __tablename__ = "outbox_lane"

    channel: str = Field(primary_key=True)
    next_at: datetime


class DeliveryAttempt(SQLModel, table=True):
    """One request to Slack for a message, and what came of it."""

    __tablename__ = "delivery_attempt"

    id: int | None = Field(default=None, primary_key=True)
    message_id: UUID = Field(foreign_key="outbox.id", index=True)
    revision: int
    at: datetime
    outcome: str
    """sent, unknown, failed, retry"""
    detail: str | None = None


class SlackIdentity(SQLModel, table=True):
    """A Slack user as we know it, and the person of the catalog behind it."""

    __tablename__ = "slack_identity"

    user_id: str = Field(primary_key=True)
    email: str | None = Field(default=None, index=True)
    name: str
    timezone: str | None = None
    dm_channel: str | None = None
    fetched_at: datetime


class SlackWorkspace(SQLModel, table=True):
    """Where links to messages lead, for processes that do not talk to Slack themselves; one row."""

    __tablename__ = "slack_workspace"

    id: int = Field(default=1, primary_key=True)
    url: str
    """As Slack says it, ending in a slash."""


class AppHome(SQLModel, table=True):
    """Somebody who has opened App Home, and what it shows them; the publishing itself is a message of the outbox."""

    __tablename__ = "app_home"

    user_id: str = Field(primary_key=True)
    opened_at: datetime
    """When they opened it last."""
    mark: str | None = None
    """A hash of what Slack has; None: it is to be published in any case."""
    published_at: datetime | None = None


class SlackGroup(Leased, table=True):
    """A Slack user group that the catalog names, and its members as Slack told them last."""

    __tablename__ = "slack_group"

    id: str = Field(primary_key=True)
    members: list[str] = json_field(default_factory=list)
    """Slack users, also those whom the catalog does not know."""
    fetched_at: datetime | None = None
    next_at: datetime
    """When it is asked for again."""
    failures: int = 0
    error: str | None = None
    """Slack's code where it did not tell the last time."""
