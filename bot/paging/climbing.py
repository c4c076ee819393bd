"""How an escalation climbs: its next step pages everybody whom it names, and sets when the one after is due.

A step that reaches nobody (nobody is on call, or nobody has a way to be reached) is said aloud, and the next step comes
at once. When no step is left, or a whole round reached nobody, the escalation is exhausted and the channel is told.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.catalog import Catalog
from bot.incidents import timeline
from bot.paging import pages, policy, ways
from bot.paging.cover import Target, resolve
from bot.paging.life import Event, State, after
from bot.paging.policy import Frozen, Place
from bot.store import outbox
from bot.store.database import wake_after_commit
from bot.store.tables import Escalation, Incident, Page

log = structlog.get_logger(__name__)
NO_WAY = "no way to be reached"


@dataclass
class Taken:
    """Whom a step paged, why, and whom it could not."""

    people: dict[str, str] = field(default_factory=dict)
    channels: dict[str, str] = field(default_factory=dict)
    missed: list[tuple[str, str]] = field(default_factory=list)
    """Target and reason."""


async def fire(
    session: AsyncSession,
    catalog: Catalog,
    incident: Incident,
    escalation: Escalation,
    *,
    now: datetime,
    by: str = "badday",
    again: bool = False,
) -> None:
    """Take the next step that reaches somebody. The caller holds the incident's lock.

    `again`: a step that was taken before is repeated after a snooze or a silence, which is no climbing by itself.
    """
    kept = policy.from_json(escalation.policy)
    climbs = escalation.version > 1 and not again
    seen: set[int] = set()
    while True:
        place = policy.next_step(kept, Place(escalation.step, escalation.round), now, severity=incident.severity)
        if place is None or place.step in seen:
            await _exhaust(session, incident, escalation, by=by, now=now)
            return
        seen.add(place.step)
        escalation.state = after(State(escalation.state), Event.FIRE) or State.PAGING
        escalation.step, escalation.round = place.step + 1, place.round
        taken = await _take(session, catalog, incident, escalation, kept, place, now=now)
        reached = bool(taken.people or taken.channels)
        wait = kept.step(place.step).wait
        escalation.next_at = now + wait if reached else now
        loud = climbs or (place != Place(0, 0) and again) or len(seen) > 1
        await _tell(session, catalog, incident, escalation, kept, place, taken, by=by, loud=loud, now=now)
        if reached:
            who = ", ".join(
                (*(called(catalog, person) for person in taken.people), *(f"#{name}" for name in taken.channels))
            )
            await moved(
                session, incident, escalation, by=by, change=f"{'escalated to' if loud else 'paging'} {who}", now=now
            )
            return


async def moved(
    session: AsyncSession, incident: Incident, escalation: Escalation, *, by: str, change: str, now: datetime
) -> None:
    """Note what was done last, make older buttons stale, and show the messages anew."""
    assert incident.id is not None
    escalation.changed_at, escalation.changed_by, escalation.change = now, by, change
    escalation.version += 1
    escalation.snoozed_until = escalation.next_at if escalation.state == State.SNOOZED else None
    await session.flush()
    if escalation.started_at < now:
        # What was written in this moment is shown as it stands when it is sent.
        await outbox.edit(session, timeline.root_key(incident.id), now=now)
        await pages.show(session, incident.id, now=now)
    wake_after_commit(session, ways.WAKES, "incidents")


def called(catalog: Catalog, person: str) -> str:
    """How people call somebody of the catalog."""
    return catalog.people[person].name if person in catalog.people else person


async def last_place(session: AsyncSession, escalation: Escalation) -> Place:
    """The step that paged somebody last."""
    statement = (
        select(col(Page.step), col(Page.round))
        .where(col(Page.escalation_id) == escalation.id)
        .order_by(col(Page.id).desc())
        .limit(1)
    )
    found = (await session.execute(statement)).first()
    return Place(*found) if found is not None else Place(0, 0)


async def _take(
    session: AsyncSession,
    catalog: Catalog,
    incident: Incident,
    escalation: Escalation,
    kept: Frozen,
    place: Place,
    *,
    now: datetime,
) -> Taken:
    resolved = await resolve(session, catalog, incident.system, kept.step(place.step).notify, now)
    taken = Taken(missed=[(one.target, one.why) for one in resolved.nobody])
    where: dict[str, Any] = {"step": place.step, "round": place.round, "escalation_id": escalation.id, "now": now}
    for person, why in reasons(resolved.targets).items():
        if await pages.page(session, catalog, incident, person, why=why, **where) is None:
            taken.missed.append((person, NO_WAY))
        else:
            taken.people[person] = why
    for channel, why in channels_of(resolved.targets).items():
        await pages.page_channel(session, incident, channel, why=why, **where)
        taken.channels[channel] = why
    return taken


def reasons(targets: Sequence[Target]) -> dict[str, str]:
    """By person, everything that chose them: whoever is chosen twice is paged once."""
    found: dict[str, list[str]] = {}
    for target in targets:
        if target.person is not None and target.why not in found.setdefault(target.person, []):
            found[target.person].append(target.why)
    return {person: ", ".join(reasons) for person, reasons in found.items()}


def channels_of(targets: Sequence[Target]) -> dict[str, str]:
    """By channel, what chose it."""
    return {target.channel: target.why for target in targets if target.channel is not None}


async def _tell(
    session: AsyncSession,
    catalog: Catalog,
    incident: Incident,
    escalation: Escalation,
    kept: Frozen,
    place: Place,
    taken: Taken,
    *,
    by: str,
    loud: bool,
    now: datetime,
) -> None:
    """One message that names everybody whom the step pages.

    The first step is told by the incident's root message itself; whatever comes above it is shown to the channel, too.
    """
    assert incident.id is not None
    data = told(taken, place, len(kept.policy.steps), loud=loud, until=escalation.next_at)
    text = words(catalog, taken, place, len(kept.policy.steps), loud=loud)
    kind = "escalated" if loud else "step_fired"
    entry = await timeline.add(session, incident.id, kind=kind, actor=by, text=text, now=now, data=data)
    for target, why in taken.missed:
        log.warning("nobody to page", incident=incident.id, target=target, why=why, step=place.step)
    if loud or taken.missed:
        await say(session, incident, entry.id, broadcast=loud, now=now)


async def say(
    session: AsyncSession, incident: Incident, entry_id: int | None, *, broadcast: bool, now: datetime
) -> None:
    """Tell an entry about the escalation in the thread; with `broadcast` the channel sees it as well."""
    await outbox.post(
        session,
        key=f"incident:{incident.id}:climb:{entry_id}",
        kind="escalation" if broadcast else "paging",
        subject={"entry": entry_id},
        channel=incident.channel,
        thread_key=timeline.root_key(incident.id or 0),
        priority=outbox.Priority.ROOT if broadcast else outbox.Priority.REPLY,
        incident_id=incident.id,
        now=now,
    )


def told(taken: Taken, place: Place, of: int, *, loud: bool, until: datetime | None) -> dict[str, Any]:
    """A step as the timeline keeps it for the messages that tell it."""
    return {
        "people": list(taken.people.items()),
        "channels": list(taken.channels),
        "missed": taken.missed,
        "step": place.step,
        "of": of,
        "round": place.round,
        "escalated": loud,
        "until": until.isoformat() if until and (taken.people or taken.channels) else None,
    }


def words(catalog: Catalog, taken: Taken, place: Place, of: int, *, loud: bool) -> str:
    """A step in one sentence."""
    who = [f"{called(catalog, person)} ({why})" for person, why in taken.people.items()]
    who += [f"#{channel}" for channel in taken.channels]
    sentences = []
    if who:
        sentences.append(f"{'Escalated: paging' if loud else 'Paging'} {', '.join(who)}")
    sentences += [f"Nobody to page for {called(catalog, target)}: {why}" for target, why in taken.missed]
    if not who:
        sentences.append("The next step comes at once")
    rounds = f", round {place.round + 1}" if place.round else ""
    return f"{'. '.join(sentences)} (step {place.step + 1} of {of}{rounds})"


async def _exhaust(
    session: AsyncSession, incident: Incident, escalation: Escalation, *, by: str, now: datetime
) -> None:
    assert incident.id is not None
    escalation.state = after(State(escalation.state), Event.EXHAUST) or State.EXHAUSTED
    escalation.next_at = None
    log.error("nobody acknowledged", incident=incident.id, system=incident.system)
    entry = await timeline.add(
        session,
        incident.id,
        kind="exhausted",
        actor=by,
        text="Nobody acknowledged: every step of the policy was taken, and nobody else will be paged by itself",
        now=now,
        data={"owner": incident.owner},
    )
    await say(session, incident, entry.id, broadcast=True, now=now)
    await moved(session, incident, escalation, by=by, change="exhausted: nobody acknowledged", now=now)
