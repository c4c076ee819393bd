"""The life cycle of incidents, exhaustively."""

from hypothesis import given
from hypothesis import strategies as st

from bot.incidents import life
from bot.incidents.severity import Severity, worse


@given(st.lists(st.sampled_from(life.Event)))
def test_an_incident_is_only_ever_in_a_state_of_the_table(events: list[life.Event]) -> None:
    state = life.State.TRIGGERED
    for event in events:
        following = life.after(state, event)
        if following is None:
            continue
        assert following is not state
        state = following
    assert state in life.State


def test_every_open_incident_can_be_resolved() -> None:
    for state in (life.State.TRIGGERED, life.State.ACKNOWLEDGED):
        assert life.after(state, life.Event.RESOLVE) is life.State.RESOLVED


def test_an_event_applies_once() -> None:
    for (state, event), following in life.LIFE.items():
        assert life.after(following, event) is None, f"{event} twice from {state}"


def test_only_sev3_lets_people_sleep() -> None:
    assert [severity.pages for severity in Severity] == [True, True, False]
    assert worse("sev3", "sev1") == "sev1"
