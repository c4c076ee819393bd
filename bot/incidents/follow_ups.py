"""What is to be done after an incident, by whom, and until when. Within an incident they are numbered from 1."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.incidents import timeline
from bot.incidents.races import locked
from bot.store import audit
from bot.store.tables import FollowUp

LONGEST = 500


class FollowUpError(Exception):
    """It cannot be done; the message says why and what to do."""


async def add(
    session: AsyncSession, incident_id: int, *, text: str, owner: str, due: datetime | None, actor: str, now: datetime
) -> int:
    """Write one down, while the incident is open or later; returns its number. Raises LookupError, FollowUpError."""
    wanted = " ".join(text.split())
    if not 3 <= len(wanted) <= LONGEST:
        raise FollowUpError(f"say in 3 to {LONGEST} characters what is to be done")
    await locked(session, incident_id)
    number = len(await of_incident(session, incident_id)) + 1
    session.add(
        FollowUp(incident_id=incident_id, text=wanted, owner=owner, due_at=due, created_at=now, created_by=actor)
    )
    by = f", due {due:%Y-%m-%d}" if due is not None else ""
    await timeline.add(
        session,
        incident_id,
        kind="follow_up",
        actor=actor,
        text=f"Follow-up {number}: {wanted}{by}",
        data={"number": number, "owner": owner},
        now=now,
        show=True,
    )
    await _record(session, incident_id, number, actor=actor, after={"text": wanted, "owner": owner}, now=now)
    return number


async def done(session: AsyncSession, incident_id: int, number: int, *, actor: str, now: datetime) -> FollowUp:
    """Tick one off. Raises LookupError, and FollowUpError where there is none of this number or it is done already."""
    await locked(session, incident_id)
    rows = await of_incident(session, incident_id)
    if not 1 <= number <= len(rows):
        known = f"it has {len(rows)}" if rows else "it has none"
        raise FollowUpError(f"incident {incident_id} has no follow-up {number}; {known}")
    row = rows[number - 1]
    if row.done_at is not None:
        raise FollowUpError(f"follow-up {number} was done already on {row.done_at:%Y-%m-%d}")
    row.done_at, row.done_by = now, actor
    text = f"Follow-up {number} is done: {row.text}"
    await timeline.add(session, incident_id, kind="follow_up", actor=actor, text=text, now=now, show=True)
    await _record(session, incident_id, number, actor=actor, after={"done": True}, now=now)
    return row


async def of_incident(session: AsyncSession, incident_id: int) -> Sequence[FollowUp]:
    """In the order of their numbers."""
    statement = select(FollowUp).where(col(FollowUp.incident_id) == incident_id).order_by(col(FollowUp.id))
    return (await session.execute(statement)).scalars().all()


async def open_of(session: AsyncSession, person: str) -> Sequence[FollowUp]:
    """What a person has still to do, of all incidents: first what is due first, then what has no date."""
    statement = (
        select(FollowUp)
        .where(col(FollowUp.owner) == person, col(FollowUp.done_at).is_(None))
        .order_by(col(FollowUp.due_at).is_(None), col(FollowUp.due_at), col(FollowUp.id))
    )
    return (await session.execute(statement)).scalars().all()


async def _record(
    session: AsyncSession, incident_id: int, number: int, *, actor: str, after: dict[str, object], now: datetime
) -> None:
    await audit.record(
        session,
        actor=actor,
        action="incident.follow_up",
        object=f"incident:{incident_id}:follow-up:{number}",
        after=after,
        incident_id=incident_id,
        now=now,
    )
