"""Counting the product's calls of the last minute."""

from datetime import UTC, datetime, timedelta

from bot.sandbox.demo.statistics import RECENT, WINDOW, Call, Statistics

START = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)


def call(provider: str = "northwind", error: str | None = None) -> Call:
    return Call(provider, question="Where is my parcel?", shown="Tomorrow.", error=error, latency_ms=200)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def test_a_series_has_one_pair_for_each_second_the_running_one_last() -> None:
    statistics = Statistics()
    statistics.add(call(), at(0))
    statistics.add(call(error="timeout"), at(1.5))
    series = statistics.series("northwind", at(1.9))
    assert len(series) == WINDOW
    assert series[-2:] == [(1, 0), (0, 1)]


def test_the_rate_is_averaged_over_whole_seconds() -> None:
    statistics = Statistics()
    for second in range(6):
        for _ in range(4):
            statistics.add(call(error="overloaded" if second >= 3 else None), at(second))
    rate = statistics.rate("northwind", at(5.5))
    assert (rate.calls, rate.errors) == (4.0, 1.6)


def test_what_is_older_than_the_window_is_forgotten() -> None:
    statistics = Statistics()
    statistics.add(call(), at(0))
    assert sum(ok for ok, _ in statistics.series("northwind", at(WINDOW))) == 0


def test_providers_are_counted_apart() -> None:
    statistics = Statistics()
    statistics.add(call("cirrus"), at(0))
    assert statistics.series("northwind", at(0))[-1] == (0, 0)
    assert statistics.series("cirrus", at(0))[-1] == (1, 0)


def test_the_last_answers_stand_newest_first_and_are_few() -> None:
    statistics = Statistics()
    for second in range(RECENT + 3):
        statistics.add(call(error="timeout" if second == RECENT + 2 else None), at(second))
    answers = statistics.answers()
    assert len(answers) == RECENT
    assert answers[0]["error"] == "timeout"


def test_a_question_that_nobody_was_asked_counts_for_no_provider() -> None:
    statistics = Statistics()
    statistics.add(call(provider=""), at(0))
    assert statistics.answers()[0]["provider"] == ""
    assert statistics.series("", at(0))[-1] == (0, 0)
