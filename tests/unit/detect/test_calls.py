from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from bot.catalog.models import CallsWatch
from bot.detect.calls import HOLD, PROVIDER_ERRORS, Counts, Rule, Watched, step, total
from bot.detect.hysteresis import Change, State, Verdict
from bot.trail.calls import ErrorClass

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
WINDOW = 5
RULE = Rule.of(CallsWatch())
OVERLOADED = ErrorClass.OVERLOADED
GOOD, BAD, UNKNOWN = Verdict.GOOD, Verdict.BAD, Verdict.UNKNOWN


def counts(calls: int, failed: int = 0, error_class: ErrorClass = OVERLOADED) -> Counts:
    return Counts(calls, {error_class: failed} if failed else {})


def slow(milliseconds: int, calls: int = 100) -> Counts:
    return Counts(calls, {}, timedelta(milliseconds=milliseconds))


class Story:
    """Minutes of calls, one after the other, with the window over the last five."""

    def __init__(self, rule: Rule = RULE) -> None:
        self.rule = rule
        self.watched = Watched()
        self.minutes: list[Counts] = []

    def passes(self, *minutes: Counts) -> list[Change]:
        changes = []
        for minute in minutes:
            self.minutes.append(minute)
            changes.append(self.look())
        return [change for change in changes if change is not None]

    def look(self) -> Change | None:
        number = len(self.minutes) - 1
        self.watched = Watched.from_json(self.watched.to_json())
        self.watched, change = step(
            self.watched,
            total(self.minutes[-WINDOW:]),
            total(self.minutes[self.watched.minute + 1 :]),
            minute=number,
            at=START + timedelta(minutes=number),
            rule=self.rule,
        )
        return change


def test_errors_of_the_provider_count_and_those_of_the_caller_do_not() -> None:
    own = {ErrorClass.BAD_REQUEST, ErrorClass.TRUNCATED, ErrorClass.FILTERED, ErrorClass.MALFORMED_OUTPUT}
    assert own | PROVIDER_ERRORS == set(ErrorClass)
    assert RULE.judge(counts(100, 100, ErrorClass.BAD_REQUEST)) is GOOD
    assert RULE.judge(counts(100, 100, ErrorClass.TIMEOUT)) is BAD


def test_a_share_is_bad_from_the_threshold_and_good_from_half_of_it() -> None:
    assert [RULE.judge(counts(100, failed)) for failed in (20, 19, 11, 10, 0)] == [BAD, UNKNOWN, UNKNOWN, GOOD, GOOD]


def test_few_calls_tell_nothing() -> None:
    assert RULE.judge(counts(19, 19)) is UNKNOWN
    assert RULE.judge(counts(20, 20)) is BAD
    assert RULE.judge(Counts()) is UNKNOWN


def test_slow_calls_are_bad_where_the_catalog_limits_them() -> None:
    rule = Rule.of(CallsWatch(p95=timedelta(seconds=10)))
    assert [rule.judge(slow(ms)) for ms in (10_000, 9_999, 8_000, 7_999)] == [BAD, UNKNOWN, UNKNOWN, GOOD]
    assert rule.judge(slow(60_000, calls=5)) is UNKNOWN
    assert RULE.judge(slow(60_000)) is GOOD


def test_an_outage_opens_once_and_recovers_when_enough_calls_are_good() -> None:
    story = Story()
    assert story.passes(*[counts(40)] * 6) == []
    assert story.passes(*[counts(40, 30)] * 8) == [Change.OPENED]
    assert story.passes(*[counts(40)] * 5) == [Change.RECOVERED]
    assert story.passes(*[counts(40)] * 6) == [Change.CLEARED]
    assert story.watched.memory.state is State.CLEAR


def test_what_flaps_within_the_hold_is_one_episode() -> None:
    story = Story()
    good, bad = [counts(60)] * 6, [counts(60, 60)] * 3
    changes = story.passes(*bad, *good, *bad, *good, *bad)
    assert changes.count(Change.OPENED) == 1
    assert changes.count(Change.RELAPSED) == 2


def test_a_route_on_which_nothing_is_called_any_more_stays_as_it_was() -> None:
    story = Story()
    assert story.passes(counts(40, 40), counts(40, 40)) == [Change.OPENED]
    assert story.passes(*[Counts()] * 300) == []
    assert story.watched.is_bad
    assert story.passes(*[counts(40)] * 2) == [Change.RECOVERED]


def test_thin_calls_show_success_when_they_have_become_enough() -> None:
    story = Story()
    story.passes(counts(40, 40))
    story.passes(*[Counts()] * 5)
    assert story.passes(*[counts(3)] * 6) == []
    assert story.passes(counts(3)) == [Change.RECOVERED], "21 good calls"


def test_thin_calls_with_errors_among_them_show_no_success() -> None:
    story = Story()
    story.passes(counts(40, 40), *[Counts()] * 5)
    assert story.passes(*[counts(3, 1)] * 20) == []


def test_a_minute_is_taken_in_once_however_often_it_is_looked_at() -> None:
    story = Story()
    assert story.passes(counts(40, 40)) == [Change.OPENED]
    for _ in range(5):
        assert story.look() is None
    story.passes(*[counts(60)] * 5)
    before = story.watched
    assert story.look() is None
    assert story.watched == before


def test_late_calls_of_a_minute_that_was_taken_in_still_open() -> None:
    story = Story()
    assert story.passes(counts(10, 0)) == []
    story.minutes[-1] = counts(50, 40)
    assert story.look() is Change.OPENED


def test_late_good_calls_do_not_close_within_a_minute() -> None:
    story = Story()
    story.passes(counts(40, 40))
    story.minutes[-1] = counts(4000, 40)
    assert story.look() is None
    assert story.watched.is_bad


def test_malformed_outputs_are_counted_apart() -> None:
    window = Counts(50, {ErrorClass.MALFORMED_OUTPUT: 7, OVERLOADED: 3})
    assert (window.failed, window.malformed) == (3, 7)


minute = st.integers(0, 80).flatmap(lambda calls: st.integers(0, calls).map(lambda failed: counts(calls, failed)))


@given(st.lists(minute, max_size=60))
def test_changes_alternate_between_opening_and_recovery(minutes: list[Counts]) -> None:
    open_ = False
    for change in Story().passes(*minutes):
        if change in (Change.OPENED, Change.RELAPSED):
            assert not open_
            open_ = True
        else:
            assert open_ is (change is Change.RECOVERED)
            open_ = False


@given(st.lists(minute, max_size=60))
def test_nothing_opens_where_no_window_is_bad(minutes: list[Counts]) -> None:
    few = [counts(each.calls, min(each.failed, each.calls // 6)) for each in minutes]
    assert Story().passes(*few) == []


@given(st.lists(minute, max_size=40))
def test_two_openings_are_further_apart_than_the_hold(minutes: list[Counts]) -> None:
    story, opened = Story(), []
    for number, each in enumerate(minutes):
        if Change.OPENED in story.passes(each):
            opened.append(number)
    assert all(later - earlier >= HOLD / timedelta(minutes=1) for earlier, later in pairwise(opened))
