"""Who is on call for a system now and next, and whom the targets of a step mean at a given time.

    owner, deputies            of the system whose incident it is; somebody may stand in for the owner
    rotation                   whoever is on duty in the system's rotation
    rotation:NAME[/LAYER]      in another one, or in one of its layers
    group:NAME, person:KEY     these people; a group's may also be the members of a Slack user group
    channel, channel:NAME      the system's channel, or another one

A target behind which there is nobody is told with its reason, and never silently left out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.catalog import Catalog
from bot.catalog.cover import Rotation
from bot.catalog.models import System
from bot.catalog.targets import Named, parsed
from bot.paging import groups, rotations
from bot.paging.overrides import StandIns, stand_ins
from bot.paging.rotations import Duty

AHEAD = timedelta(days=62)
"""So far the next shift is looked for."""


@dataclass(frozen=True, slots=True)
class Target:
    """Somebody whom a step pages, or a channel; `why` says what chose them."""

    person: str | None = None
    channel: str | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Nobody:
    """A target that pages nobody, and the reason."""

    target: str
    why: str


@dataclass
class Resolved:
    targets: list[Target] = field(default_factory=list)
    nobody: list[Nobody] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Shift:
    """Somebody is on call; `why` says by what: `owner`, `rotation support`, `in place of Ana Silva`."""

    person: str
    why: str
    starts: datetime | None = None
    """None: since longer ago than can be told, or always."""
    ends: datetime | None = None
    """When somebody else is; None: not within AHEAD."""


@dataclass(frozen=True, slots=True)
class OnCall:
    """Who is paged first for a system: whoever is on duty in its rotation, else its owner."""

    system: str
    now: Shift
    next: Shift | None = None
    """The next one who is somebody else."""


async def resolve(
    session: AsyncSession, catalog: Catalog, system_name: str, targets: Sequence[str], now: datetime
) -> Resolved:
    """The people and channels behind targets at this time."""
    standing = await stand_ins(session, catalog, now)
    return resolved(catalog, standing, system_name, targets, now)


def resolved(catalog: Catalog, standing: StandIns, system_name: str, targets: Sequence[str], now: datetime) -> Resolved:
    """As `resolve`, when it is known who stands in."""
    found = Resolved()
    system = catalog.systems.get(system_name)
    for text in targets:
        target = parsed(text)
        meant = _meant(catalog, standing, system, target, now) if target is not None else "no such target"
        if isinstance(meant, str):
            found.nobody.append(Nobody(text, meant))
        else:
            found.targets += meant
    return found


async def on_call(session: AsyncSession, catalog: Catalog, system: System, now: datetime) -> OnCall:
    """Who is on call for a system now and next."""
    return on_call_of(catalog, await stand_ins(session, catalog, now), system, now)


def on_call_of(catalog: Catalog, standing: StandIns, system: System, now: datetime) -> OnCall:
    """As `on_call`, when it is known who stands in."""
    shifts = merged(_shifts(catalog, standing, system, now, now + AHEAD))
    first = next(shifts)
    following = next(shifts, None)
    return OnCall(system.name, first, following)


def shifts_of(catalog: Catalog, standing: StandIns, person: str, since: datetime, until: datetime) -> list[Shift]:
    """When somebody is on duty in any rotation, the earliest first."""
    found = [
        Shift(person, _why_duty(catalog, rotation, duty, standing), duty.starts, duty.ends)
        for rotation in catalog.rotations.values()
        for duty in rotations.turns(rotation, since, until, standing.in_rotation(rotation.name))
        if duty.person == person
    ]
    return sorted(found, key=lambda shift: (shift.starts or since, shift.ends or until))


def merged(shifts: Iterator[Shift]) -> Iterator[Shift]:
    """Shifts of the same person that follow each other as one; what chose them first is told."""
    held: Shift | None = None
    for shift in shifts:
        if held is not None and held.person == shift.person:
            held = replace(held, ends=shift.ends)
            continue
        if held is not None:
            yield held
        held = shift
    if held is not None:
        yield held


def _shifts(catalog: Catalog, standing: StandIns, system: System, since: datetime, until: datetime) -> Iterator[Shift]:
    rotation = catalog.rotations.get(system.rotation) if system.rotation is not None else None
    if rotation is None:
        yield from _owners(catalog, standing, system, since, until, "owner")
        return
    for span in rotations.spans(rotation, since, until, standing.in_rotation(rotation.name)):
        starts, ends = _told(span.starts), _told(span.ends, until)
        if span.person is not None:
            duty = Duty(span.person, span.layer, span.starts, span.ends, span.override)
            yield Shift(span.person, _why_duty(catalog, rotation, duty, standing), starts, ends)
            continue
        why = f"owner, as nobody is on duty in rotation {rotation.name}"
        yield from _owners(catalog, standing, system, max(span.starts, since), min(span.ends, until), why, ends)


def _owners(
    catalog: Catalog,
    standing: StandIns,
    system: System,
    since: datetime,
    until: datetime,
    why: str,
    ends: datetime | None = None,
) -> Iterator[Shift]:
    """The owner, and whoever stands in meanwhile; `ends` is when the last of them ends, None: not to be seen."""
    at = since
    while at < until:
        span = rotations.standing_in(standing.of_owner(system.name), at)
        last = span.ends >= until
        over = ends if last else span.ends
        if span.person is None:
            yield Shift(system.owner, why, max(span.starts, since), over)
        else:
            yield Shift(span.person, _in_place_of(catalog, system.owner), _told(span.starts), over)
        at = span.ends


def _told(at: datetime, until: datetime | None = None) -> datetime | None:
    """A time that can be told; None for what is beyond."""
    if at in (rotations.EVER, rotations.NEVER):
        return None
    return at if until is None or at < until else None


def _meant(
    catalog: Catalog, standing: StandIns, system: System | None, target: Named, now: datetime
) -> list[Target] | str:
    """Whom a target means; a text says why it means nobody."""
    match target.kind:
        case "person":
            return [Target(person=target.name, why="by hand")]
        case "group":
            return _group(catalog, standing, target.name)
        case "rotation" if target.name:
            return _rotation(catalog, standing, target.name, target.part or None, now)
        case "channel" if target.name:
            return [Target(channel=target.name, why="channel")]
        case _ if system is None:
            return "the system is not in the catalog any more"
        case "owner":
            return [_owner(catalog, standing, system, now)]
        case "deputies":
            found = [Target(person=person, why="deputy") for person in system.deputies]
            return found or f"{system.name} has no deputies"
        case "rotation":
            if system.rotation is None:
                return f"{system.name} has no rotation"
            return _rotation(catalog, standing, system.rotation, None, now)
        case _:
            return [Target(channel=system.channel, why="channel")]


def _owner(catalog: Catalog, standing: StandIns, system: System, now: datetime) -> Target:
    span = rotations.standing_in(standing.of_owner(system.name), now)
    if span.person is None:
        return Target(person=system.owner, why="owner")
    return Target(person=span.person, why=_in_place_of(catalog, system.owner))


def _group(catalog: Catalog, standing: StandIns, name: str) -> list[Target] | str:
    group = catalog.groups.get(name)
    if group is None:
        return f"group {name} is not in the catalog any more"
    found = groups.people(group, standing.groups)
    if found:
        return [Target(person=person, why=f"group {name}") for person in found]
    told = standing.groups.get(name)
    if group.slack is not None and (told is None or told.fetched_at is None):
        why = f" ({told.error})" if told is not None and told.error else ""
        return f"Slack has not told yet who is in group {name}{why}"
    return f"group {name} has nobody in it"


def _rotation(catalog: Catalog, standing: StandIns, name: str, layer: str | None, now: datetime) -> list[Target] | str:
    rotation = catalog.rotations.get(name)
    if rotation is None:
        return f"rotation {name} is not in the catalog any more"
    try:
        duty = rotations.on_duty(rotation, now, standing.in_rotation(name), layer=layer)
    except LookupError:
        return f"rotation {name} has no layer {layer} any more"
    if duty is None:
        return "nobody is on call"
    return [Target(person=duty.person, why=_why_duty(catalog, rotation, duty, standing))]


def _why_duty(catalog: Catalog, rotation: Rotation, duty: Duty, standing: StandIns) -> str:
    named = f"rotation {rotation.name}"
    if duty.layer and len(rotation.layers) > 1:
        named += f"/{duty.layer}"
    if duty.override is None:
        return named
    others = [one for one in standing.in_rotation(rotation.name) if one.id != duty.override]
    # Of the time in which both are there: a stand-in may begin where a turn ends.
    replaced = rotations.on_duty(rotation, duty.starts, others, layer=duty.layer or None)
    if replaced is None or replaced.person == duty.person:
        return f"{named}, standing in"
    return f"{named}, {_in_place_of(catalog, replaced.person)}"


def _in_place_of(catalog: Catalog, person: str) -> str:
    return f"in place of {catalog.people[person].name if person in catalog.people else person}"
