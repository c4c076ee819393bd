"""What changes of runbook steps did, by the trail."""

from datetime import datetime
from typing import Any

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from bot.store.tables.base import Leased, json_field


class Effect(Leased, table=True):
    """The figures before and after one change; a step that is run again gets another row."""

    __tablename__ = "effect"
    __table_args__ = (UniqueConstraint("step_id", "changed_at"),)

    id: int | None = Field(default=None, primary_key=True)
    step_id: int = Field(foreign_key="runbook_step.id", index=True)
    incident_id: int = Field(foreign_key="incident.id", index=True)
    system: str
    changed_at: datetime
    before: dict[str, Any] | None = json_field(default=None)
    after: dict[str, Any] | None = json_field(default=None)
    series: list[dict[str, Any]] | None = json_field(default=None)
    """Minute by minute, before and after: `{minute, calls, failed, cost_nano}`."""
    due: datetime | None = Field(default=None, index=True)
    """When it is looked at next; None once it is settled."""
    finding_id: int | None = Field(default=None, foreign_key="finding.id")
    """The finding that says that it has no effect."""
