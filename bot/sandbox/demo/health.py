"""How well a simulated provider does: a state machine that the switches of the panel drive."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Health(StrEnum):
    """What a provider's API does with a call."""

    HEALTHY = "healthy"
    FAILING = "failing"
    SLOW = "slow"
    RECOVERING = "recovering"


class Event(StrEnum):
    """What happens to a provider; a person causes the first three, time the last."""

    FAIL = "fail"
    SLOW = "slow"
    HEAL = "heal"
    SETTLE = "settle"


HEALTH: Mapping[tuple[Health, Event], Health] = {
    (Health.HEALTHY, Event.FAIL): Health.FAILING,
    (Health.HEALTHY, Event.SLOW): Health.SLOW,
    (Health.FAILING, Event.SLOW): Health.SLOW,
    (Health.FAILING, Event.HEAL): Health.RECOVERING,
    (Health.SLOW, Event.FAIL): Health.FAILING,
    (Health.SLOW, Event.HEAL): Health.RECOVERING,
    (Health.RECOVERING, Event.FAIL): Health.FAILING,
    (Health.RECOVERING, Event.SLOW): Health.SLOW,
    (Health.RECOVERING, Event.SETTLE): Health.HEALTHY,
}
"""Health x event -> health; a pair that is not listed changes nothing."""

SETTLES_AFTER = timedelta(seconds=3)
"""How long a healed provider counts as recovering."""


@dataclass(frozen=True)
class Change:
    """Since `at` the provider is in this health."""

    at: datetime
    health: Health


class Condition:
    """A provider's health over time: the last change is the present."""

    def __init__(self, since: datetime) -> None:
        self._changes = [Change(since, Health.HEALTHY)]

    def apply(self, event: Event, now: datetime) -> bool:
        """Let the event happen; False where it changes nothing."""
        self._settle(now)
        after = HEALTH.get((self._changes[-1].health, event))
        if after is None:
            return False
        self._changes.append(Change(now, after))
        return True

    def health(self, now: datetime) -> Health:
        """The health at this moment."""
        self._settle(now)
        return self._changes[-1].health

    def history(self, now: datetime) -> tuple[Change, ...]:
        """Every change so far, oldest first; the first one is the start, in health."""
        self._settle(now)
        return tuple(self._changes)

    def _settle(self, now: datetime) -> None:
        last = self._changes[-1]
        settled = last.at + SETTLES_AFTER
        if last.health is Health.RECOVERING and now >= settled:
            self._changes.append(Change(settled, HEALTH[Health.RECOVERING, Event.SETTLE]))
