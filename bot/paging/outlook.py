"""What an escalation does next, as messages tell it: by when to acknowledge, and who is paged then."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.catalog import Catalog
from bot.paging import policy
from bot.paging.cover import resolved
from bot.paging.life import State
from bot.paging.overrides import StandIns, stand_ins
from bot.paging.policy import Frozen, Place
from bot.store.tables import Escalation, Incident


@dataclass(frozen=True, slots=True)
class Outlook:
    state: State
    version: int
    """For buttons, `esc:<incident>:v<version>`."""
    next_at: datetime | None
    """When the next step, the end of a snooze or of a silence comes by itself."""
    next: tuple[str, ...]
    """Whom the next step pages as things stand: people's keys, `#channel`s; empty: it is the last."""
    changed_by: str
    changed_at: datetime


async def outlook(session: AsyncSession, catalog: Catalog, incident: Incident) -> Outlook | None:
    """The outlook of an incident that pages; None where nothing climbs (any more)."""
    statement = select(Escalation).where(col(Escalation.incident_id) == incident.id, col(Escalation.ended_at).is_(None))
    row: Escalation | None = (await session.execute(statement)).scalar_one_or_none()
    if row is None or not row.policy:
        return None
    return Outlook(
        state=State(row.state),
        version=row.version,
        next_at=row.next_at,
        next=await _next(session, catalog, incident, row),
        changed_by=row.changed_by,
        changed_at=row.changed_at,
    )


async def _next(session: AsyncSession, catalog: Catalog, incident: Incident, row: Escalation) -> tuple[str, ...]:
    if row.next_at is None or row.state == State.ACKNOWLEDGED:
        return ()
    kept = policy.from_json(row.policy)
    standing = await stand_ins(session, catalog, row.next_at)
    place = Place(row.step, row.round)
    return whom(catalog, standing, kept, place, row.next_at, system=incident.system, severity=incident.severity)


def whom(
    catalog: Catalog, standing: StandIns, kept: Frozen, place: Place, at: datetime, *, system: str, severity: str
) -> tuple[str, ...]:
    """Whom the step at this place pages, or the first after it that reaches somebody; pure.

    Steps that reach nobody are passed over, as they will be.
    """
    following = policy.next_step(kept, place, at, severity=severity)
    for _ in kept.policy.steps:
        if following is None:
            return ()
        found = resolved(catalog, standing, system, kept.step(following.step).notify, at)
        people = [one.person for one in found.targets if one.person is not None]
        channels = [f"#{one.channel}" for one in found.targets if one.channel is not None]
        if people or channels:
            return tuple(dict.fromkeys((*people, *channels)))
        following = policy.next_step(kept, Place(following.step + 1, following.round), at, severity=severity)
    return ()
