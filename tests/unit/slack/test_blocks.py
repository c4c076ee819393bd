"""The block layer: escaping, clamping, and refusing what Slack would refuse."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.slack import limits
from bot.slack.blocks import (
    CUT,
    Actions,
    Button,
    Confirm,
    Context,
    Fields,
    Header,
    Input,
    Literal,
    Message,
    MessageError,
    Modal,
    Mrkdwn,
    Plain,
    Preformatted,
    RichText,
    Section,
    Style,
    TextInput,
    clip,
    date,
    esc,
    markup,
)

HOSTILE = "<!channel> & <@U123> <https://evil.example|status page> <!subteam^S1>"


def test_foreign_text_in_markup_is_escaped_exactly_once() -> None:
    shown = markup("{what}", what=HOSTILE)
    assert "<" not in shown.source
    assert shown.source.startswith("&lt;!channel&gt; &amp; ")
    assert markup("{inner}", inner=shown) == shown


def test_foreign_text_with_braces_is_not_a_template() -> None:
    assert markup("{a} {b}", a="{b}", b="{a.__class__}").source == "{b} {a.__class__}"


@given(st.text())
def test_nothing_foreign_can_mention_anybody(text: str) -> None:
    message = Message(
        markup("{text}", text=text),
        [
            Header(text),
            Section(markup("{text}", text=text)),
            Fields((("Value", text),)),
            RichText((Literal(text),)),
            Context((Plain(text), markup("{text}", text=text))),
        ],
    )
    payload = message.payload()
    assert "<" not in payload["text"]
    assert all("<" not in text for text in _mrkdwn(payload["blocks"]))


@given(st.text(alphabet=st.sampled_from("ab<>&! "), max_size=9000))
def test_every_message_that_we_build_is_one_that_slack_takes(text: str) -> None:
    message = Message(
        markup("{text}", text=text),
        [
            Header(text),
            Section(markup("{text}", text=text)),
            Section(Plain(text)),
            Fields((("Value", text),)),
            RichText((Literal(text),)),
            Preformatted(text),
            Actions((Button(text, "go", "x", confirm=Confirm(text, text, text), spoken=text or None),)),
        ],
    )
    assert limits.validate(message.payload()["blocks"]) == []


def test_what_is_cut_says_so() -> None:
    assert clip("a" * 20, 12) == "a" * 6 + CUT
    assert clip("a" * 12, 12) == "a" * 12
    shown = Header("x" * 400).json()["text"]["text"]
    assert len(shown) == limits.HEADER
    assert shown.endswith(CUT)


@given(st.text(alphabet="a&<>", min_size=10, max_size=60), st.integers(10, 40))
def test_a_cut_never_leaves_half_an_entity_behind(text: str, maximum: int) -> None:
    shown = markup("{text}", text=text).within(maximum)
    assert len(shown) <= maximum
    assert "&" not in shown.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "")


def test_a_cut_never_leaves_half_a_date_behind() -> None:
    shown = markup("{at}", at=date(datetime(2026, 3, 2, 9, 0, tzinfo=UTC))).within(30)
    assert shown == CUT


def test_a_dangerous_button_needs_a_confirm() -> None:
    with pytest.raises(MessageError, match="needs a confirm"):
        Button("Undo", "undo_step", "step:1:v1", Style.DANGER)


def test_only_one_button_of_a_message_is_the_obvious_one() -> None:
    buttons = tuple(Button("Go", name, "x", Style.PRIMARY) for name in ("one", "two"))
    with pytest.raises(MessageError, match="2 are primary"):
        Message(Mrkdwn("x"), [Actions(buttons)]).payload()


def test_a_message_that_slack_would_refuse_is_refused_here_with_every_reason() -> None:
    with pytest.raises(MessageError, match="no more than 50 items"):
        Message(Mrkdwn("x"), [Header("x")] * 51).payload()


def test_a_modal_with_a_question_but_no_submit_is_refused() -> None:
    with pytest.raises(MessageError, match="submit"):
        Modal("Ask", "ask", [Input("why", "Why?", TextInput("why"))]).view()


def test_a_coloured_message_hangs_all_but_its_header_on_the_bar() -> None:
    payload = Message(Mrkdwn("x"), [Header("x"), Section(Plain("y"))], "#c0392b").payload()
    assert [block["type"] for block in payload["blocks"]] == ["header"]
    assert payload["attachments"][0]["color"] == "#c0392b"
    assert [block["type"] for block in payload["attachments"][0]["blocks"]] == ["section"]


def test_a_date_is_shown_in_the_readers_zone_with_utc_to_fall_back_on() -> None:
    shown = date(datetime(2026, 3, 2, 9, 5, tzinfo=UTC)).source
    assert shown == "<!date^1772442300^{date_short_pretty} at {time}|02 Mar 09:05 UTC>"


def test_escaping_touches_only_the_three_characters_that_slack_reads() -> None:
    assert esc("""it's "5" & <6>""") == """it's "5" &amp; &lt;6&gt;"""


def _mrkdwn(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["text"]] if value.get("type") == "mrkdwn" else []
        return own + [text for inner in value.values() for text in _mrkdwn(inner)]
    if isinstance(value, list):
        return [text for inner in value for text in _mrkdwn(inner)]
    return []
