"""How a page climbs, as data: the policy of a system, frozen when an escalation begins, and the step that comes next.

Pure: the time is passed in, and a frozen policy is all that a running escalation looks at. Whoever edits the catalog
meanwhile changes the next page, not the one that is under way.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from bot.catalog.cover import Hours, Policy, PolicyStep, When
from bot.catalog.models import Catalog, System

DEFAULT = "default"
STEP_WAIT = timedelta(minutes=5)
LAST_WAIT = timedelta(minutes=10)
OFFICE_DAYS = frozenset(range(5))
OFFICE_STARTS, OFFICE_ENDS = time(9), time(18)


@dataclass(frozen=True, slots=True)
class Frozen:
    """A policy with what else its steps depend on, as both were when the escalation began."""

    policy: Policy
    business: tuple[Hours, ...] = ()

    def step(self, number: int) -> PolicyStep:
        return self.policy.steps[number]


@dataclass(frozen=True, slots=True)
class Place:
    """A step of a policy, counted from 0, in a round, counted from 0."""

    step: int
    round: int


def default(system: System, catalog: Catalog) -> Policy:
    """The policy of a system that names none: rotation, owner, deputies, then all of them with the channel; twice more.

    Rotation and deputies only where the system has them.
    """
    firsts = [
        *(["rotation"] if system.rotation is not None and system.rotation in catalog.rotations else []),
        "owner",
        *(["deputies"] if system.deputies else []),
    ]
    steps = [PolicyStep((target,), STEP_WAIT) for target in firsts]
    return Policy(DEFAULT, (*steps, PolicyStep((*firsts, "channel"), LAST_WAIT)))


def of(catalog: Catalog, system: System) -> Policy:
    """The policy by which the system's incidents page."""
    named = catalog.policies.get(system.policy) if system.policy is not None else None
    return named if named is not None else default(system, catalog)


def business_hours(catalog: Catalog, system: System) -> tuple[Hours, ...]:
    """When it is business hours for the system: as the catalog says, else office hours where the owner is."""
    if system.business_hours:
        return system.business_hours
    owner = catalog.people.get(system.owner)
    return (Hours(OFFICE_DAYS, OFFICE_STARTS, OFFICE_ENDS, owner.timezone if owner is not None else "UTC"),)


def frozen(catalog: Catalog, system: System, *, first: Sequence[str] = ()) -> Frozen:
    """What an escalation of the system that begins now keeps; `first` are targets of a step before all others."""
    policy = of(catalog, system)
    if first:
        steps = (PolicyStep(tuple(first), STEP_WAIT), *policy.steps)
        policy = Policy(policy.name, steps, policy.repeat, policy.unacknowledge, policy.acknowledgements)
    return Frozen(policy, business_hours(catalog, system))


def is_within(hours: Sequence[Hours], at: datetime) -> bool:
    """Whether the time falls into one of these parts of the week."""
    return any(_is_within(one, at) for one in hours)


def _is_within(hours: Hours, at: datetime) -> bool:
    local = at.astimezone(ZoneInfo(hours.timezone))
    day, clock = local.weekday(), local.time()
    if hours.start < hours.end:
        return day in hours.days and hours.start <= clock < hours.end
    begun_today = day in hours.days and clock >= hours.start
    begun_yesterday = (day - 1) % 7 in hours.days and clock < hours.end
    return begun_today or begun_yesterday


def fits(step: PolicyStep, at: datetime, *, severity: str, business: Sequence[Hours]) -> bool:
    """Whether a step counts at this time for this severity."""
    if severity not in step.severities:
        return False
    match step.when:
        case When.BUSINESS_HOURS:
            return is_within(business, at)
        case When.OFF_HOURS:
            return not is_within(business, at)
        case _:
            return True


def next_step(kept: Frozen, place: Place, at: datetime, *, severity: str) -> Place | None:
    """The first step from `place` on that counts; None when the last round is over before one does."""
    steps = kept.policy.steps
    step, round_ = place.step, place.round
    while round_ <= kept.policy.repeat and steps:
        if step >= len(steps):
            step, round_ = 0, round_ + 1
            continue
        if fits(steps[step], at, severity=severity, business=kept.business):
            return Place(step, round_)
        step += 1
    return None


def to_json(kept: Frozen) -> dict[str, Any]:
    """The form that is kept in the database."""
    policy = kept.policy
    return {
        "name": policy.name,
        "repeat": policy.repeat,
        "unacknowledge": _seconds(policy.unacknowledge),
        "acknowledgements": policy.acknowledgements,
        "steps": [
            {
                "notify": list(step.notify),
                "wait": _seconds(step.wait),
                "when": str(step.when),
                "severities": sorted(step.severities),
            }
            for step in policy.steps
        ],
        "business": [
            {
                "days": sorted(hours.days),
                "start": hours.start.isoformat(),
                "end": hours.end.isoformat(),
                "timezone": hours.timezone,
            }
            for hours in kept.business
        ],
    }


def from_json(kept: dict[str, Any]) -> Frozen:
    """The reverse of `to_json`. Raises KeyError for anything else."""
    steps = tuple(
        PolicyStep(
            tuple(step["notify"]),
            timedelta(seconds=step["wait"]),
            When(step["when"]),
            frozenset(step["severities"]),
        )
        for step in kept["steps"]
    )
    silence = kept["unacknowledge"]
    policy = Policy(
        kept["name"],
        steps,
        kept["repeat"],
        timedelta(seconds=silence) if silence is not None else None,
        kept["acknowledgements"],
    )
    business = tuple(
        Hours(
            frozenset(hours["days"]),
            time.fromisoformat(hours["start"]),
            time.fromisoformat(hours["end"]),
            hours["timezone"],
        )
        for hours in kept["business"]
    )
    return Frozen(policy, business)


def _seconds(length: timedelta | None) -> float | None:
    return length.total_seconds() if length is not None else None
