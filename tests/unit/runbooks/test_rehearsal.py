"""Rehearsals: every path is played to its end, and what cannot be is found."""

from textwrap import dedent

import pytest

from bot.actions.registry import packaged
from bot.runbooks.life import State
from bot.runbooks.meaning import parse_runbook
from bot.runbooks.rehearsal import MOST_PATHS, Rehearsal, rehearse

HEAD = """\
runbook: 1
name: outage
summary: Move traffic.
steps:
"""


def played(steps: str, *, all_paths: bool = True) -> Rehearsal:
    runbook = parse_runbook(HEAD + dedent(steps), "outage.yaml", packaged())
    return rehearse(runbook, packaged(), all_paths=all_paths)


SWITCH = """\
  - id: switch
    title: Switch
    do: route.set
    with: {route: "{{ route.name }}", to: "{{ route.standby }}"}
"""


def test_every_outcome_of_a_step_that_others_speak_of_is_played() -> None:
    found = played(SWITCH + "  - {id: tell, title: Tell, note: It failed., if: steps.switch.failed}\n")
    assert not found.left_out
    assert all(one.ok for one in found.played)
    outcomes = {tuple(state for _, state in one.steps) for one in found.played}
    assert outcomes == {
        (State.DONE, State.SKIPPED),
        (State.FAILED, State.DONE),
        (State.FAILED, State.SKIPPED),
        (State.SKIPPED, State.SKIPPED),
    }


def test_a_condition_on_what_is_read_on_the_day_is_played_both_ways() -> None:
    found = played(SWITCH + "  - {id: tell, title: Tell, note: Slow., if: steps.switch.reading.ok_rate < 0.9}\n")
    assert {dict(one.steps)["tell"] for one in found.played} == {State.DONE, State.SKIPPED}


def test_without_all_paths_the_best_and_the_worst_are_played() -> None:
    found = played(SWITCH, all_paths=False)
    assert [one.path for one in found.played] == ["switch=done", "switch=failed"]


def test_undo_all_takes_back_what_was_done() -> None:
    twice = SWITCH + SWITCH.replace("switch", "again") + "    on_fail: undo_all\n"
    found = played(twice)
    assert "switch=undone again=failed" in {one.path for one in found.played}


def test_what_cannot_be_filled_in_on_a_path_is_told() -> None:
    found = played(SWITCH.replace("{{ route.standby }}", "{{ route.standbys[7] }}"))
    assert not any(one.ok for one in found.played)
    assert all(one.problems[0].startswith("switch: cannot be filled in") for one in found.played)


def test_what_is_not_played_is_counted() -> None:
    steps = "".join(SWITCH.replace("switch", f"s{number}") for number in range(9))
    tell = " or ".join(f"steps.s{number}.failed" for number in range(9))
    found = played(steps + f"  - {{id: tell, title: Tell, note: x, if: {tell}}}\n")
    assert found.left_out == 3**10 - MOST_PATHS


@pytest.mark.parametrize("word", ["switch", "later"])
def test_a_step_that_speaks_of_itself_or_of_a_later_one_is_a_mistake(word: str) -> None:
    from bot.catalog import CatalogError

    text = HEAD + SWITCH + f"    if: steps.{word}.failed\n" + SWITCH.replace("switch", "later")
    with pytest.raises(CatalogError, match="no earlier step"):
        parse_runbook(text, "outage.yaml", packaged())
