"""The grid of slots: the same everywhere, evenly spread, nothing skipped uncounted."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.watches.slots import Grid

TIMES = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
INTERVALS = st.timedeltas(timedelta(seconds=1), timedelta(hours=2)).map(
    lambda interval: timedelta(seconds=int(interval.total_seconds()))
)


@given(st.text(), INTERVALS, TIMES)
def test_every_time_lies_in_exactly_one_slot(key: str, interval: timedelta, now: datetime) -> None:
    grid = Grid.of(key, interval)
    slot = grid.at(now)
    assert slot <= now < grid.after(slot)
    assert grid.at(slot) == slot
    assert grid.at(grid.after(slot)) == slot + interval


@given(st.text(), INTERVALS, TIMES, st.integers(0, 500))
def test_slots_that_passed_are_counted(key: str, interval: timedelta, now: datetime, late: int) -> None:
    grid = Grid.of(key, interval)
    assert grid.missed(grid.at(now), now + late * interval) == late


@given(st.text(), INTERVALS, TIMES)
def test_a_first_poll_between_two_slots_misses_none(key: str, interval: timedelta, now: datetime) -> None:
    assert Grid.of(key, interval).missed(now, now) == 0


@given(st.text(), INTERVALS, TIMES, st.timedeltas(timedelta(0), timedelta(hours=1)))
def test_a_pause_ends_on_the_grid_and_is_never_shortened(
    key: str, interval: timedelta, now: datetime, pause: timedelta
) -> None:
    grid = Grid.of(key, interval)
    slot = grid.at(now)
    following = grid.after(slot, pause)
    assert grid.at(following) == following
    assert following - slot >= max(pause, interval)
    assert following - slot < max(pause, interval) + interval


def test_many_things_are_spread_over_the_interval() -> None:
    minute = timedelta(minutes=1)
    quarters = [0, 0, 0, 0]
    for number in range(1000):
        quarters[int(Grid.of(f"target-{number}", minute).offset.total_seconds() // 15)] += 1
    assert min(quarters) > 200
