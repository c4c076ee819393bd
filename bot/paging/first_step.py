"""Whom a new incident pages, known before it is a row: the first step of its system's policy, where nothing is odd.

The same as bot.paging.climbing does for one incident, for many at once; pure. Where the step misses somebody, pages a
channel, or reaches nobody, there is no first step here, and the incident goes that way.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot.catalog import Catalog
from bot.paging import climbing, policy, ways
from bot.paging.cover import resolved
from bot.paging.outlook import whom
from bot.paging.overrides import StandIns
from bot.paging.policy import Place


@dataclass(frozen=True, slots=True)
class Call:
    """One person who is paged: why, all of their ways, and how many of them begin at once."""

    person: str
    why: str
    methods: list[dict[str, Any]]
    begun: int
    next_at: datetime | None
    """When the page has to be looked at again."""

    @property
    def kinds(self) -> list[str]:
        """The ways that begin at once."""
        return [str(method["kind"]) for method in self.methods[: self.begun]]


@dataclass(frozen=True, slots=True)
class FirstStep:
    """What an escalation is after its first step, and what the timeline says of it."""

    policy: dict[str, Any]
    place: Place
    calls: tuple[Call, ...]
    next_at: datetime
    change: str
    told: dict[str, Any]
    text: str
    after: tuple[str, ...]
    """Whom the step after it pages."""


def first_step(
    catalog: Catalog, standing: StandIns, system_name: str, *, severity: str, now: datetime
) -> FirstStep | None:
    """The step that pages now; None where it is not a plain one."""
    system = catalog.systems[system_name]
    kept = policy.frozen(catalog, system)
    if any(_asks_slack(catalog, target) for step in kept.policy.steps for target in step.notify):
        return None
    place = policy.next_step(kept, Place(0, 0), now, severity=severity)
    if place is None:
        return None
    step = kept.step(place.step)
    found = resolved(catalog, standing, system_name, step.notify, now)
    people = climbing.reasons(found.targets)
    calls = tuple(_call(catalog, person, why, now) for person, why in people.items())
    if not calls or found.nobody or climbing.channels_of(found.targets) or any(not one.methods for one in calls):
        return None
    taken = climbing.Taken(people=people)
    next_at = now + step.wait
    of = len(kept.policy.steps)
    following = Place(place.step + 1, place.round)
    return FirstStep(
        policy=policy.to_json(kept),
        place=place,
        calls=calls,
        next_at=next_at,
        change="paging " + ", ".join(climbing.called(catalog, person) for person in people),
        told=climbing.told(taken, place, of, loud=False, until=next_at),
        text=climbing.words(catalog, taken, place, of, loud=False),
        after=whom(catalog, standing, kept, following, next_at, system=system_name, severity=severity),
    )


def _asks_slack(catalog: Catalog, target: str) -> bool:
    """Whether the target is a group whose members Slack tells: they are not at hand here."""
    kind, _, name = target.partition(":")
    return kind == "group" and name in catalog.groups and catalog.groups[name].slack is not None


def _call(catalog: Catalog, person: str, why: str, now: datetime) -> Call:
    methods = ways.of_person(catalog, person)
    begun = min(len(methods), 1)
    while begun < len(methods) and methods[begun]["after"] <= 0:
        begun += 1
    times = [now + timedelta(seconds=methods[begun]["after"])] if begun < len(methods) else []
    if any(method["kind"] in ways.IN_SLACK for method in methods[:begun]):
        times.append(now + ways.SLACK_WITHIN)
    return Call(person, why, methods, begun, min(times, default=None))
