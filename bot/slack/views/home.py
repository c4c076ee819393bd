"""App Home of a Slack user: what everybody sees is read once, what is theirs for each of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import and_, or_, select
from sqlmodel import col

from bot.catalog.models import Person, System
from bot.incidents import follow_ups, incidents
from bot.paging import cover, overrides, rotations
from bot.paging.life import PageState
from bot.paging.overrides import StandIns
from bot.slack.messages.changes import ChangeLine, Frozen
from bot.slack.messages.home import (
    FollowUpLine,
    Health,
    HealthLine,
    HomeIncident,
    HomeView,
    OnCallLine,
    Personal,
)
from bot.slack.messages.status import CallsLine, SystemLine
from bot.slack.messages.who import ShiftLine
from bot.slack.messages.words import SEVERITY
from bot.slack.views import changes, overview
from bot.slack.views.incident import paged
from bot.slack.views.look import Look
from bot.store.tables import Incident, Page, SlackIdentity, WatchState

_WAITING = (PageState.PAGING.value, PageState.SNOOZED.value, PageState.UNREACHED.value)
_BAD = frozenset({"partial_outage", "major_outage"})
_WHOLE = 10
"""So many incidents are read whole; the rest are only counted."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What everybody sees."""

    incidents: Sequence[tuple[str, HomeIncident]]
    """With the key of their owner."""
    standing: StandIns
    on_call: Sequence[OnCallLine]
    first: Sequence[tuple[str, str]]
    """System, and the person whom its pages reach first."""
    systems: Sequence[HealthLine]
    changes: Sequence[ChangeLine]
    frozen: Frozen | None


async def desk(look: Look) -> Desk:
    found = await incidents.open_incidents(look.session)
    standing = await overrides.stand_ins(look.session, look.catalog, look.now)
    first = [cover.on_call_of(look.catalog, standing, one, look.now) for one in look.catalog.systems.values()]
    on_call = [OnCallLine(one.system, await _shift(look, one.now)) for one in first]
    return Desk(
        incidents=[(one.owner, await _incident(look, one, whole=place < _WHOLE)) for place, one in enumerate(found)],
        standing=standing,
        on_call=[*on_call, *await _other_rotations(look, standing)],
        first=[(one.system, one.now.person) for one in first],
        systems=await _health(look, found),
        changes=await changes.lines(look),
        frozen=await changes.frozen(look),
    )


async def home(look: Look, subject: dict[str, Any], shared: Desk | None = None) -> HomeView:
    """App Home of the Slack user `subject["user"]`; `shared` is what `desk` read in the same transaction."""
    shared = shared or await desk(look)
    person = await _person(look, subject["user"])
    key = person.key if person is not None else None
    return HomeView(
        at=look.now,
        user=subject["user"],
        personal=await _personal(look, shared, person) if person is not None else None,
        incidents=[replace(one, mine=owner == key) for owner, one in shared.incidents],
        on_call=shared.on_call,
        systems=shared.systems,
        changes=shared.changes,
        frozen=shared.frozen,
    )


async def _person(look: Look, user: str) -> Person | None:
    person = look.catalog.person_by_slack(user)
    if person is None:
        identity = await look.session.get(SlackIdentity, user)
        if identity is not None and identity.email:
            person = look.catalog.person_by_email(identity.email)
    return person


async def _personal(look: Look, shared: Desk, person: Person) -> Personal:
    turns = cover.shifts_of(look.catalog, shared.standing, person.key, look.now, look.now + cover.AHEAD)
    now = next((one for one in turns if _begun(one.starts, look.now)), None)
    following = next((one for one in turns if not _begun(one.starts, look.now)), None)
    owed = await follow_ups.open_of(look.session, person.key)
    numbers = {
        incident: [row.id for row in await follow_ups.of_incident(look.session, incident)]
        for incident in {row.incident_id for row in owed}
    }
    return Personal(
        pages=[await paged(look, row) for row in await _pages(look, person.key)],
        shift=await _shift(look, now) if now is not None else None,
        next_shift=await _shift(look, following) if following is not None else None,
        paged_first_for=[system for system, first in shared.first if first == person.key],
        follow_ups=[
            FollowUpLine(row.incident_id, numbers[row.incident_id].index(row.id) + 1, row.text, row.due_at)
            for row in owed
        ],
    )


def _begun(starts: datetime | None, now: datetime) -> bool:
    return starts is None or starts <= now


async def _pages(look: Look, person: str) -> list[Page]:
    """The newest page about each open incident that is still theirs, those that wait first."""
    statement = (
        select(Page)
        .join(Incident, col(Incident.id) == col(Page.incident_id))
        .where(
            col(Page.person) == person,
            col(Incident.resolved_at).is_(None),
            or_(
                col(Page.state).in_(_WAITING),
                and_(col(Page.state) == PageState.ACKNOWLEDGED.value, col(Incident.acknowledged_by) == person),
            ),
        )
        .order_by(col(Page.id))
    )
    newest = {row.incident_id: row for row in (await look.session.execute(statement)).scalars()}
    return sorted(newest.values(), key=lambda row: (row.state == PageState.ACKNOWLEDGED, row.id))


async def _incident(look: Look, incident: Incident, *, whole: bool) -> HomeIncident:
    assert incident.id is not None
    return HomeIncident(
        number=incident.id,
        system=incident.system,
        title=incident.title,
        severity=incident.severity,
        state=incident.state,
        since=incident.opened_at,
        owner=await look.name(incident.owner) if whole else incident.owner,
        thread=await look.thread(incident.id) if whole else None,
    )


async def _other_rotations(look: Look, standing: StandIns) -> list[OnCallLine]:
    """Rotations that no system names have people on duty too."""
    named = {system.rotation for system in look.catalog.systems.values()}
    lines = []
    for rotation in look.catalog.rotations.values():
        if rotation.name in named:
            continue
        duty = rotations.on_duty(rotation, look.now, standing.in_rotation(rotation.name))
        shift = ShiftLine(await look.name(duty.person), duty.layer, duty.starts, duty.ends) if duty else None
        lines.append(OnCallLine(f"rotation {rotation.name}", shift))
    return lines


async def _shift(look: Look, shift: cover.Shift) -> ShiftLine:
    return ShiftLine(await look.name(shift.person), shift.why, shift.starts, shift.ends)


async def _health(look: Look, found: Sequence[Incident]) -> list[HealthLine]:
    """The worst first, then as the catalog has them."""
    calls = await overview.calls(look)
    statement = select(WatchState).where(col(WatchState.active).is_(True)).order_by(col(WatchState.name))
    watches = (await look.session.execute(statement)).scalars().all()
    lines = []
    for line in await overview.systems(look):
        system = look.catalog.systems[line.name]
        signs = [
            *_of_incidents([one for one in found if one.system == line.name]),
            *_of_calls([one for one in calls if one.system == line.name]),
            *_of_pages(look, system, watches),
        ]
        lines.append(_judged(line, signs, seen=_is_seen(look, system, calls, watches)))
    return sorted(lines, key=lambda line: -line.health)


def _judged(line: SystemLine, signs: Sequence[tuple[Health, str]], *, seen: bool) -> HealthLine:
    bad = sorted((sign for sign in signs if sign[0] is not Health.HEALTHY), key=lambda sign: -sign[0])
    reasons = list(dict.fromkeys(why for _, why in bad))
    health = max((one for one, _ in bad), default=Health.HEALTHY)
    if health is Health.HEALTHY and not seen:
        health, reasons = Health.NOT_KNOWN, ["nothing was seen of it yet"]
    return HealthLine(line.name, line.owner, line.armed, health, reasons, line.routes)


def _of_incidents(found: Sequence[Incident]) -> Iterator[tuple[Health, str]]:
    for one in found:
        yield Health.IMPAIRED, f"incident {one.id} is open ({SEVERITY[one.severity]})"


def _of_calls(lines: Sequence[CallsLine]) -> Iterator[tuple[Health, str]]:
    for line in lines:
        where = " → ".join(part for part in (line.route, line.provider) if part)
        of = f"calls on {where}" if where else "its calls"
        if line.stale:
            yield Health.NOT_KNOWN, "its calls are not looked at"
        elif line.state == "bad":
            yield Health.FAILING, f"{of} fail"
        elif line.state == "silent":
            yield Health.FAILING, "no calls arrive"
        elif line.state == "mixed":
            yield Health.IMPAIRED, f"some of {of} fail"


def _of_pages(look: Look, system: System, watches: Sequence[WatchState]) -> Iterator[tuple[Health, str]]:
    """What the status pages of its providers say, or that they cannot be trusted."""
    for state in watches:
        watch = look.catalog.watches.get(state.name)
        if watch is None or watch.provider not in system.providers:
            continue
        status = state.status or "unknown"
        if state.stale or state.problem is not None:
            yield Health.NOT_KNOWN, f"the status page of {watch.provider} cannot be trusted"
        elif status in _BAD:
            yield Health.FAILING, f"{watch.provider} reports a {status.replace('_', ' ')}"
        elif status in ("degraded", "maintenance"):
            yield Health.IMPAIRED, f"{watch.provider} reports: {status}"


def _is_seen(look: Look, system: System, calls: Sequence[CallsLine], watches: Sequence[WatchState]) -> bool:
    """Whether anything speaks for the system at all."""
    if any(line.system == system.name and line.state == "good" for line in calls):
        return True
    seen = {state.name for state in watches if state.status not in (None, "unknown")}
    return any(watch.name in seen and watch.provider in system.providers for watch in look.catalog.watches.values())
