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
    started_by: str = "badday"
    """Who started it by hand; else the bot, with the incident."""
    inputs: dict[str, Any] | None = json_field(default=None)
    """What was chosen for its inputs, as text by name."""
    moved: bool = Field(default=True, index=True)
    """Whether a step changed since it was last looked whose turn it is."""
    undoing_by: str | None = None
    """Who asked that all it changed is undone, one step after the other, the last one first; None: nobody."""
    close_offered_at: datetime | None = None
    """When it was told that its end has come."""
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
    round: int = 1
    """Which offer of the run's steps it belongs to: a reopened incident gets a new one."""
    route: str | None = None
    """The route that it is for, where there is one of it for each route."""
    reading: dict[str, Any] | None = json_field(default=None)
    """What its action read last: conditions of later steps speak of it."""
    check_arguments: dict[str, Any] | None = json_field(default=None)
    """What the action of its check needs, filled in."""
    tries: int = 0
    """How often it was begun since somebody asked for it."""
    not_before: datetime | None = None
    """It is not begun, or gone on with, before this moment."""
    check_until: datetime | None = None
    """Until when what its check expects must hold."""
    takes_effect: str | None = None
    """When the change is felt, where that is not at once: `up to an hour`."""
    consent_url: str | None = None
    """Where somebody must consent in the other system."""
    approval_round: int | None = None
    """The step's version when approval was asked for; answers to an earlier round do not count."""
    approval_due: datetime | None = None
    """When the question for approval ends as a refusal."""
    expires_at: datetime | None = Field(default=None, index=True)
    """When the change has lasted as long as the runbook allows."""
    expiry_asked_at: datetime | None = None
    """When the owner was asked whether it may last longer."""


class StepApproval(SQLModel, table=True):
    """One person's answer to the question whether a step may be run."""

    __tablename__ = "step_approval"

    step_id: int = Field(foreign_key="runbook_step.id", primary_key=True)
    round: int = Field(primary_key=True)
    person: str = Field(primary_key=True)
    approved: bool
    at: datetime


class Freeze(SQLModel, table=True):
    """Whether the bot may change anything at all; one row, none: it may."""

    __tablename__ = "freeze"

    id: int = Field(default=1, primary_key=True)
    frozen: bool
    reason: str
    changed_at: datetime
    changed_by: str


class Arming(SQLModel, table=True):
    """A system that its owner armed or disarmed; without a row the catalog's `armed` counts."""

    __tablename__ = "arming"

    system: str = Field(primary_key=True)
    armed: bool
    changed_at: datetime
    changed_by: str
