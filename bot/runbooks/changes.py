"""What runbooks have changed and nobody has taken back: of open incidents and of resolved ones."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.runbooks.clicks import Verb, verbs
from bot.runbooks.leftovers import change, is_in_force
from bot.runbooks.life import State
from bot.store.tables import Incident, RunbookStep


@dataclass(frozen=True, slots=True)
class Change:
    """One change in force; `until` is None where it lasts until somebody undoes it."""

    step: int
    version: int
    incident: int
    system: str
    what: str
    by: str | None
    at: datetime | None
    until: datetime | None
    can_undo: bool
    """Whether its undo is offered now: not while all is frozen."""


async def in_force(
    session: AsyncSession, *, system: str | None = None, incident: int | None = None, steps: tuple[str, ...] = ()
) -> list[Change]:
    """The newest first; only of a system, an incident or steps of these names where they are given."""
    statement = (
        select(RunbookStep, Incident)
        .join(Incident, col(Incident.id) == col(RunbookStep.incident_id))
        .where(
            col(RunbookStep.state).in_((State.DONE, State.UNDO_FAILED)),
            col(RunbookStep.action).is_not(None),
            col(RunbookStep.previous).is_not(None),
        )
        .order_by(col(RunbookStep.finished_at).desc(), col(RunbookStep.id).desc())
    )
    if system is not None:
        statement = statement.where(col(Incident.system) == system)
    if incident is not None:
        statement = statement.where(col(Incident.id) == incident)
    if steps:
        statement = statement.where(col(RunbookStep.name).in_(steps))
    found = []
    for step, of in (await session.execute(statement)).all():
        if not is_in_force(step):
            continue
        possible = await verbs(session, step, of)
        assert step.id is not None
        assert of.id is not None
        found.append(
            Change(
                *(step.id, step.version, of.id, of.system, change(step)),
                by=step.requested_by,
                at=step.finished_at,
                until=step.expires_at,
                can_undo=Verb.UNDO in possible or Verb.RETRY in possible,
            )
        )
    return found
