"""Whose turn it is: whatever happened, nothing begins too early and nothing waits for ever."""

from hypothesis import given
from hypothesis import strategies as st

from bot.runbooks.conducting import Standing, beginning, decidable
from bot.runbooks.facts import ENDED, SETTLED
from bot.runbooks.life import State


def test_a_pending_step_is_decided_when_what_it_speaks_of_has_settled() -> None:
    pull = Standing("pull", State.PENDING, waits_for=frozenset({"switch"}))
    assert decidable([Standing("switch", State.RUNNING), pull]) == []
    assert decidable([Standing("switch", State.UNKNOWN), pull]) == []
    assert decidable([Standing("switch", State.FAILED), pull]) == [1]


def test_of_a_step_for_each_route_its_own_route_counts() -> None:
    steps = [
        Standing("switch", State.DONE, "chat"),
        Standing("switch", State.OFFERED, "mail"),
        Standing("smoke", State.PENDING, "chat", waits_for=frozenset({"switch"})),
        Standing("smoke", State.PENDING, "mail", waits_for=frozenset({"switch"})),
        Standing("tell", State.PENDING, waits_for=frozenset({"switch"})),
    ]
    assert decidable(steps) == [2]


def test_a_step_begins_by_itself_when_every_earlier_action_has_ended() -> None:
    note, explain = Standing("look", State.OFFERED, acts=False), Standing("explain", State.OFFERED, auto=True)
    assert beginning([note, explain]) == [1]
    assert beginning([Standing("switch", State.OFFERED), explain]) == []
    assert beginning([Standing("switch", State.FAILED), explain]) == []
    assert beginning([Standing("switch", State.FAILED, goes_on=True), explain]) == [1]
    assert beginning([explain, explain]) == [0]


_STANDINGS = st.lists(
    st.builds(
        Standing,
        st.sampled_from("abc"),
        st.sampled_from(State),
        st.none() | st.sampled_from(["chat", "mail"]),
        st.booleans(),
        st.booleans(),
        st.booleans(),
        st.frozensets(st.sampled_from("abc"), max_size=2),
    ),
    max_size=8,
)


@given(_STANDINGS)
def test_only_what_may_move_is_moved(steps: list[Standing]) -> None:
    assert all(steps[place].state is State.PENDING for place in decidable(steps))
    for place in beginning(steps):
        assert steps[place].auto
        assert steps[place].state is State.OFFERED
        before = [each for each in steps[:place] if each.acts]
        assert all(each.state in ENDED or (each.state is State.FAILED and each.goes_on) for each in before)


@given(_STANDINGS)
def test_once_all_has_settled_nothing_pending_is_left_undecided(steps: list[Standing]) -> None:
    if all(each.state in SETTLED or each.state is State.PENDING for each in steps):
        pending = [place for place, each in enumerate(steps) if each.state is State.PENDING]
        free = [
            place
            for place in pending
            if all(other.id not in steps[place].waits_for for other in steps if other.state is State.PENDING)
        ]
        assert set(free) <= set(decidable(steps))
