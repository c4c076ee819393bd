"""What a batch adds to the stored sums, and takes away from them."""

from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.trail.calls import ErrorClass, Facts, Outcome
from bot.trail.storing import histogram
from bot.trail.storing.rollups import (
    COLUMNS,
    HOUR_COLUMNS,
    HOUR_US,
    KEPT,
    Counted,
    Delta,
    Key,
    Totals,
    counts_row,
    hour_row,
    is_empty,
    unpack_extremes,
)

DAY_US = 24 * HOUR_US
optional = st.none() | st.integers(0, 100_000)


@st.composite
def counted(draw: st.DrawFn) -> Counted:
    error = draw(st.none() | st.sampled_from(list(ErrorClass)))
    facts = Facts(
        start_us=draw(st.integers(20_000, 20_002)) * DAY_US + draw(st.integers(0, 3)) * HOUR_US,
        duration_us=draw(optional),
        outcome=Outcome.ERROR if error is not None and draw(st.booleans()) else Outcome.OK,
        error_class=error,
        input_tokens=draw(optional),
        output_tokens=draw(optional),
    )
    return Counted(draw(st.integers(1, 10**9)), draw(st.integers(1, 3)), facts, draw(optional), draw(st.booleans()))


calls = st.lists(counted(), max_size=25, unique_by=lambda call: call.call_id)
Rows = dict[Key, Sequence[Any]]


def applied(stored: Rows, delta: Delta) -> Rows:
    """The rows by hour after a batch."""
    rows = dict(stored)
    for key, cell in delta.hours.items():
        rows[key] = hour_row(key, rows.get(key), cell)
    return {key: row for key, row in rows.items() if not is_empty(row)}


def batch(added: list[Counted], removed: Sequence[Counted] = ()) -> Delta:
    delta = Delta()
    for call in removed:
        delta.remove(call, minutes_since_us=0)
    for call in added:
        delta.add(call, minutes_since_us=0)
    return delta


@given(calls, st.integers(0, 25))
def test_calls_add_up_to_the_same_in_one_batch_or_in_two(some: list[Counted], cut: int) -> None:
    once = applied({}, batch(some))
    twice = applied(applied({}, batch(some[:cut])), batch(some[cut:]))
    assert once == twice


@given(calls, st.integers(0, 25))
def test_what_is_taken_away_was_never_there(some: list[Counted], cut: int) -> None:
    kept, gone = some[:cut], some[cut:]
    left = applied(applied({}, batch(some)), batch([], gone))
    wanted = applied({}, batch(kept))
    place = HOUR_COLUMNS.index("slowest_us")
    assert {key: row[:place] for key, row in left.items()} == {key: row[:place] for key, row in wanted.items()}


@given(calls)
def test_days_are_what_their_hours_add_up_to(some: list[Counted]) -> None:
    delta = batch(some)
    totals, by_day = Totals(), Totals()
    for key, cell in delta.hours.items():
        totals.add(counts_row(key, None, cell)[2:-1])
    for key, cell in delta.days().items():
        row = counts_row(key, None, cell)
        by_day.add(row[2:-1])
        by_day.latency += histogram.unpack(row[-1])
    assert by_day.calls == totals.calls == len(some)
    assert by_day.by_class == totals.by_class
    assert histogram.total(by_day.latency) == sum(call.facts.duration_us is not None for call in some)


@given(calls)
def test_an_hour_remembers_its_slowest_and_dearest_calls(some: list[Counted]) -> None:
    for key, row in applied({}, batch(some)).items():
        mine = [call for call in some if (call.facts.start_us // HOUR_US, call.series_id) == key]
        slow = sorted((call.facts.duration_us, call.call_id) for call in mine if call.facts.duration_us is not None)
        named = dict(zip(HOUR_COLUMNS, row, strict=True))
        assert unpack_extremes(named["slowest"]) == slow[::-1][:KEPT]
        assert named["dearest_nano"] == max((call.cost_nano or 0 for call in mine), default=0)


def test_calls_that_are_too_old_are_not_counted_by_minute() -> None:
    delta = Delta()
    delta.add(Counted(1, 1, Facts(start_us=5 * DAY_US), None), minutes_since_us=6 * DAY_US)
    assert list(delta.minutes) == []
    assert len(delta.hours) == 1


def test_a_call_that_cost_nothing_known_is_unpriced_only_if_it_used_something() -> None:
    failed = Facts(outcome=Outcome.ERROR, error_class=ErrorClass.TIMEOUT)
    cells = batch([Counted(1, 1, failed, None), Counted(2, 1, Facts(), None), Counted(3, 1, Facts(), 5)]).hours
    (cell,) = cells.values()
    row = dict(zip(COLUMNS, counts_row((0, 1), None, cell), strict=True))
    assert (row["calls"], row["errors"], row["unpriced"], row["timeout"], row["cost_nano"]) == (3, 1, 1, 1, 5)
