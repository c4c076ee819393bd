"""The life of an incident, as a table: state x event -> state.

    state        | acknowledge  | unacknowledge | resolve  | reopen
    triggered    | acknowledged |               | resolved |
    acknowledged |              | triggered     | resolved |
    resolved     |              |               |          | triggered

An empty cell is a refusal: the event does not apply, and whoever asked for it is told what happened before.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class State(StrEnum):
    TRIGGERED = "triggered"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class Event(StrEnum):
    ACKNOWLEDGE = "acknowledge"
    UNACKNOWLEDGE = "unacknowledge"
    """Nothing was heard of whoever acknowledged, or they handed it over."""
    RESOLVE = "resolve"
    REOPEN = "reopen"


LIFE: Mapping[tuple[State, Event], State] = MappingProxyType(
    {
        (State.TRIGGERED, Event.ACKNOWLEDGE): State.ACKNOWLEDGED,
        (State.ACKNOWLEDGED, Event.UNACKNOWLEDGE): State.TRIGGERED,
        (State.TRIGGERED, Event.RESOLVE): State.RESOLVED,
        (State.ACKNOWLEDGED, Event.RESOLVE): State.RESOLVED,
        (State.RESOLVED, Event.REOPEN): State.TRIGGERED,
    }
)


def after(state: State, event: Event) -> State | None:
    """The state that follows, or None where the event does not apply."""
    return LIFE.get((state, event))
