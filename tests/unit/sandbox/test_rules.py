"""The small rules of the workspace: pace, triggers, response addresses, typed text, timestamps, faults."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.sandbox import mrkdwn
from bot.sandbox.clock import Clock
from bot.sandbox.faults import Fault, Faults, Kind
from bot.sandbox.installed_app import InstalledApp
from bot.sandbox.pace import Pace
from bot.sandbox.response_urls import ResponseUrls, UrlError
from bot.sandbox.triggers import TriggerError, Triggers
from bot.sandbox.workspace import Workspace


@pytest.fixture
def clock() -> Clock:
    return Clock(datetime(2026, 3, 2, 9, 0, tzinfo=UTC))


@pytest.fixture
def workspace(clock: Clock) -> Workspace:
    return Workspace(InstalledApp.from_manifest(None), clock)


def test_a_channel_takes_one_message_a_second() -> None:
    pace = Pace()
    assert [pace.admit("C", at) for at in (0.0, 0.5, 0.95, 1.5, 2.0)] == [0, 1, 0, 1, 0]
    assert pace.admit("D", 0.5) == 0


@given(st.lists(st.floats(min_value=0, max_value=5), min_size=1, max_size=200))
def test_no_channel_ever_gets_more_than_one_message_a_second_plus_one(gaps: list[float]) -> None:
    pace, now, admitted = Pace(), 0.0, 0
    for gap in gaps:
        now += gap
        admitted += pace.admit("C", now) == 0
    assert admitted <= now + 1.2


def code_of(attempt: Callable[[], object]) -> str:
    with pytest.raises((TriggerError, UrlError)) as refused:
        attempt()
    return str(refused.value)


def test_a_trigger_is_used_once_within_three_seconds(clock: Clock) -> None:
    triggers = Triggers(clock)
    first, second = triggers.issue("U1"), triggers.issue("U1")
    assert triggers.exchange(first).user == "U1"
    assert code_of(lambda: triggers.exchange(first)) == "exchanged_trigger_id"
    clock.advance(3.1)
    assert code_of(lambda: triggers.exchange(second)) == "expired_trigger_id"
    assert code_of(lambda: triggers.exchange("made up")) == "invalid_trigger_id"


def test_a_response_address_takes_five_answers_in_thirty_minutes(clock: Clock) -> None:
    urls = ResponseUrls(clock)
    key, other = urls.issue("U1", "C1"), urls.issue("U1", "C1")
    for _ in range(5):
        urls.use(key)
    assert code_of(lambda: urls.use(key)) == "used_url"
    clock.advance(30 * 60 + 1)
    assert code_of(lambda: urls.use(other)) == "expired_url"


def test_typed_text_is_escaped_and_names_become_references(workspace: Workspace) -> None:
    sam, general = workspace.user_named("sam"), workspace.channel_named("general")
    assert sam is not None
    assert general is not None
    text, elements = mrkdwn.typed(
        workspace, "@sam: a < b & see #general, https://e.org/?a=1&b=2 @here @nobody x@sam.org"
    )
    assert text == (
        f"<@{sam.id}>: a &lt; b &amp; see <#{general.id}|general>, "
        "<https://e.org/?a=1&amp;b=2> <!here> @nobody x@sam.org"
    )
    assert [element["type"] for element in elements] == [
        "user",
        "text",
        "channel",
        "text",
        "link",
        "text",
        "broadcast",
        "text",
    ]


@given(st.text())
def test_no_typed_text_smuggles_a_special_mention(text: str) -> None:
    workspace = Workspace(InstalledApp.from_manifest(None), Clock())
    written, elements = mrkdwn.typed(workspace, f"<!channel> {text}")
    assert written.startswith("&lt;!channel&gt;")
    assert "".join(e.get("text", "") for e in elements).startswith("<!channel>")


def test_timestamps_only_grow_even_when_the_clock_is_set_back(workspace: Workspace, clock: Clock) -> None:
    first = workspace.next_ts()
    clock.set(datetime(2020, 1, 1, tzinfo=UTC))
    later = [workspace.next_ts() for _ in range(100)]
    assert sorted({first, *later}) == [first, *later]


def test_a_fault_strikes_as_often_as_it_says_and_only_what_it_names() -> None:
    faults = Faults()
    faults.add(Fault(Kind.ERROR500, method="chat.update", channel="C1", times=2))
    faults.add(Fault(Kind.REDELIVER, method="message"))
    assert faults.strike(method="chat.update", channel="C2") is None
    assert faults.strike(method="auth.test", channel=None) is None
    assert faults.strike_delivery(Kind.REDELIVER, "app_mention") is None
    struck = [faults.strike(method="chat.update", channel="C1") is not None for _ in range(3)]
    assert struck == [True, True, False]
    assert faults.strike_delivery(Kind.REDELIVER, "message") is not None
    assert faults.waiting == []


def test_an_app_without_a_subscription_or_scope_in_its_manifest_has_none() -> None:
    app = InstalledApp.from_manifest(
        {
            "display_information": {"name": "Other App"},
            "features": {"slash_commands": [{"command": "/other", "description": "Other"}]},
            "oauth_config": {"scopes": {"bot": ["chat:write"], "bot_optional": ["dnd:read"]}},
        }
    )
    assert (app.handle, list(app.commands), app.events) == ("other_app", ["/other"], frozenset())
    assert app.scopes == {"chat:write", "dnd:read"}
