"""Escalations: an incident climbs by a policy that was frozen when it began, until somebody acknowledges.

    start -> paging --acknowledge--> acknowledged --(silence)--> paging …      every change: one transaction under the
      steps by the Pager             snooze, hand over, escalate now           lock of the incident's row, `version` + 1

Each function for a person's wish takes the version that the button was made with: one that is out of date changes
nothing, and says who did what meanwhile. See bot.paging.life for the states.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.catalog import Catalog
from bot.catalog.cover import Policy, PolicyStep
from bot.incidents import races, silences, timeline
from bot.incidents.races import Outcome, locked
from bot.incidents.severity import Severity
from bot.paging import climbing, pages, policy, ways
from bot.paging.life import Event, PageEvent, PageState, State, after
from bot.paging.policy import Frozen, Place
from bot.spans import clock
from bot.store.database import wake_after_commit
from bot.store.tables import Escalation, Incident, Silence, TimelineEntry

RESUME_WITHIN = timedelta(minutes=5)
"""An incident that is back so soon after its end goes on where it was, instead of waking everybody anew."""
RESUME_AFTER = timedelta(seconds=60)
"""So long a reopened incident has to stay bad before it pages."""
LOOK_AGAIN = timedelta(seconds=30)
LONGEST_SNOOZE = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Ack:
    """What an acknowledgement did; `missing` more people have to acknowledge before it stops climbing."""

    applied: bool
    missing: int = 0


async def start(
    session: AsyncSession, catalog: Catalog, incident: Incident, *, now: datetime, first: Sequence[str] = ()
) -> Escalation:
    """Begin to page: freeze the policy of the incident's system and take the first step in the same transaction.

    `first` are targets that are paged before the policy's own. One that runs already is returned as it is.
    """
    running = await of(session, incident.id)
    return running if running is not None else await begin(session, catalog, incident, now=now, first=first)


async def begin(
    session: AsyncSession, catalog: Catalog, incident: Incident, *, now: datetime, first: Sequence[str] = ()
) -> Escalation:
    """As `start`, of an incident that was opened in this transaction: nothing of it can run already."""
    new = _new(incident, now=now)
    new.policy = policy.to_json(_frozen(catalog, incident, first))
    session.add(new)
    await session.flush()
    await climbing.fire(session, catalog, incident, new, now=now)
    return new


async def request(session: AsyncSession, incident: Incident, *, now: datetime) -> None:
    """Begin to page where the catalog is not at hand: the Pager freezes the policy and takes the first step at once."""
    if await of(session, incident.id) is None:
        session.add(_new(incident, now=now))
        await session.flush()
        wake_after_commit(session, ways.WAKES)


async def resume(session: AsyncSession, catalog: Catalog, incident: Incident, *, now: datetime) -> Escalation:
    """Go on with a reopened incident: soon after its end where it was, once it stayed bad for a minute; else anew."""
    ended = await _latest(session, incident.id)
    if ended is None or ended.ended_at is None or now - ended.ended_at > RESUME_WITHIN or not ended.policy:
        return await start(session, catalog, incident, now=now)
    following = after(State(ended.state), Event.RESUME)
    assert following is not None
    ended.state, ended.ended_at = following, None
    await _return_to_last(session, ended)
    ended.next_at = now + RESUME_AFTER
    ended.acknowledgers, ended.acknowledged_at, ended.acknowledged_by = [], None, None
    await climbing.moved(session, incident, ended, by="badday", change="reopened", now=now)
    return ended


async def due(session: AsyncSession, catalog: Catalog, incident: Incident, row: Escalation, *, now: datetime) -> None:
    """What an escalation whose `next_at` has come does: its next step, the end of a snooze, or it un-acknowledges."""
    assert incident.id is not None
    _freeze(row, catalog, incident)
    if not Severity(incident.severity).pages:
        text = "Nobody is paged any more: this severity only tells the thread"
        await _tell(session, incident, "unpaged", "badday", text, now=now)
        await end(session, incident.id, now=now)
        return
    silence = await silences.of_incident(session, incident, now=now)
    if silence is not None:
        await _stay_silent(session, catalog, incident, row, silence, now=now)
        return
    match State(row.state):
        case State.PAGING if incident.recovered_at is not None and incident.resolve_due is not None:
            # It is about to resolve itself; nobody else is woken unless it comes back.
            row.next_at = now + LOOK_AGAIN
        case State.PAGING:
            # After a reopening the step that was paged before is repeated, which is no climbing.
            await climbing.fire(session, catalog, incident, row, now=now, again=row.change == "reopened")
        case State.SNOOZED:
            await _tell(session, incident, "woken", "badday", "The snooze is over: paging again", now=now)
            await _fire_again(session, catalog, incident, row, Event.WAKE, now=now)
        case State.SUSPENDED if incident.recovered_at is not None and incident.resolve_due is not None:
            row.next_at = now + LOOK_AGAIN
        case State.SUSPENDED:
            await _tell(session, incident, "lifted", "badday", "The silence is over: paging again", now=now)
            await _fire_again(session, catalog, incident, row, Event.LIFT, now=now)
        case State.ACKNOWLEDGED if (heard := await _silence_ends(session, row)) is not None and heard > now:
            row.next_at = heard
        case State.ACKNOWLEDGED:
            who = climbing.called(catalog, row.acknowledged_by or "whoever acknowledged")
            text = f"Nothing was heard of {who} since the acknowledgement: paging again"
            await _tell(session, incident, "unacknowledged", "badday", text, now=now)
            await _unacknowledge(session, incident, row, now=now)
            await _fire_again(session, catalog, incident, row, Event.SILENCE, now=now)
        case _:
            row.next_at = None


async def acknowledge(session: AsyncSession, incident: Incident, *, actor: str, how: str, now: datetime) -> Ack:
    """Stop climbing, because somebody takes the incident on. The caller holds the incident's lock.

    Where the policy wants several people it climbs on until enough of them have acknowledged.
    """
    row = await of(session, incident.id)
    if row is None:
        return Ack(True)
    following = after(State(row.state), Event.ACKNOWLEDGE)
    if following is None or actor in row.acknowledgers:
        return Ack(False)
    assert incident.id is not None
    row.acknowledgers = [*row.acknowledgers, actor]
    row.acknowledged_by, row.acknowledged_at, row.acknowledged_how = actor, now, how
    row.answered_at = row.answered_at or now
    wanted = policy.from_json(row.policy).policy if row.policy else Policy("", ())
    missing = wanted.acknowledgements - len(row.acknowledgers)
    if missing > 0:
        await pages.apply(session, incident.id, PageEvent.ACKNOWLEDGE, now=now, person=actor)
        await climbing.moved(session, incident, row, by=actor, change="acknowledged", now=now)
        return Ack(True, missing)
    row.state = following
    row.next_at = now + wanted.unacknowledge if wanted.unacknowledge is not None else None
    await climbing.moved(session, incident, row, by=actor, change="acknowledged", now=now)
    await pages.apply(session, incident.id, PageEvent.ACKNOWLEDGE, now=now)
    return Ack(True)


async def snooze(
    session: AsyncSession, incident_id: int, *, until: datetime, actor: str, version: int | None, now: datetime
) -> Outcome:
    """Page nobody until then; afterwards the same step pages again. Raises LookupError like all that follow."""
    incident = await locked(session, incident_id)
    row = await of(session, incident_id)
    refused = _refusal(incident, row, Event.SNOOZE, version)
    if row is None or refused is not None:
        return refused or Outcome(False, incident, "nobody is being paged")
    if not now < until <= now + LONGEST_SNOOZE:
        return Outcome(False, incident, "not possible: a snooze ends within 24 hours")
    await _return_to_last(session, row)
    row.state, row.next_at = State.SNOOZED, until
    await pages.apply(session, incident_id, PageEvent.SNOOZE, now=now)
    minutes = round((until - now).total_seconds() / 60)
    await _tell(session, incident, "snoozed", actor, f"Snoozed for {minutes} min", now=now)
    await climbing.moved(session, incident, row, by=actor, change="snoozed", now=now)
    return Outcome(True, incident)


async def suspend(session: AsyncSession, incident: Incident, *, until: datetime, by: str, now: datetime) -> bool:
    """Page nobody until then, because of a silence; False where nobody is being paged. The caller holds the lock.

    Unlike a snooze it may last for days. A snooze is left to end by itself, and finds the silence then.
    """
    row = await of(session, incident.id)
    if row is None or row.state != State.PAGING:
        return False
    await _suspend(session, incident, row, until=until, by=by, now=now)
    return True


async def look_again(session: AsyncSession, incident: Incident, *, now: datetime) -> None:
    """A silence was taken back: what it suspended goes on, if no other one covers it."""
    row = await of(session, incident.id)
    if row is not None and row.state == State.SUSPENDED:
        row.next_at = now
        await session.flush()
        wake_after_commit(session, ways.WAKES)


async def hand_over(
    session: AsyncSession,
    catalog: Catalog,
    incident_id: int,
    *,
    to: str | None = None,
    actor: str,
    version: int | None,
    now: datetime,
) -> Outcome:
    """Somebody cannot take it: `to` is paged at once, else whoever comes next.

    With others of the same step still being paged, it stays with them, and no step is skipped.
    """
    incident = await locked(session, incident_id)
    row = await of(session, incident_id)
    refused = _refusal(incident, row, Event.HAND_OVER, version)
    if row is None or refused is not None:
        return refused or Outcome(False, incident, "nobody is being paged")
    _freeze(row, catalog, incident)
    if to is not None:
        return await _hand_to(session, catalog, incident, row, to, actor=actor, now=now)
    await _unacknowledge(session, incident, row, now=now)
    await pages.apply(session, incident_id, PageEvent.DECLINE, now=now, person=actor)
    others = await _still_paged(session, row)
    if others and row.state == State.PAGING:
        who = ", ".join(climbing.called(catalog, person) for person in others)
        text = f"Cannot take it; {who} {'is' if len(others) == 1 else 'are'} being paged"
        await _tell(session, incident, "declined", actor, text, now=now)
        await climbing.moved(session, incident, row, by=actor, change="declined", now=now)
        return Outcome(True, incident)
    await _tell(session, incident, "declined", actor, "Cannot take it: the next step comes at once", now=now)
    row.state = after(State(row.state), Event.HAND_OVER) or State.PAGING
    _restart_if_over(row)
    await climbing.fire(session, catalog, incident, row, by=actor, now=now)
    return Outcome(True, incident)


async def escalate_now(
    session: AsyncSession, catalog: Catalog, incident_id: int, *, actor: str, version: int | None, now: datetime
) -> Outcome:
    """Take the next step now; after the last one it begins with the first again."""
    incident = await locked(session, incident_id)
    row = await of(session, incident_id)
    refused = _refusal(incident, row, Event.ESCALATE, version)
    if row is None or refused is not None:
        return refused or Outcome(False, incident, "nobody is being paged")
    _freeze(row, catalog, incident)
    await _unacknowledge(session, incident, row, now=now)
    _restart_if_over(row)
    row.state = after(State(row.state), Event.ESCALATE) or State.PAGING
    await climbing.fire(session, catalog, incident, row, by=actor, now=now)
    return Outcome(True, incident)


async def page_also(
    session: AsyncSession, catalog: Catalog, incident_id: int, person: str, *, actor: str, why: str = "", now: datetime
) -> Outcome:
    """Page one more person about an open incident, whatever its escalation does."""
    incident = await locked(session, incident_id)
    if incident.resolved_at is not None:
        return Outcome(False, incident, "already resolved", incident.resolved_by, incident.resolved_at)
    paged = await pages.page(
        session, catalog, incident, person, why=f"paged by {climbing.called(catalog, actor)}", now=now
    )
    if paged is None:
        return Outcome(False, incident, f"not possible: {person} has {climbing.NO_WAY}")
    await _tell(
        session,
        incident,
        "paged",
        actor,
        f"Asked for {climbing.called(catalog, person)}" + (f": {why}" if why else ""),
        now=now,
    )
    row = await of(session, incident_id)
    if row is not None:
        await climbing.moved(
            session, incident, row, by=actor, change=f"asked for {climbing.called(catalog, person)}", now=now
        )
    return Outcome(True, incident)


async def end(session: AsyncSession, incident_id: int, *, now: datetime) -> None:
    """The incident is over: nothing climbs any more, and every message says so. The caller holds its lock."""
    row = await of(session, incident_id)
    if row is not None:
        row.state = after(State(row.state), Event.END) or State.ENDED
        row.ended_at = row.changed_at = now
        row.next_at = row.snoozed_until = None
        row.version += 1
        await session.flush()
    await pages.apply(session, incident_id, PageEvent.END, now=now)


async def active(session: AsyncSession, incident: Incident, *, now: datetime) -> None:
    """Somebody did something about the incident: silence is counted anew from now."""
    row = await of(session, incident.id)
    if row is None or row.state != State.ACKNOWLEDGED or not row.policy:
        return
    silence = policy.from_json(row.policy).policy.unacknowledge
    row.next_at = now + silence if silence is not None else None
    await session.flush()


async def of(session: AsyncSession, incident_id: int | None) -> Escalation | None:
    """The escalation of an incident that is under way."""
    statement = (
        select(Escalation)
        .where(col(Escalation.incident_id) == incident_id, col(Escalation.ended_at).is_(None))
        .execution_options(populate_existing=True)
    )
    await session.flush()
    found: Escalation | None = (await session.execute(statement)).scalar_one_or_none()
    return found


async def _latest(session: AsyncSession, incident_id: int | None) -> Escalation | None:
    statement = (
        select(Escalation)
        .where(col(Escalation.incident_id) == incident_id)
        .order_by(col(Escalation.id).desc())
        .limit(1)
        .execution_options(populate_existing=True)
    )
    found: Escalation | None = (await session.execute(statement)).scalar_one_or_none()
    return found


async def _silence_ends(session: AsyncSession, row: Escalation) -> datetime | None:
    """When nothing will have been heard of anybody for too long, as the timeline stands."""
    silence = policy.from_json(row.policy).policy.unacknowledge
    if silence is None:
        return None
    statement = select(func.max(col(TimelineEntry.at))).where(
        col(TimelineEntry.incident_id) == row.incident_id, col(TimelineEntry.actor) != "badday"
    )
    heard: datetime | None = (await session.execute(statement)).scalar_one_or_none()
    return heard + silence if heard is not None else None


def _freeze(row: Escalation, catalog: Catalog, incident: Incident) -> None:
    """One that was asked for without a catalog at hand gets its policy at its first step."""
    if not row.policy:
        row.policy = policy.to_json(_frozen(catalog, incident, ()))


def _new(incident: Incident, *, now: datetime) -> Escalation:
    assert incident.id is not None
    return Escalation(
        incident_id=incident.id,
        policy={},
        state=State.PAGING,
        next_at=now,
        started_at=now,
        changed_at=now,
        severity=incident.severity,
    )


def _frozen(catalog: Catalog, incident: Incident, first: Sequence[str]) -> Frozen:
    system = catalog.systems.get(incident.system)
    if system is not None:
        return policy.frozen(catalog, system, first=first)
    # The system left the catalog; its incident still has an owner.
    return Frozen(Policy(policy.DEFAULT, (PolicyStep((*first, f"person:{incident.owner}")),)))


def _refusal(incident: Incident, row: Escalation | None, event: Event, version: int | None) -> Outcome | None:
    if incident.resolved_at is not None:
        return Outcome(False, incident, "already resolved", incident.resolved_by, incident.resolved_at)
    if row is None:
        return None
    if version is not None and version != row.version:
        return Outcome(False, incident, f"already {row.change}", row.changed_by, row.changed_at)
    if after(State(row.state), event) is None:
        return Outcome(False, incident, f"already {row.change}", row.changed_by, row.changed_at)
    return None


async def _hand_to(
    session: AsyncSession,
    catalog: Catalog,
    incident: Incident,
    row: Escalation,
    to: str,
    *,
    actor: str,
    now: datetime,
) -> Outcome:
    assert incident.id is not None
    place = await climbing.last_place(session, row)
    why = f"handed over by {climbing.called(catalog, actor)}"
    paged = await pages.page(
        session, catalog, incident, to, why=why, step=place.step, round=place.round, escalation_id=row.id, now=now
    )
    if paged is None:
        return Outcome(False, incident, f"not possible: {to} has {climbing.NO_WAY}")
    await _unacknowledge(session, incident, row, now=now)
    await pages.apply(session, incident.id, PageEvent.DECLINE, now=now, person=actor)
    row.state = after(State(row.state), Event.HAND_OVER) or State.PAGING
    kept = policy.from_json(row.policy)
    row.next_at = now + kept.step(min(place.step, len(kept.policy.steps) - 1)).wait
    await _tell(session, incident, "handed_over", actor, f"Handed over to {climbing.called(catalog, to)}", now=now)
    await climbing.moved(
        session, incident, row, by=actor, change=f"handed over to {climbing.called(catalog, to)}", now=now
    )
    return Outcome(True, incident)


async def _fire_again(
    session: AsyncSession, catalog: Catalog, incident: Incident, row: Escalation, event: Event, *, now: datetime
) -> None:
    following = after(State(row.state), event)
    assert following is not None
    row.state = following
    await _return_to_last(session, row)
    await climbing.fire(session, catalog, incident, row, now=now, again=True)


async def _stay_silent(
    session: AsyncSession, catalog: Catalog, incident: Incident, row: Escalation, silence: Silence, *, now: datetime
) -> None:
    """Something is due while a silence is in force: it comes at its end, if that is still wanted then."""
    match State(row.state):
        case State.PAGING | State.SNOOZED:
            who = climbing.called(catalog, silence.created_by)
            until = clock(silence.ends_at, now)
            text = f"Silenced until {until} by {who}: {silence.reason}. Nobody is paged until then"
            await _tell(session, incident, "silenced", "badday", text, now=now)
            await _suspend(session, incident, row, until=silence.ends_at, by=silence.created_by, now=now)
        case State.SUSPENDED:
            row.next_at = silence.ends_at
            await climbing.moved(session, incident, row, by=silence.created_by, change="silenced", now=now)
        case _:
            row.next_at = silence.ends_at


async def _suspend(
    session: AsyncSession, incident: Incident, row: Escalation, *, until: datetime, by: str, now: datetime
) -> None:
    assert incident.id is not None
    following = after(State(row.state), Event.SUSPEND)
    assert following is not None
    await _return_to_last(session, row)
    row.state, row.next_at = following, until
    await pages.apply(session, incident.id, PageEvent.SNOOZE, now=now)
    await climbing.moved(session, incident, row, by=by, change="silenced", now=now)


async def _return_to_last(session: AsyncSession, row: Escalation) -> None:
    place = await climbing.last_place(session, row)
    row.step, row.round = place.step, place.round


def _restart_if_over(row: Escalation) -> None:
    """By hand it climbs on after the last step, too: from the first again."""
    if row.policy and row.state == State.EXHAUSTED:
        row.step = row.round = 0


async def _still_paged(session: AsyncSession, row: Escalation) -> list[str]:
    place: Place = await climbing.last_place(session, row)
    return [
        one.person
        for one in await pages.of_incident(session, row.incident_id)
        if one.escalation_id == row.id and (one.step, one.round) == (place.step, place.round)
        if one.state == PageState.PAGING
    ]


async def _unacknowledge(session: AsyncSession, incident: Incident, row: Escalation, *, now: datetime) -> None:
    """The incident waits for somebody again."""
    row.acknowledgers, row.acknowledged_by, row.acknowledged_at, row.acknowledged_how = [], None, None, None
    await races.take_back(session, incident, now=now)


async def _tell(session: AsyncSession, incident: Incident, kind: str, actor: str, text: str, *, now: datetime) -> None:
    assert incident.id is not None
    await timeline.add(session, incident.id, kind=kind, actor=actor, text=text, now=now, show=True)
