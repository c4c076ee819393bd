from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.detect.silence import expects_calls, hour_of

HALF_AN_HOUR = timedelta(minutes=30)
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)


def working_hours(days: int, *, weekend: bool = False, start: datetime = MONDAY) -> set[int]:
    """Hours from 9 to 17 of so many days."""
    hours = set()
    for day in range(days):
        date = start + timedelta(days=day)
        if weekend or date.weekday() < 5:
            hours |= {hour_of(date + timedelta(hours=hour)) for hour in range(9, 18)}
    return hours


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return MONDAY + timedelta(days=day, hours=hour, minutes=minute)


def test_nothing_is_expected_of_a_system_that_never_sent_calls() -> None:
    assert not expects_calls(set(), at(0, 12), HALF_AN_HOUR)


def test_a_young_system_that_sent_calls_all_day_is_expected_to_go_on() -> None:
    hours = {hour_of(at(0, hour)) for hour in range(6, 13)}
    assert expects_calls(hours, at(0, 13, 40), HALF_AN_HOUR)


def test_six_hours_with_calls_make_it_usual() -> None:
    hours = {hour_of(at(0, hour)) for hour in range(7, 13)}
    assert expects_calls(hours, at(0, 13, 10), HALF_AN_HOUR)
    assert not expects_calls(hours - {hour_of(at(0, 7))}, at(0, 13, 10), HALF_AN_HOUR)


def test_a_morning_without_calls_is_noticed_half_an_hour_after_they_were_due() -> None:
    hours = working_hours(3)
    assert not expects_calls(hours, at(3, 9, 20), HALF_AN_HOUR)
    assert expects_calls(hours, at(3, 9, 31), HALF_AN_HOUR)


def test_an_evening_is_no_silence() -> None:
    hours = working_hours(4)
    assert not any(expects_calls(hours, at(3, 18, minute), HALF_AN_HOUR) for minute in range(60))
    assert not expects_calls(hours, at(3, 23), HALF_AN_HOUR)


def test_a_weekend_is_no_silence_from_the_second_week_on() -> None:
    hours = working_hours(12)
    assert not any(expects_calls(hours, at(12, hour, 45), HALF_AN_HOUR) for hour in range(24))
    assert expects_calls(hours, at(14, 10), HALF_AN_HOUR), "the Monday after is noticed"


@given(st.sets(st.integers(hour_of(MONDAY), hour_of(MONDAY) + 300)), st.integers(0, 300 * 60))
def test_a_system_with_fewer_than_six_hours_of_calls_is_never_missed(hours: set[int], minutes: int) -> None:
    few = set(sorted(hours)[:5])
    assert not expects_calls(few, MONDAY + timedelta(minutes=minutes), HALF_AN_HOUR)
