"""Who is reached, when and how, as the catalog says: ways to reach people, rotations, policies, quiet times."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Any


@dataclass(frozen=True, slots=True)
class Contact:
    """One way to reach a person: its kind (a file of bot.paging.contacts), what that kind wants to know, and how long
    after the page began it is tried if nobody has acknowledged. A way that fails hands over to the next at once."""

    kind: str
    options: Mapping[str, Any] = field(default_factory=dict)
    """As the file says them: the kind's own name is the key of its main option, `{"email": "maria@example.com"}`.

    Secrets stand here by the name of their environment variable.
    """
    after: timedelta = timedelta(0)


class Unit(StrEnum):
    """What a rotation's turns are counted in; days, weeks and months are those of the wall clock."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Hours:
    """A part of the week in a time zone: on these weekdays (0 is Monday), from `start` to `end` by the wall clock.

    `end` before or equal to `start` is on the next day.
    """

    days: frozenset[int]
    start: time
    end: time
    timezone: str


@dataclass(frozen=True, slots=True)
class Layer:
    """People who take turns. The first turn begins at `starts`, which is wall clock time of the rotation's zone."""

    name: str
    people: tuple[str, ...]
    starts: datetime
    """Naive: the local time of hand-over, from which turns are counted."""
    every: int = 1
    unit: Unit = Unit.WEEK
    hours: tuple[Hours, ...] = ()
    """When it is on duty at all; empty: always."""


@dataclass(frozen=True, slots=True)
class Rotation:
    """Layers of people who take turns. Whoever asks for the rotation gets the first layer that has somebody then."""

    name: str
    timezone: str
    layers: tuple[Layer, ...]


class When(StrEnum):
    """In which part of the week a step counts."""

    ALWAYS = "always"
    BUSINESS_HOURS = "business_hours"
    OFF_HOURS = "off_hours"


@dataclass(frozen=True, slots=True)
class PolicyStep:
    """One step: whom it pages, and how long it waits before the next.

    Targets: `owner`, `deputies`, `person:KEY`, `rotation` (the system's) or `rotation:NAME` or `rotation:NAME/LAYER`,
    `group:NAME`, `channel` (the system's) or `channel:NAME`.
    """

    notify: tuple[str, ...]
    wait: timedelta = timedelta(minutes=5)
    when: When = When.ALWAYS
    severities: frozenset[str] = frozenset({"sev1", "sev2"})


@dataclass(frozen=True, slots=True)
class Policy:
    """How a page climbs. After the last step it begins anew, `repeat` times; then it is exhausted and says so.

    `unacknowledge` is after how much silence of whoever acknowledged it pages again; None: never.
    """

    name: str
    steps: tuple[PolicyStep, ...]
    repeat: int = 2
    unacknowledge: timedelta | None = None
    acknowledgements: int = 1
    """How many different people must acknowledge before it stops climbing."""


@dataclass(frozen=True, slots=True)
class Group:
    """People who belong together; with `slack` (a user group's id) its members there count as well."""

    name: str
    people: tuple[str, ...] = ()
    slack: str | None = None


@dataclass(frozen=True, slots=True)
class Maintenance:
    """A planned time in which findings of these systems page nobody.

    Either once, from `starts` to `ends`, or weekly in `hours`.
    """

    name: str
    reason: str
    systems: tuple[str, ...] = ()
    """Empty: every system."""
    starts: datetime | None = None
    """In UTC, as `ends`."""
    ends: datetime | None = None
    hours: tuple[Hours, ...] = ()
