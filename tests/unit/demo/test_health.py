"""The state machine of a simulated provider."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.sandbox.demo.health import HEALTH, SETTLES_AFTER, Condition, Event, Health

START = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
BY_HAND = (Event.FAIL, Event.SLOW, Event.HEAL)


def test_a_provider_begins_in_health() -> None:
    assert Condition(START).health(START) is Health.HEALTHY


@pytest.mark.parametrize("before", Health)
@pytest.mark.parametrize("event", BY_HAND)
def test_every_switch_leads_where_it_says_from_every_state(before: Health, event: Event) -> None:
    after = HEALTH.get((before, event), before)
    expected = {
        Event.FAIL: {Health.FAILING},
        Event.SLOW: {Health.SLOW},
        Event.HEAL: {Health.HEALTHY, Health.RECOVERING},
    }
    assert after in expected[event]


def test_a_healed_provider_recovers_and_then_is_healthy() -> None:
    condition = Condition(START)
    condition.apply(Event.FAIL, START)
    condition.apply(Event.HEAL, START + timedelta(seconds=10))
    assert condition.health(START + timedelta(seconds=11)) is Health.RECOVERING
    assert condition.health(START + timedelta(seconds=10) + SETTLES_AFTER) is Health.HEALTHY


def test_a_switch_that_changes_nothing_says_so() -> None:
    condition = Condition(START)
    assert condition.apply(Event.FAIL, START)
    assert not condition.apply(Event.FAIL, START)
    assert len(condition.history(START)) == 2


@given(st.lists(st.tuples(st.sampled_from(BY_HAND), st.floats(0, 10)), max_size=30))
def test_history_is_in_order_and_never_repeats_a_state(steps: list[tuple[Event, float]]) -> None:
    condition, now = Condition(START), START
    for event, seconds in steps:
        now += timedelta(seconds=seconds)
        condition.apply(event, now)
    history = condition.history(now)
    assert [change.at for change in history] == sorted(change.at for change in history)
    assert all(one.health is not other.health for one, other in itertools.pairwise(history))
    assert history[-1].health is condition.health(now)
