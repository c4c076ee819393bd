"""The life of a page, as a table: state x event -> state.

state        | acknowledge  | resolve
paging       | acknowledged | ended
acknowledged |              | ended
ended        |              |
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class State(StrEnum):
    PAGING = "paging"
    ACKNOWLEDGED = "acknowledged"
    ENDED = "ended"


class Event(StrEnum):
    ACKNOWLEDGE = "acknowledge"
    RESOLVE = "resolve"


LIFE: Mapping[tuple[State, Event], State] = MappingProxyType(
    {
        (State.PAGING, Event.ACKNOWLEDGE): State.ACKNOWLEDGED,
        (State.PAGING, Event.RESOLVE): State.ENDED,
        (State.ACKNOWLEDGED, Event.RESOLVE): State.ENDED,
    }
)
