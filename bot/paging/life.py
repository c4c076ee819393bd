"""The lives of an escalation and of a page, as tables: state x event -> state. An empty cell is a refusal.

The escalation of an incident:

    state        | fire   | exhaust   | acknowledge  | snooze  | wake   | silence
    paging       | paging | exhausted | acknowledged | snoozed |        |
    acknowledged |        |           |              |         |        | paging
    snoozed      |        |           | acknowledged | snoozed | paging |
    suspended    |        |           | acknowledged |         |        |
    exhausted    |        |           | acknowledged | snoozed |        |
    ended        |        |           |              |         |        |

    state        | suspend   | lift   | escalate | hand_over | end   | resume
    paging       | suspended |        | paging   | paging    | ended |
    acknowledged |           |        | paging   | paging    | ended |
    snoozed      | suspended |        | paging   | paging    | ended |
    suspended    |           | paging | paging   | paging    | ended |
    exhausted    |           |        | paging   | paging    | ended |
    ended        |           |        |          |           |       | paging

`fire` takes the next step, `exhaust` finds that there is none, `wake` is the end of a snooze, `silence`
un-acknowledges, `suspend` is a silence that somebody put over the incident, `lift` its end, `resume` is the same cause
coming back shortly after the end.

A page, the attempt to reach one person:

    state        | acknowledge  | decline  | give_up   | snooze  | end
    paging       | acknowledged | declined | unreached | snoozed | ended
    unreached    | acknowledged | declined |           | snoozed | ended
    snoozed      | acknowledged | declined |           |         | ended
    declined     | acknowledged |          |           |         | ended
    acknowledged |              | declined |           |         | ended
    ended        |              |          |           |         |

`unreached`: no way to the person worked; they may still answer what reaches them late.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class State(StrEnum):
    """Of an escalation."""

    PAGING = "paging"
    ACKNOWLEDGED = "acknowledged"
    SNOOZED = "snoozed"
    SUSPENDED = "suspended"
    EXHAUSTED = "exhausted"
    ENDED = "ended"


class Event(StrEnum):
    """What happens to an escalation."""

    FIRE = "fire"
    EXHAUST = "exhaust"
    ACKNOWLEDGE = "acknowledge"
    SNOOZE = "snooze"
    WAKE = "wake"
    SILENCE = "silence"
    SUSPEND = "suspend"
    LIFT = "lift"
    ESCALATE = "escalate"
    HAND_OVER = "hand_over"
    END = "end"
    RESUME = "resume"


class PageState(StrEnum):
    PAGING = "paging"
    ACKNOWLEDGED = "acknowledged"
    DECLINED = "declined"
    SNOOZED = "snoozed"
    UNREACHED = "unreached"
    ENDED = "ended"


class PageEvent(StrEnum):
    ACKNOWLEDGE = "acknowledge"
    DECLINE = "decline"
    SNOOZE = "snooze"
    GIVE_UP = "give_up"
    END = "end"


_OPEN = (State.PAGING, State.ACKNOWLEDGED, State.SNOOZED, State.SUSPENDED, State.EXHAUSTED)

LIFE: Mapping[tuple[State, Event], State] = MappingProxyType(
    {
        (State.PAGING, Event.FIRE): State.PAGING,
        (State.PAGING, Event.EXHAUST): State.EXHAUSTED,
        (State.PAGING, Event.ACKNOWLEDGE): State.ACKNOWLEDGED,
        (State.SNOOZED, Event.ACKNOWLEDGE): State.ACKNOWLEDGED,
        (State.SUSPENDED, Event.ACKNOWLEDGE): State.ACKNOWLEDGED,
        (State.EXHAUSTED, Event.ACKNOWLEDGE): State.ACKNOWLEDGED,
        (State.PAGING, Event.SNOOZE): State.SNOOZED,
        (State.SNOOZED, Event.SNOOZE): State.SNOOZED,
        (State.EXHAUSTED, Event.SNOOZE): State.SNOOZED,
        (State.SNOOZED, Event.WAKE): State.PAGING,
        (State.ACKNOWLEDGED, Event.SILENCE): State.PAGING,
        (State.PAGING, Event.SUSPEND): State.SUSPENDED,
        (State.SNOOZED, Event.SUSPEND): State.SUSPENDED,
        (State.SUSPENDED, Event.LIFT): State.PAGING,
        **{(state, Event.ESCALATE): State.PAGING for state in _OPEN},
        **{(state, Event.HAND_OVER): State.PAGING for state in _OPEN},
        **{(state, Event.END): State.ENDED for state in _OPEN},
        (State.ENDED, Event.RESUME): State.PAGING,
    }
)

PAGE_LIFE: Mapping[tuple[PageState, PageEvent], PageState] = MappingProxyType(
    {
        (PageState.PAGING, PageEvent.ACKNOWLEDGE): PageState.ACKNOWLEDGED,
        (PageState.UNREACHED, PageEvent.ACKNOWLEDGE): PageState.ACKNOWLEDGED,
        (PageState.SNOOZED, PageEvent.ACKNOWLEDGE): PageState.ACKNOWLEDGED,
        (PageState.DECLINED, PageEvent.ACKNOWLEDGE): PageState.ACKNOWLEDGED,
        (PageState.PAGING, PageEvent.DECLINE): PageState.DECLINED,
        (PageState.UNREACHED, PageEvent.DECLINE): PageState.DECLINED,
        (PageState.SNOOZED, PageEvent.DECLINE): PageState.DECLINED,
        (PageState.ACKNOWLEDGED, PageEvent.DECLINE): PageState.DECLINED,
        (PageState.PAGING, PageEvent.GIVE_UP): PageState.UNREACHED,
        (PageState.PAGING, PageEvent.SNOOZE): PageState.SNOOZED,
        (PageState.UNREACHED, PageEvent.SNOOZE): PageState.SNOOZED,
        **{(state, PageEvent.END): PageState.ENDED for state in PageState if state is not PageState.ENDED},
    }
)


def after(state: State, event: Event) -> State | None:
    """The state of an escalation that follows, or None where the event does not apply."""
    return LIFE.get((state, event))


def page_after(state: PageState, event: PageEvent) -> PageState | None:
    """The state of a page that follows, or None where the event does not apply."""
    return PAGE_LIFE.get((state, event))
