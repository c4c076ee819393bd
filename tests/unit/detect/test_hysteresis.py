"""N of M with a hold, as a table and by properties."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.detect.hysteresis import Change, Memory, Rule, State, Verdict, observe

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LETTERS = {"b": Verdict.BAD, "g": Verdict.GOOD, "?": Verdict.UNKNOWN}
DEFAULT = Rule(bad=2, of=3, good=2, hold=5 * MINUTE)

VERDICTS = st.lists(st.sampled_from(Verdict), max_size=40)


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    of = draw(st.integers(1, 5))
    return Rule(draw(st.integers(1, of)), of, draw(st.integers(1, 4)), draw(st.integers(0, 6)) * MINUTE)


def play(verdicts: Iterable[Verdict], rule: Rule) -> list[Change | None]:
    """The change of each observation, one a minute."""
    memory, changes = Memory(), []
    for number, verdict in enumerate(verdicts):
        memory, change = observe(memory, verdict, START + number * MINUTE, rule)
        assert Memory.from_json(memory.to_json()) == memory
        changes.append(change)
    return changes


def spelled(text: str, rule: Rule = DEFAULT) -> str:
    """Changes by their first letters, `.` for none: O(pened), R(ecovered), r(elapsed), C(leared)."""
    marks = {Change.OPENED: "O", Change.RECOVERED: "R", Change.RELAPSED: "r", Change.CLEARED: "C", None: "."}
    return "".join(marks[change] for change in play((LETTERS[letter] for letter in text), rule))


@pytest.mark.parametrize(
    ("observations", "changes"),
    [
        ("gbgg", "...."),
        ("bb", ".O"),
        ("bgb", "..O"),
        ("bggb", "...."),
        ("b??b", "...."),
        ("b?b", "..O"),
        ("bb????", ".O...."),
        ("bbgg", ".O.R"),
        ("bbg?g", ".O..R"),
        ("bbgbgbgb", ".O......"),
        ("bbggb", ".O.Rr"),
        ("bbggbgg", ".O.Rr.R"),
        ("bbgggggg", ".O.R...."),
        ("bbggggggg", ".O.R....C"),
        ("bbgg?????b", ".O.R......"),
        ("bbgg?????bb", ".O.R......O"),
        ("bbgggggggbb", ".O.R....C.O"),
    ],
)
def test_changes_follow_the_table(observations: str, changes: str) -> None:
    assert spelled(observations) == changes


def test_a_rule_of_one_opens_and_recovers_at_once() -> None:
    assert spelled("bgg", Rule(bad=1, of=1, good=1)) == "ORC"


@pytest.mark.parametrize("numbers", [(0, 1, 1), (3, 2, 1), (1, 1, 0)])
def test_an_impossible_rule_is_refused(numbers: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="1 <= bad <= of"):
        Rule(*numbers)


@given(VERDICTS, rules())
def test_an_unknown_observation_changes_nothing(verdicts: list[Verdict], rule: Rule) -> None:
    for verdict, change in zip(verdicts, play(verdicts, rule), strict=True):
        assert verdict is not Verdict.UNKNOWN or change is None


@given(VERDICTS, rules())
def test_only_bad_ones_open_and_only_good_ones_close(verdicts: list[Verdict], rule: Rule) -> None:
    cause = {
        Change.OPENED: Verdict.BAD,
        Change.RELAPSED: Verdict.BAD,
        Change.RECOVERED: Verdict.GOOD,
        Change.CLEARED: Verdict.GOOD,
    }
    for verdict, change in zip(verdicts, play(verdicts, rule), strict=True):
        assert change is None or cause[change] is verdict


@given(VERDICTS, rules())
def test_changes_come_in_the_order_of_an_episode(verdicts: list[Verdict], rule: Rule) -> None:
    follows = {
        None: {Change.OPENED},
        Change.OPENED: {Change.RECOVERED},
        Change.RECOVERED: {Change.RELAPSED, Change.CLEARED, Change.OPENED},
        Change.RELAPSED: {Change.RECOVERED},
        Change.CLEARED: {Change.OPENED},
    }
    last: Change | None = None
    for change in play(verdicts, rule):
        if change is not None:
            assert change in follows[last]
            last = change


@given(VERDICTS, rules())
def test_nothing_opens_with_fewer_bad_ones_among_the_last_m(verdicts: list[Verdict], rule: Rule) -> None:
    for end, change in enumerate(play(verdicts, rule), start=1):
        if change is Change.OPENED:
            assert verdicts[max(0, end - rule.of) : end].count(Verdict.BAD) >= rule.bad


@given(st.lists(st.sampled_from([Verdict.BAD, Verdict.GOOD]), max_size=60), rules())
def test_flapping_within_the_hold_is_one_episode(verdicts: list[Verdict], rule: Rule) -> None:
    endless = Rule(rule.bad, rule.of, rule.good, hold=timedelta(days=1))
    assert play(verdicts, endless).count(Change.OPENED) <= 1


def test_the_memory_of_nothing_is_clear() -> None:
    assert Memory.from_json(None).state is State.CLEAR
