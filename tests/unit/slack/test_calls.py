"""What people read about calls: the answer to `/badday calls`, one call whole, and what an incident did to them."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.slack.messages import call, calls, calls_setup, incident_root
from bot.slack.messages.call import Attempt, CallWhole
from bot.slack.messages.calls import CallRow, CallsView, RegisterLine, Sums, share
from bot.trail.queries.question import Question, Show
from tests.unit.slack.snapshot import assert_snapshot
from tests.unit.slack.test_messages import ROOT

large = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
AT = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
HOSTILE = "<!channel> <@U123> *bold* `code` <https://evil.example|click> & :tada: \u202e ```"
SUMS = Sums(calls=1234, errors=37, fallbacks=12, unpriced=3, spend="$4.21", p50="820 ms", p95="4,310 ms")
ROW = CallRow(
    id="c_0k3v9c8r2m4qa",
    at=AT,
    verdict="timeout",
    wrong=True,
    where="support-bot · openai/gpt-4.1-mini · autoreply",
    figures="30.0 s · 147 → – tokens · unpriced",
)
ANSWERED = replace(
    ROW, verdict="ok", wrong=False, figures="1.2 s · 147 → 45 tokens · $0.0001", excerpt="Refunds take\n30 days."
)
VIEW = CallsView(Question(), "support-bot · last 24 h", SUMS, [ROW, ANSWERED])
VIEWS = {
    "errors": VIEW,
    "no_errors": replace(VIEW, rows=[]),
    "one": replace(VIEW, question=Question(call=ROW.id), sums=None, rows=[ROW], about=f"call {ROW.id}"),
    "by_model": replace(
        VIEW,
        question=Question(Show.BY, by="model"),
        rows=[],
        parts=[("gpt-4.1-mini", SUMS), ("claude-haiku-4-5", Sums(calls=2, unpriced=2))],
    ),
    "fallbacks": replace(
        VIEW,
        question=Question(Show.FALLBACKS),
        register=[RegisterLine("openai", "rate_limit", "anthropic", "anthropic 12×, none 2×", "differs")],
    ),
    "hidden": replace(VIEW, hidden_from={"support-bot": "Maria Ortiz or Sam Lee"}),
}


@pytest.mark.parametrize("name", VIEWS)
def test_the_answer_lists_calls_with_what_they_add_up_to(name: str) -> None:
    assert_snapshot(f"calls_{name}", calls.render(VIEWS[name]).payload())


def test_without_any_call_it_says_how_to_send_some() -> None:
    view = calls_setup.CallsSetupView(["support-bot", "search"], "https://badday.example.com")
    assert_snapshot("calls_setup", calls_setup.render(view).payload())


WHOLE = CallWhole(
    id=ROW.id,
    at=AT,
    verdict="ok",
    wrong=False,
    told=[("system", "support-bot"), ("model", "openai/gpt-4.1-mini"), ("latency", "820 ms"), ("cost", "$0.0001")],
    readable=True,
    input=json.dumps([{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Where is my refund?"}]),
    output="Refunds take 30 days.",
)
WHOLES = {
    "answered": WHOLE,
    "fell_back": replace(
        WHOLE,
        attempts=[
            Attempt(1, "openai/gpt-4.1-mini", "timeout", "30.0 s"),
            Attempt(2, "anthropic/claude-haiku-4-5", "ok", "1,203 ms", this=True, final=True),
        ],
    ),
    "failed": replace(
        WHOLE, verdict="timeout", wrong=True, output=None, error="openai.APITimeoutError: Request timed out."
    ),
    "not_yours": replace(WHOLE, readable=False, ask="Maria Ortiz or Sam Lee", input=None, output=None),
    "no_text": replace(WHOLE, input=None, output=None),
}


@pytest.mark.parametrize("name", WHOLES)
def test_one_call_is_shown_whole(name: str) -> None:
    assert_snapshot(f"call_{name}", call.render(WHOLES[name]).view())


def test_a_call_that_is_gone_says_so() -> None:
    assert "There is no call c_x &lt;!channel&gt;" in json.dumps(call.gone("c_x <!channel>").view())


def literal_texts(value: Any) -> list[str]:
    """Every text that Slack shows as it is."""
    if isinstance(value, dict):
        own = [value["text"]] if value.get("type") in ("text", "plain_text") else []
        return own + [text for inner in value.values() for text in literal_texts(inner)]
    return [text for inner in value for text in literal_texts(inner)] if isinstance(value, list) else []


def markup_texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["text"]] if value.get("type") == "mrkdwn" else []
        return own + [text for inner in value.values() for text in markup_texts(inner)]
    return [text for inner in value for text in markup_texts(inner)] if isinstance(value, list) else []


def test_what_a_model_said_is_never_markup() -> None:
    messages = json.dumps([{"role": HOSTILE, "content": HOSTILE}])
    hostile = replace(WHOLE, input=messages, output=HOSTILE, error=HOSTILE, told=[("model", HOSTILE)])
    shown = call.render(hostile).view()
    assert sum(text.strip().startswith("<!channel>") for text in literal_texts(shown)) == 5
    assert not any("evil" in text for text in markup_texts(shown))


def test_what_a_list_tells_of_calls_is_never_markup() -> None:
    rows = [replace(ROW, where=HOSTILE, excerpt=HOSTILE)]
    hostile = replace(VIEW, about=HOSTILE, rows=rows, hidden_from={HOSTILE: HOSTILE})
    for view in (
        hostile,
        replace(hostile, question=Question(Show.BY, by="model"), parts=[(HOSTILE, SUMS)]),
        replace(hostile, question=Question(Show.FALLBACKS), register=[RegisterLine(*[HOSTILE] * 5)]),
    ):
        payload = calls.render(view).payload()
        assert not any("evil" in text for text in markup_texts(payload["blocks"]))
        assert "<!channel>" not in payload["text"]


@large
@given(st.text(max_size=40_000), st.text(max_size=40_000), st.text(max_size=4000))
def test_any_text_fits_into_a_modal(question: str, answer: str, error: str) -> None:
    messages = json.dumps([{"role": "user", "content": question}, {"role": "user", "content": answer}] * 30)
    for asked in (messages, question):
        call.render(replace(WHOLE, input=asked, output=answer, error=error, told=[("model", error)] * 20)).view()


def test_long_texts_are_cut_with_a_note() -> None:
    text = json.dumps(call.render(replace(WHOLE, output="x" * 100_000)).view())
    assert "Cut: 12,000 of 100,000 characters." in text
    assert f"badday calls show {ROW.id}" in text


def test_of_a_long_conversation_the_last_messages_are_shown() -> None:
    messages = [{"role": "user", "content": f"question {number}"} for number in range(82)]
    text = json.dumps(call.render(replace(WHOLE, input=json.dumps(messages))).view())
    assert "62 earlier messages are not shown" in text
    assert '"question 81"' in text
    assert '"question 61"' not in text


@large
@given(st.text(), st.lists(st.text(max_size=5000), min_size=30, max_size=30))
def test_any_list_fits_into_a_message(name: str, texts: list[str]) -> None:
    rows = [replace(ROW, id="x" * 200, where=text, excerpt=text) for text in texts]
    parts = [(text, SUMS) for text in texts]
    register = [RegisterLine(text, name[:50], text, text, name[:50]) for text in texts]
    for show in Show:
        question = Question(show, by="model" if show is Show.BY else None, words=" ".join(name.split()) or None)
        calls.render(CallsView(question, name[:500], SUMS, rows, parts, register, {name: name})).payload()


@pytest.mark.parametrize(
    ("part", "whole", "said"),
    [(0, 0, "0 %"), (0, 10, "0 %"), (1, 2000, "< 0.1 %"), (1, 100, "1.0 %"), (1, 3, "33 %"), (999, 1000, "> 99 %")],
)
def test_a_share_is_never_rounded_to_none_or_all(part: int, whole: int, said: str) -> None:
    assert share(part, whole) == said


IMPACTS = {
    "calls_fell_back": incident_root.CallsImpact(312, {"anthropic": 41}, 3),
    "calls_failed": incident_root.CallsImpact(312, {}, 1, nobodys=5),
    "calls_unharmed": incident_root.CallsImpact(312, {}, 0),
}


@pytest.mark.parametrize("name", IMPACTS)
def test_an_incident_says_what_happened_to_calls_and_users(name: str) -> None:
    view = replace(ROOT, impact=IMPACTS[name])
    assert_snapshot(f"incident_root_{name}", incident_root.render(view).payload())
