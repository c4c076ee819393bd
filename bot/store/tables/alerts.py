"""Alerts that other systems sent, and what keeps findings from paging."""

from datetime import datetime

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from bot.store.tables.base import Leased, json_field


class Alert(Leased, table=True):
    """One alert of another system, as it said last; the same one sent again is the same row.

    It is a row before the sender gets its answer, and becomes a finding after that: `handled_revision < revision` means
    that this waits.
    """

    __tablename__ = "alert"
    __table_args__ = (
        UniqueConstraint("system", "fingerprint"),
        Index("ix_alert_system_cause", "system", "cause"),
        Index(
            "ix_alert_waiting",
            "id",
            sqlite_where=text("handled_revision < revision"),
            postgresql_where=text("handled_revision < revision"),
        ),
        Index("ix_alert_expiring", "ends_at", sqlite_where=text("firing"), postgresql_where=text("firing")),
    )

    id: int | None = Field(default=None, primary_key=True)
    system: str
    fingerprint: str
    """SHA-256 of what makes it the same alert: its labels, or the sender's own key."""
    source: str
    """alertmanager, grafana, generic"""
    cause: str
    """The label `alertname`, or the field `cause`; each of a system is its own incident."""
    severity: str
    title: str
    text: str = ""
    url: str | None = None
    labels: dict[str, str] = json_field(default_factory=dict)
    annotations: dict[str, str] = json_field(default_factory=dict)
    firing: bool
    starts_at: datetime
    ends_at: datetime | None = None
    received_at: datetime
    """When it was first heard of."""
    changed_at: datetime
    revision: int = 1
    """Grows when it begins, ends, or changes its words or severity; not when it is merely repeated."""
    handled_revision: int = Field(default=0)
    finding_id: int | None = Field(default=None, foreign_key="finding.id", index=True)


class Silence(SQLModel, table=True):
    """What shall not page for a while, and why. It lives until its end, whatever resolves meanwhile."""

    __tablename__ = "silence"

    id: int | None = Field(default=None, primary_key=True)
    system: str
    cause: str | None = None
    """Subject or kind of the findings (an alertname, a provider, `calls_failing`); `*` at the end matches the rest.

    None: everything about the system.
    """
    reason: str
    created_at: datetime
    created_by: str
    starts_at: datetime
    ends_at: datetime = Field(index=True)
    begun_at: datetime | None = None
    """When the pages of open incidents were suspended for it; None: not yet."""
    cancelled_at: datetime | None = None
    cancelled_by: str | None = None


class Hold(SQLModel, table=True):
    """What keeps a finding from an incident of one system; at most one is open for a finding and a system."""

    __tablename__ = "hold"
    __table_args__ = (
        Index(
            "uq_hold_open",
            "finding_id",
            "system",
            unique=True,
            sqlite_where=text("released_at IS NULL"),
            postgresql_where=text("released_at IS NULL"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    finding_id: int = Field(foreign_key="finding.id", index=True)
    system: str
    held_by: str = Field(index=True)
    """`silence:3`, `maintenance:index-rebuild` or `incident:42`."""
    reason: str
    """Why, in the words of whoever silenced, of the catalog, or of the inhibiting incident."""
    since: datetime
    released_at: datetime | None = None
    """When it opened its incident, or was over by itself."""
