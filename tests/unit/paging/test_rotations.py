"""Exactly the right person is on duty at every moment, whatever the clocks do."""

import random
from datetime import UTC, datetime, time, timedelta
from itertools import groupby, pairwise
from zoneinfo import ZoneInfo

import pytest

from bot.catalog.cover import Hours, Layer, Rotation, Unit
from bot.paging.rotations import Override, gaps, on_duty, turns
from tests.unit.paging.slow_reference import MINUTES, NOBODY, SINCE, number_of, people_by_minute

MINUTE = timedelta(minutes=1)
MADRID, SYDNEY, LORD_HOWE = "Europe/Madrid", "Australia/Sydney", "Australia/Lord_Howe"
MONDAY = datetime.fromisoformat("2026-01-05 09:00")
ALWAYS = frozenset(range(7))
SCHEDULES = 200
RANDOM_MINUTES = 1000


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def rotation(*layers: Layer, zone: str = MADRID) -> Rotation:
    return Rotation("support", zone, layers)


def layer(people: str = "ab", starts: str = "2026-01-05 09:00", every: int = 1, unit: Unit = Unit.WEEK) -> Layer:
    return Layer("primary", tuple(people), datetime.fromisoformat(starts), every, unit)


def who(rotation: Rotation, at: str, *overrides: Override, layer: str | None = None) -> str | None:
    duty = on_duty(rotation, utc(at), overrides, layer=layer)
    return duty.person if duty is not None else None


def until(rotation: Rotation, at: str, *overrides: Override) -> datetime | None:
    duty = on_duty(rotation, utc(at), overrides)
    return duty.ends if duty is not None else None


def test_hand_over_stays_at_the_same_wall_clock_time_when_clocks_change() -> None:
    weekly = rotation(layer())
    assert until(weekly, "2026-03-27 12:00") == utc("2026-03-30 07:00")  # 09:00 in summer; it was 08:00 UTC before
    assert until(weekly, "2026-03-20 12:00") == utc("2026-03-23 08:00")
    assert who(weekly, "2026-03-30 06:59") != who(weekly, "2026-03-30 07:00")


def test_before_the_first_hand_over_nobody_is_on_duty() -> None:
    assert who(rotation(layer()), "2026-01-05 07:59") is None
    assert who(rotation(layer()), "2026-01-05 08:00") == "a"


def test_a_hand_over_at_a_time_that_does_not_exist_is_at_the_first_moment_after_the_gap() -> None:
    daily = rotation(layer(starts="2026-03-20 02:30", unit=Unit.DAY))
    assert until(daily, "2026-03-28 12:00") == utc("2026-03-29 01:00")  # 03:00 summer time
    assert until(daily, "2026-03-29 12:00") == utc("2026-03-30 00:30")


def test_a_hand_over_at_a_time_that_is_twice_is_at_the_first_of_the_two() -> None:
    daily = rotation(layer(starts="2026-03-20 02:30", unit=Unit.DAY))
    assert until(daily, "2026-10-24 12:00") == utc("2026-10-25 00:30")
    assert who(daily, "2026-10-25 00:30") == who(daily, "2026-10-25 01:30") == who(daily, "2026-10-25 23:00")


def test_clocks_that_move_by_half_an_hour_move_the_hand_over_by_half_an_hour() -> None:
    daily = rotation(layer(starts="2026-03-20 01:45", unit=Unit.DAY), zone=LORD_HOWE)
    assert until(daily, "2026-04-03 16:00") == utc("2026-04-04 14:45")  # at 02:00 it is 01:30 again
    assert until(daily, "2026-04-05 00:00") == utc("2026-04-05 15:15")


def test_hours_are_real_hours_through_a_change_of_clocks() -> None:
    shifts = rotation(layer(starts="2026-03-28 20:00", every=12, unit=Unit.HOUR))
    assert until(shifts, "2026-03-28 20:00") == utc("2026-03-29 07:00")  # 09:00 by the clock, twelve hours later


def test_a_month_that_is_too_short_ends_the_turn_on_its_last_day_and_the_next_is_long_again() -> None:
    monthly = rotation(layer(starts="2026-01-31 09:00", unit=Unit.MONTH))
    starts = [duty.starts for duty in turns(monthly, utc("2026-02-01 00:00"), utc("2026-06-01 00:00"))]
    assert [f"{one.astimezone(ZoneInfo(MADRID)):%m-%d %H:%M}" for one in starts] == [
        "01-31 09:00",
        "02-28 09:00",
        "03-31 09:00",
        "04-30 09:00",
        "05-31 09:00",
    ]


def test_a_layer_with_hours_leaves_the_rest_to_the_next_layer() -> None:
    nights = Layer("nights", ("n",), MONDAY, hours=(Hours(ALWAYS, time(22), time(7), MADRID),))
    both = rotation(nights, layer("ab"))
    assert who(both, "2026-01-12 20:59") == "b"
    assert who(both, "2026-01-12 21:00") == "n"
    assert until(both, "2026-01-12 21:00") == utc("2026-01-13 06:00")
    assert until(both, "2026-01-13 06:00") == utc("2026-01-13 21:00")
    assert who(both, "2026-01-12 21:00", layer="primary") == "b"


def test_turns_are_counted_through_the_pauses_of_a_layer_with_hours() -> None:
    weekdays = Hours(frozenset(range(5)), time(9), time(18), MADRID)
    daily = rotation(Layer("days", tuple("abc"), MONDAY, 1, Unit.DAY, (weekdays,)))
    seen = [duty.person for duty in turns(daily, utc("2026-01-05 08:00"), utc("2026-01-14 00:00"))]
    assert seen == list("abcabbc")


def test_whoever_stands_in_ends_the_turn_and_gives_it_back() -> None:
    stand_in = Override(7, None, "x", utc("2026-01-06 10:00"), utc("2026-01-06 14:00"))
    weekly = rotation(layer())
    assert until(weekly, "2026-01-06 09:00", stand_in) == stand_in.starts
    duty = on_duty(weekly, utc("2026-01-06 10:00"), [stand_in])
    assert duty is not None
    assert (duty.person, duty.override, duty.ends) == ("x", 7, stand_in.ends)
    assert who(weekly, "2026-01-06 14:00", stand_in) == "a"


def test_of_two_who_stand_in_the_one_put_in_last_counts() -> None:
    early = Override(1, None, "x", utc("2026-01-06 10:00"), utc("2026-01-06 14:00"))
    late = Override(2, None, "y", utc("2026-01-06 12:00"), utc("2026-01-06 13:00"))
    weekly = rotation(layer())
    seen = [duty.person for duty in turns(weekly, utc("2026-01-06 10:00"), utc("2026-01-06 14:00"), [early, late])]
    assert seen == ["x", "y", "x"]


def test_whoever_stands_in_for_the_rotation_stands_in_for_its_first_layer_too_and_for_no_other() -> None:
    both = rotation(layer("ab"), Layer("second", ("s",), MONDAY))
    whole = Override(1, None, "x", utc("2026-01-06 10:00"), utc("2026-01-06 14:00"))
    assert who(both, "2026-01-06 11:00", whole) == who(both, "2026-01-06 11:00", whole, layer="primary") == "x"
    assert who(both, "2026-01-06 11:00", whole, layer="second") == "s"


def test_somebody_can_stand_in_where_nobody_was_on_duty() -> None:
    stand_in = Override(1, "primary", "x", utc("2026-01-01 10:00"), utc("2026-01-01 14:00"))
    assert who(rotation(layer()), "2026-01-01 11:00", stand_in) == "x"


def test_an_unknown_layer_is_an_error() -> None:
    with pytest.raises(LookupError, match="has no layer nights"):
        on_duty(rotation(layer()), SINCE, layer="nights")


def test_uncovered_time_is_told_in_one_piece() -> None:
    weekdays = Hours(frozenset(range(5)), time(9), time(18), MADRID)
    daily = rotation(Layer("days", tuple("ab"), MONDAY, 1, Unit.DAY, (weekdays,)))
    weekend = (utc("2026-01-09 17:00"), utc("2026-01-12 08:00"))
    assert weekend in gaps(daily, utc("2026-01-08 00:00"), utc("2026-01-14 00:00"))


def test_hours_of_the_whole_week_are_no_pause_and_no_hand_over() -> None:
    always = Layer("all", ("a",), MONDAY, hours=(Hours(ALWAYS, time(0), time(0), MADRID),))
    assert until(rotation(always), "2026-01-06 00:00") == utc("2026-01-12 08:00")


@pytest.mark.parametrize("zone", [MADRID, SYDNEY, LORD_HOWE])
def test_a_year_of_random_schedules_agrees_with_watching_the_clock_minute_by_minute(zone: str) -> None:
    for seed in range(SCHEDULES):
        chance = random.Random(f"{zone} {seed}")
        schedule, overrides = random_schedule(chance, zone)
        asked = chance.choice([None, None, None, schedule.layers[-1].name])
        year = people_by_minute(schedule, overrides, asked)
        told = [
            (max(duty.starts, SINCE), min(duty.ends, SINCE + MINUTES * MINUTE), duty.person)
            for duty in turns(schedule, SINCE, SINCE + MINUTES * MINUTE, overrides, layer=asked)
        ]
        assert painted(told) == year, (zone, seed)
        changes = [minute for starts, ends, _ in told for minute in (minutes(starts), minutes(ends))]
        near = {minute + by for minute in changes for by in (-1, 0, 1) if 0 <= minute + by < MINUTES}
        for minute in sorted(near | {chance.randrange(MINUTES) for _ in range(RANDOM_MINUTES)}):
            duty = on_duty(schedule, SINCE + minute * MINUTE, overrides, layer=asked)
            found = number_of(duty.person if duty is not None else None)
            assert found == year[minute], (zone, seed, SINCE + minute * MINUTE)


def test_turns_neither_overlap_nor_leave_out_anybody_who_is_on_duty() -> None:
    for seed in range(50):
        schedule, overrides = random_schedule(random.Random(seed), MADRID)
        told = list(turns(schedule, SINCE, SINCE + timedelta(days=60), overrides))
        assert all(one.starts < one.ends <= other.starts for one, other in pairwise(told))
        assert all(on_duty(schedule, one.starts, overrides) == one for one in told if one.starts >= SINCE)


def painted(told: list[tuple[datetime, datetime, str]]) -> bytearray:
    year = bytearray([NOBODY]) * MINUTES
    for starts, ends, person in told:
        begins, stops = minutes(starts), minutes(ends)
        year[begins:stops] = bytes([number_of(person)]) * (stops - begins)
    return year


def minutes(at: datetime) -> int:
    return (at - SINCE) // MINUTE


def random_schedule(chance: random.Random, zone: str) -> tuple[Rotation, list[Override]]:
    """One to three layers of one to six people, hourly to monthly, some with hours, and up to twelve overrides."""
    layers = [_random_layer(chance, f"layer{number}", zone) for number in range(chance.choice([1, 1, 2, 3]))]
    overrides = [_random_override(chance, number, layers) for number in range(chance.randrange(13))]
    return Rotation("random", zone, tuple(layers)), overrides


def _random_layer(chance: random.Random, name: str, zone: str) -> Layer:
    unit = chance.choices(list(Unit), [1, 4, 4, 2])[0]
    every = {Unit.HOUR: chance.choice([6, 8, 12, 36]), Unit.DAY: chance.randint(1, 5)}.get(unit, chance.randint(1, 3))
    # Often at a time that a change of clocks skips or repeats.
    clock = chance.choice([time(2), time(2, 30), time(1, 45), time(2, 15), time(9), time(chance.randrange(24), 5)])
    starts = datetime.combine((SINCE + timedelta(days=chance.randint(-30, 40))).date(), clock)
    if unit is Unit.MONTH and chance.random() < 0.5:
        starts = starts.replace(month=12 if starts.year == 2025 else 1, day=31)
    hours = tuple(_random_hours(chance, zone) for _ in range(chance.choice([0, 0, 1, 2])))
    people = chance.sample("abcdefgh", chance.randint(1, 6))
    return Layer(name, tuple(people), starts, every, unit, hours)


def _random_hours(chance: random.Random, zone: str) -> Hours:
    clocks = [time(0), time(2), time(2, 30), time(9), time(18), time(22), time(chance.randrange(24), 59)]
    days = frozenset(chance.sample(range(7), chance.randint(1, 7)))
    return Hours(days, chance.choice(clocks), chance.choice(clocks), chance.choice([zone, zone, "UTC"]))


def _random_override(chance: random.Random, number: int, layers: list[Layer]) -> Override:
    starts = SINCE + chance.randrange(MINUTES) * MINUTE
    ends = starts + chance.choice([30, 60 * 8, 60 * 24 * 3, 60 * 24 * 20]) * MINUTE
    return Override(number, chance.choice([None, *(one.name for one in layers)]), chance.choice("stuvw"), starts, ends)


def test_the_random_schedules_are_worth_their_name() -> None:
    made = [random_schedule(random.Random(f"{MADRID} {seed}"), MADRID)[0] for seed in range(SCHEDULES)]
    assert {one.unit for schedule in made for one in schedule.layers} == set(Unit)
    assert {len(schedule.layers) for schedule in made} == {1, 2, 3}
    assert len({bool(one.hours) for schedule in made for one in schedule.layers}) == 2
    assert len(list(groupby(made))) == SCHEDULES
