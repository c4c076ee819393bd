"""When something flaps, and how long it then has to stay clear."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.incidents import flapping

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
SECOND = timedelta(seconds=1)
offsets = st.lists(st.timedeltas(timedelta(), timedelta(hours=2)), max_size=40).map(sorted)


def test_three_returns_within_ten_minutes_are_flapping() -> None:
    assert not flapping.flaps([NINE, NINE + SECOND], NINE + SECOND)
    assert flapping.flaps([NINE, NINE + SECOND, NINE + 2 * SECOND], NINE + 2 * SECOND)
    late = NINE + flapping.WINDOW
    assert flapping.flaps([NINE + SECOND, late - SECOND, late], late)
    assert not flapping.flaps([NINE, late - SECOND, late], late)


@given(offsets)
def test_it_flaps_exactly_when_so_many_returns_lie_within_one_window(back: list[timedelta]) -> None:
    returns = [NINE + offset for offset in back]
    for number, now in enumerate(returns):
        known = returns[: number + 1]
        wanted = number + 1 >= flapping.RETURNS and now - known[-flapping.RETURNS] < flapping.WINDOW
        assert flapping.flaps(known, now) is wanted


@given(offsets, st.timedeltas(timedelta(), timedelta(hours=2)))
def test_whatever_happened_it_does_not_flap_once_it_was_quiet_for_a_window(
    back: list[timedelta], later: timedelta
) -> None:
    returns = [NINE + offset for offset in back]
    quiet = max(returns, default=NINE) + flapping.WINDOW + later
    assert not flapping.flaps(returns, quiet)
    assert flapping.flaps([*returns, quiet], quiet) is (flapping.RETURNS == 1)


@given(st.timedeltas(timedelta(), timedelta(hours=1)))
def test_what_flaps_is_over_later_and_never_sooner(hold: timedelta) -> None:
    assert flapping.hold(hold, flapping=False) == hold
    assert flapping.hold(hold, flapping=True) >= max(hold, flapping.CALM)
    assert flapping.told_after(hold) <= hold / 2
