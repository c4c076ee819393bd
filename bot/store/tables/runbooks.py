"""Runbook runs and their steps, and which systems are armed."""

from datetime import datetime
from typing import Any

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from bot.store.tables.base import Leased, json_field


class RunbookRun(SQLModel, table=True):
    """One execution of a runbook in an incident; it keeps the runbook as it was when the run began."""

    __tablename__ = "runbook_run"
    __table_args__ = (UniqueConstraint("incident_id", "runbook"),)

    id: int | None = Field(default=None, primary_key=True)
    incident_id: int = Field(foreign_key="incident.id", index=True)
    runbook: str
    digest: str
    """SHA-256 of the runbook file's bytes."""
    document: dict[str, Any] = json_field()
    started_at: datetime
    ended_at: datetime | None = None


class RunbookStep(Leased, table=True):
    """One step of a run. Its state changes by bot.runbooks.life alone; `version` refuses stale clicks."""

    __tablename__ = "runbook_step"
    __table_args__ = (UniqueConstraint("run_id", "position"),)

    id: int | None = Field(default=None, primary_key=True)
    run_id: int = Field(foreign_key="runbook_run.id", index=True)
    incident_id: int = Field(foreign_key="incident.id", index=True)
    position: int
    name: str
    """The step's id in the runbook."""
    title: str
    state: str = Field(index=True)
    version: int = 1
    action: str | None = None
    """The action's name (`route.set`); None for a note."""
    arguments: dict[str, Any] | None = json_field(default=None)
    note: str | None = None
    dry_run: bool = False
    previous: dict[str, Any] | None = json_field(default=None)
    """What the action read before it changed anything; undo sets it again."""
    result: dict[str, Any] | None = json_field(default=None)
    error: str | None = None
    requested_at: datetime | None = None
    requested_by: str | None = None
    finished_at: datetime | None = None
    undone_at: datetime | None = None
    undone_by: str | None = None


class Arming(SQLModel, table=True):
    """A system that its owner armed or disarmed; without a row the catalog's `armed` counts."""

    __tablename__ = "arming"

    system: str = Field(primary_key=True)
    armed: bool
    changed_at: datetime
    changed_by: str
