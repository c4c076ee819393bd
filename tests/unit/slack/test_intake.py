"""What Slack delivers: how a repetition is known, and what is asked for."""

from typing import Any

import pytest

from bot.slack import intake
from bot.slack.intake import Wants


def click(**changes: Any) -> dict[str, Any]:
    return {
        "type": "block_actions",
        "user": {"id": "U1"},
        "container": {"message_ts": "1.2"},
        "channel": {"id": "C1"},
        "message": {"ts": "1.2", "thread_ts": "1.0"},
        "response_url": "https://example.com/r",
        "trigger_id": "t",
        "actions": [{"action_id": "run_step", "value": "step:7:v2", "action_ts": "9.9"}],
    } | changes


def event(**inner: Any) -> dict[str, Any]:
    return {"type": "event_callback", "event_id": "Ev1", "event": inner}


def test_a_redelivered_click_has_the_same_key_and_a_second_click_another() -> None:
    again = click(actions=[{"action_id": "run_step", "value": "step:7:v2", "action_ts": "9.95"}])
    assert intake.dedupe_key(click()) == intake.dedupe_key(click(trigger_id="other"))
    assert intake.dedupe_key(click()) != intake.dedupe_key(again)
    assert intake.dedupe_key(click()) != intake.dedupe_key(click(user={"id": "U2"}))


def test_one_direct_message_under_several_event_ids_is_one() -> None:
    one = event(type="message", channel_type="im", channel="D1", ts="5.5", user="U1", text="help")
    assert intake.dedupe_key(one) == intake.dedupe_key(one | {"event_id": "Ev2"})


def test_a_plain_channel_message_does_not_stand_in_the_way_of_its_own_mention() -> None:
    message = event(type="message", channel_type="channel", channel="C1", ts="5.5", user="U1", text="<@B> help")
    mention = event(type="app_mention", channel="C1", ts="5.5", user="U1", text="<@B> help")
    assert intake.dedupe_key(message) != intake.dedupe_key(mention)
    assert intake.read("event", message) is None


def test_a_form_submitted_twice_is_one() -> None:
    body = {"type": "view_submission", "view": {"id": "V1", "hash": "h"}, "user": {"id": "U1"}}
    assert intake.dedupe_key(body) == "view_submission:V1:h"


@pytest.mark.parametrize("kind", ["block_suggestion", "app_rate_limited", None])
def test_what_nobody_asked_for_is_not_kept(kind: str | None) -> None:
    assert intake.kind({"type": kind}) is None


def test_a_click_is_read_with_where_it_happened() -> None:
    request = intake.read("action", click())
    assert request is not None
    assert (request.wants, request.name, request.value) == (Wants.CLICK, "run_step", "step:7:v2")
    assert (request.user, request.channel, request.thread_ts) == ("U1", "C1", "1.0")


def test_a_click_on_a_link_asks_nothing() -> None:
    assert intake.read("action", click(actions=[{"action_id": "open_link"}])) is None


@pytest.mark.parametrize(
    ("text", "name", "words"),
    [("", "help", ()), ("STATUS", "status", ()), ("arm  support-bot", "arm", ("support-bot",))],
)
def test_a_command_is_its_first_word(text: str, name: str, words: tuple[str, ...]) -> None:
    request = intake.read("command", {"command": "/badday", "user_id": "U1", "text": text})
    assert request is not None
    assert (request.wants, request.name, request.words) == (Wants.COMMAND, name, words)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("command", {"command": "/badday", "user_id": "U1", "text": "incident open", "trigger_id": "t"}),
        ("action", click(actions=[{"action_id": "open_incident", "value": "home"}])),
        ("shortcut", {"type": "shortcut", "callback_id": "open_incident", "user": {"id": "U1"}, "trigger_id": "t"}),
    ],
)
def test_a_form_is_asked_for_by_command_button_and_shortcut(kind: str, body: dict[str, Any]) -> None:
    request = intake.read(kind, body)
    assert request is not None
    assert (request.wants, request.name, request.trigger_id) == (Wants.FORM, "incident_open", "t")


def test_a_mention_and_a_direct_message_are_commands() -> None:
    mention = intake.read("event", event(type="app_mention", user="U1", channel="C1", ts="1", text="<@B9> status"))
    direct = intake.read("event", event(type="message", channel_type="im", user="U1", channel="D1", text="status"))
    assert mention is not None
    assert direct is not None
    assert mention.name == direct.name == "status"


def test_what_a_bot_says_in_a_direct_message_asks_nothing() -> None:
    said = event(type="message", channel_type="im", user="U1", bot_id="B1", channel="D1", text="status")
    assert intake.read("event", said) is None


def test_the_answers_of_a_form_are_found_by_question() -> None:
    values = {
        "system": {"value": {"type": "static_select", "selected_option": {"value": "support-bot"}}},
        "title": {"value": {"type": "plain_text_input", "value": "It hurts"}},
        "known": {"value": {"type": "plain_text_input", "value": None}},
    }
    found = intake.answers({"state": {"values": values}})
    assert found == {"system": "support-bot", "title": "It hurts", "known": ""}


def reaction(name: str) -> dict[str, Any]:
    item = {"type": "message", "channel": "C1", "ts": "1.5"}
    return event(type="reaction_added", user="U1", reaction=name, item=item)


def test_only_a_reaction_that_keeps_a_message_is_taken_in() -> None:
    assert intake.kind(reaction("eyes")) is None
    for name in ("memo", "pushpin", "round_pushpin"):
        assert intake.kind(reaction(name)) == "event"
        request = intake.read("event", reaction(name))
        assert request is not None
        assert (request.wants, request.channel, request.message_ts, request.message) == (Wants.KEEP, "C1", "1.5", None)


def test_the_shortcuts_of_a_message_bring_it_along() -> None:
    message = {"ts": "1.5", "user": "U2", "text": "<b>ü" * 900, "files": [{"id": "F1", "name": "a.png"}] * 9}
    body = {
        "type": "message_action",
        "user": {"id": "U1"},
        "channel": {"id": "C1"},
        "message": message,
        "message_ts": "1.5",
        "trigger_id": "t",
    }
    kept = intake.read("shortcut", {**body, "callback_id": "add_to_timeline"})
    assert kept is not None
    assert (kept.wants, kept.message) == (Wants.KEEP, message)
    form = intake.read("shortcut", {**body, "callback_id": "open_incident_from"})
    assert form is not None
    assert (form.wants, form.name) == (Wants.FORM, "incident_open_from")
    assert len(form.value) <= 3000
    view = {"callback_id": "incident_open", "private_metadata": form.value}
    back = intake.read("view_submission", {"type": "view_submission", "user": {"id": "U1"}, "view": view})
    assert back is not None
    assert (back.channel, back.value) == ("C1", form.value)
