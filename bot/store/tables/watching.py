"""What is polled and what was seen: poll targets, watches, observations, findings."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from bot.store.tables.base import Leased, json_field


class PollTarget(Leased, table=True):
    """One URL that is polled; the answer is fanned out to all watches of it."""

    __tablename__ = "poll_target"

    id: str = Field(primary_key=True)
    """Hash of engine and URL."""
    engine: str
    url: str
    interval_seconds: int
    next_due: datetime = Field(index=True)
    active: bool = True
    etag: str | None = None
    last_modified: str | None = None
    validated_at: datetime | None = None
    """When a whole body was last fetched without a validator."""
    body_hash: str | None = None
    snapshot: dict[str, Any] | None = json_field(default=None)
    """The last good answer, parsed."""
    fetched_at: datetime | None = None
    """When the last good answer came."""
    failures: int = 0
    error: str | None = None
    final_url: str | None = None
    missed_slots: int = 0


class WatchState(SQLModel, table=True):
    """What a watch of the catalog knows so far."""

    __tablename__ = "watch_state"

    name: str = Field(primary_key=True)
    target_id: str = Field(foreign_key="poll_target.id", index=True)
    active: bool = True
    status: str | None = None
    status_since: datetime | None = None
    observed_at: datetime | None = None
    stale: bool = False
    problem: str | None = None
    """Why the watch cannot be trusted (source moved or blocked, a component that vanished); None when it can."""
    detector: dict[str, Any] | None = json_field(default=None)


class Observation(SQLModel, table=True):
    """What one poll said for one watch; a slot is observed once, whichever replica polled."""

    __tablename__ = "observation"
    __table_args__ = (UniqueConstraint("watch", "slot"),)

    id: int | None = Field(default=None, primary_key=True)
    watch: str
    slot: datetime
    at: datetime = Field(index=True)
    verdict: str
    """bad, good or unknown."""
    status: str
    evidence: dict[str, Any] | None = json_field(default=None)


class Finding(SQLModel, table=True):
    """What a detector concluded; at most one is open for a dedupe key."""

    __tablename__ = "finding"
    __table_args__ = (
        Index(
            "uq_finding_open",
            "dedupe_key",
            unique=True,
            sqlite_where=text("cleared_at IS NULL"),
            postgresql_where=text("cleared_at IS NULL"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    kind: str
    """For example `provider_status`, `calls_failing`, `calls_silent`."""
    subject: str
    """What it is about: a provider, a watch, or `system/route/provider`."""
    system: str | None = None
    """The only system that it is about; None where it is about every system that uses the provider."""
    provider: str | None = None
    """The provider of the catalog that is to blame, where a finding about one system knows it."""
    watch: str | None = None
    severity: str
    title: str
    evidence: dict[str, Any] | None = json_field(default=None)
    dedupe_key: str = Field(index=True)
    opened_at: datetime
    cleared_at: datetime | None = None
