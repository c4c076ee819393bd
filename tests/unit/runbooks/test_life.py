"""The life of a step: every cell of the table, and what must hold whatever people and workers do."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.runbooks import life
from bot.runbooks.life import LASTING, LIFE, REQUESTED, UNDOES, WORKING, Event, State, after

ASKED = frozenset({State.UNKNOWN, State.UNDO_UNKNOWN})
PEOPLE = (
    *(Event.RUN, Event.ASK, Event.APPROVE, Event.REFUSE, Event.MARK, Event.SKIP, Event.CANCEL),
    *(Event.UNDO, Event.KEEP, Event.RETRY, Event.HAPPENED, Event.NOT_HAPPENED),
)


def documented() -> dict[tuple[State, Event], State]:
    """The table of the module's docstring."""
    assert life.__doc__ is not None
    found: dict[tuple[State, Event], State] = {}
    current = None
    for line in life.__doc__.splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) != 3 or cells[0] == "state":
            continue
        current = State(cells[0]) if cells[0] else current
        assert current is not None
        for event, state in re.findall(r"(\w+)(?: \(take-over\))?: (\w+)", f"{cells[1]}, {cells[2]}"):
            found[current, Event(event)] = State(state)
    return found


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("event", Event)
def test_each_cell_is_as_documented(state: State, event: Event) -> None:
    expected = documented().get((state, event))
    if event is Event.CLOSE and state in (State.PENDING, State.OFFERED, State.AWAITING_APPROVAL):
        expected = State.SKIPPED
    assert after(state, event) is expected


def test_every_state_can_be_reached_and_only_workers_states_have_no_button() -> None:
    assert {state for state, _ in LIFE} | set(LIFE.values()) == set(State)
    without = {state for state in State if not any((state, event) in LIFE for event in PEOPLE)}
    assert without == {State.UNDO_READY}


@given(st.lists(st.sampled_from(list(Event)), max_size=40))
def test_whatever_happens_nothing_is_done_without_a_click_and_nothing_unknown_is_repeated(events: list[Event]) -> None:
    state, asked_for = State.OFFERED, False
    for event in events:
        following = after(state, event)
        if following is None:
            continue
        if following in REQUESTED:
            assert event in PEOPLE or (event is Event.AGAIN and asked_for)
            assert state not in ASKED, "an unknown step runs again only after somebody said that it did not happen"
            asked_for = True
        if following in WORKING | LASTING:
            assert asked_for
            assert event in (Event.BEGIN, Event.HOLD, Event.LOOK)
        if state in ASKED:
            assert event in (Event.HAPPENED, Event.NOT_HAPPENED)
        if following in UNDOES and state not in UNDOES:
            assert state in (State.DONE, State.FAILED, State.UNDO_FAILED)
        state = following


@given(st.lists(st.sampled_from(list(Event)), max_size=40))
def test_a_closed_step_that_nobody_ran_stays_skipped_until_somebody_asks(events: list[Event]) -> None:
    state = after(State.OFFERED, Event.CLOSE)
    assert state is State.SKIPPED
    for event in events:
        if event in PEOPLE:
            continue
        assert after(state, event) is None
