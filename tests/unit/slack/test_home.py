"""App Home as people see it: what is theirs first, a state as a word with a sign, and never more than fits."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.slack.messages import home
from bot.slack.messages.page import PagedIncident
from bot.slack.messages.status import RouteLine
from bot.slack.messages.who import ShiftLine
from bot.slack.messages.words import Deed
from tests.unit.slack.snapshot import assert_snapshot

AT = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
LATER = AT + timedelta(minutes=5)
THREAD = "https://example.slack.com/archives/C1/p1772460000000100"
PAGED = PagedIncident(
    number=42,
    version=1,
    system="support-bot",
    title="OpenAI: API has a <major> outage",
    severity="sev2",
    state="triggered",
    since=AT,
    why="rotation support",
    thread=THREAD,
    escalation=3,
    deadline=LATER,
    next_name="Sam Lee",
)
TAKEN = replace(PAGED, number=41, state="acknowledged", deed=Deed("Maria Ortiz", AT), escalation=4, deadline=None)
INCIDENT = home.HomeIncident(
    42, "support-bot", "OpenAI: API has a <major> outage", "sev2", "triggered", AT, "Maria Ortiz", True, THREAD
)
MINE = home.Personal(
    pages=[PAGED, TAKEN],
    shift=ShiftLine("Maria Ortiz", "rotation support", AT, AT + timedelta(days=2)),
    next_shift=ShiftLine("Maria Ortiz", "rotation night", AT + timedelta(days=9), AT + timedelta(days=10)),
    paged_first_for=["support-bot"],
    follow_ups=[home.FollowUpLine(40, 2, "Raise the limit with <OpenAI>", AT), home.FollowUpLine(12, 1, "Cut prompts")],
)
BUSY = home.HomeView(
    at=AT,
    user="U1",
    personal=MINE,
    incidents=[INCIDENT, replace(INCIDENT, number=43, system="search", mine=False, owner="Sam Lee", thread=None)],
    on_call=[
        home.OnCallLine("support-bot", ShiftLine("Maria Ortiz", "rotation support", AT, AT + timedelta(days=2))),
        home.OnCallLine("search", ShiftLine("Sam Lee", "owner")),
        home.OnCallLine("rotation night", None),
    ],
    systems=[
        home.HealthLine(
            "support-bot",
            "Maria Ortiz",
            True,
            home.Health.FAILING,
            ["calls on chat → openai fail", "incident 42 is open (▲ SEV2)"],
            [RouteLine("chat", "anthropic", "openai")],
        ),
        home.HealthLine("search", "Sam Lee", False, home.Health.NOT_KNOWN, ["its calls are not looked at"]),
        home.HealthLine("rank", "Sam Lee", True, home.Health.HEALTHY),
    ],
)
CALM = home.HomeView(at=AT, user="U1", personal=home.Personal())


def test_home_shows_what_waits_for_the_person_first() -> None:
    assert_snapshot("home", home.render(BUSY).view())


def test_a_home_to_which_nothing_happens_says_so() -> None:
    assert_snapshot("home_calm", home.render(CALM).view())


def test_somebody_who_is_not_in_the_catalog_is_told_how_to_get_there() -> None:
    assert_snapshot("home_stranger", home.render(replace(BUSY, user="U9", personal=None)).view())


def test_the_mark_changes_with_what_is_shown_and_not_with_the_time() -> None:
    mark = home.render(BUSY).mark
    assert home.render(replace(BUSY, at=LATER)).mark == mark
    assert home.render(replace(BUSY, incidents=[])).mark != mark


def test_a_very_bad_day_fits_into_the_blocks_that_somebody_reads() -> None:
    paged = replace(PAGED, title="t" * 900, system="s" * 200)
    incident = replace(INCIDENT, title="<!channel> " * 90, system="s" * 200, owner="o" * 200)
    health = home.HealthLine(
        "s" * 200, "o" * 99, False, home.Health.FAILING, ["r" * 200] * 99, [RouteLine("r" * 99, "a", "b")] * 99
    )
    shift = ShiftLine("n" * 200, "w" * 200, AT, LATER)
    view = home.HomeView(
        at=AT,
        user="U1",
        personal=home.Personal(
            pages=[replace(paged, number=number) for number in range(99)],
            shift=shift,
            next_shift=shift,
            paged_first_for=["s" * 200] * 99,
            follow_ups=[home.FollowUpLine(number, 1, "t" * 500, AT) for number in range(99)],
        ),
        incidents=[incident] * 99,
        on_call=[home.OnCallLine("s" * 200, shift)] * 99,
        systems=[health] * 99,
    )
    shown = home.render(view).view()
    assert len(shown["blocks"]) <= home.MOST_BLOCKS
    assert "<!channel>" not in json.dumps([block for block in shown["blocks"] if "mrkdwn" in json.dumps(block)])
