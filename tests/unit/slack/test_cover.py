"""What people read about who is on call, as snapshots."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.slack.messages import cover, who
from bot.slack.messages.cover import CoverChangedView, OverrideLine, OverridesView
from bot.slack.messages.who import ClimbLines, ShiftLine, StepLine, SystemCover, WhoView
from tests.unit.slack.snapshot import assert_snapshot

AT = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
COVERED = SystemCover(
    system="support-bot",
    now=ShiftLine("Ana Silva", "rotation support/primary", AT - 24 * HOUR, AT + 18 * HOUR),
    next=ShiftLine("Lea Kim", "rotation support/nights", AT + 18 * HOUR, AT + 26 * HOUR),
    owner="Maria Ortiz",
    deputies=["Sam Lee", "Ana Silva"],
)
ALONE = SystemCover("search", ShiftLine("Maria Ortiz", "owner"), None, "Maria Ortiz")
CLIMB = ClimbLines(
    policy="climb",
    steps=[
        StepLine(timedelta(0), [("Ana Silva", "rotation support/primary")]),
        StepLine(5 * MINUTE, [("Maria Ortiz", "owner"), ("Sam Lee", "deputy")], condition="only sev1"),
        StepLine(None, [("Lea Kim", "group leads")], condition="only outside business hours"),
        StepLine(10 * MINUTE, [], ["support-bot"], [("rotation:nights", "nobody is on call")]),
    ],
    repeat=2,
    acknowledgements=2,
    unacknowledge=30 * MINUTE,
)
STANDING_IN = OverrideLine(
    7, "rotation/support/primary", "Sam Lee", AT, AT + 4 * HOUR, in_force=True, by="Ana <Silva>", reason="a <wedding>"
)


def test_who_is_on_call_for_every_system() -> None:
    assert_snapshot("who", who.render(WhoView([COVERED, ALONE])).payload())


def test_who_is_on_call_for_one_system_and_how_its_pages_climb() -> None:
    assert_snapshot("who_system", who.render(WhoView([replace(COVERED, climb=CLIMB)])).payload())


def test_a_system_that_left_the_catalog_while_the_answer_was_on_its_way() -> None:
    assert_snapshot("who_nothing", who.render(WhoView([])).payload())


def test_more_systems_than_a_message_holds_are_counted() -> None:
    shown = who.render(WhoView([replace(ALONE, system=f"system-{number}") for number in range(60)])).payload()
    assert "40 more" in str(shown["blocks"])


def test_the_list_of_those_who_stand_in() -> None:
    later = replace(STANDING_IN, number=8, target="system/search", in_force=False, reason="", starts=AT + HOUR)
    assert_snapshot("overrides", cover.render(OverridesView([STANDING_IN, later])).payload())


def test_nobody_stands_in() -> None:
    assert_snapshot("overrides_none", cover.render(OverridesView([])).payload())


def test_whoever_is_put_in_is_told() -> None:
    assert_snapshot("cover_changed", cover.render_changed(CoverChangedView(STANDING_IN)).payload())


def test_whoever_is_taken_out_again_is_told() -> None:
    assert_snapshot("cover_changed_back", cover.render_changed(CoverChangedView(STANDING_IN, "Ana Silva")).payload())
