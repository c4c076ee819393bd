"""What can be typed after `/badday calls`."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.trail.identity import public_id
from bot.trail.queries.question import BREAKDOWNS, Question, QuestionError, Show, read_question

NOW = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
SYSTEMS = ("support-bot", "search")
ID = public_id(123456789)


def read(typed: str) -> Question:
    return read_question(typed.split(), systems=SYSTEMS, now=NOW)


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        ("", Question()),
        ("support-bot", Question(system="support-bot")),
        ("slow support-bot", Question(Show.SLOW, system="support-bot")),
        ("dear since=7d", Question(Show.DEAR, since="7d")),
        ("fallbacks search", Question(Show.FALLBACKS, system="search")),
        ("by model", Question(Show.BY, by="model")),
        ("by prompt support-bot", Question(Show.BY, by="prompt_version", system="support-bot")),
        ("by prompt_version", Question(Show.BY, by="prompt_version")),
        ("model=gpt-4.1-mini feature=autoreply", Question(model="gpt-4.1-mini", feature="autoreply")),
        ('prompt="refund policy v3"', Question(prompt_version="refund policy v3")),
        ('newest "refund window"', Question(Show.NEWEST, words="refund window")),
        ("“don't worry”", Question(words="don't worry")),
        ("'refund window' slow", Question(Show.SLOW, words="refund window")),
        ('"not closed', Question(words="not closed")),
        (ID, Question(call=ID)),
        ("call=req-8841", Question(call="req-8841")),
    ],
)
def test_words_are_a_question(typed: str, asked: Question) -> None:
    assert read(typed) == asked


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("suport-bot", "did you mean support-bot?"),
        ("slw", "did you mean slow?"),
        ("refund", 'quote it: "refund"'),
        ("modle=x", "did you mean model="),
        ("colour=x", "there are: system="),
        ("model=", "model is empty"),
        ("support-bot search", "system is given twice: support-bot and search"),
        ("by", "by what?"),
        ("by colour", "by what?"),
        ("since=soon", "since: 'soon' is not a time"),
    ],
)
def test_what_is_not_understood_says_what_can_be_typed(typed: str, why: str) -> None:
    with pytest.raises(QuestionError, match=why):
        read(typed)


@settings(deadline=None)
@given(st.text())
def test_any_text_is_a_question_or_refused(typed: str) -> None:
    try:
        asked = read(typed)
    except QuestionError:
        return
    assert read(asked.typed()) == asked


TEXT = st.text(st.characters(codec="utf-8", categories=["L", "N", "P"], exclude_characters='"“”„‟«»'), min_size=1)


@settings(deadline=None)
@given(
    st.builds(
        Question,
        show=st.sampled_from([show for show in Show if show is not Show.BY]),
        system=st.none() | TEXT,
        model=st.none() | TEXT,
        feature=st.none() | TEXT,
        provider=st.none() | TEXT,
        prompt_version=st.none() | TEXT,
        since=st.sampled_from(["24h", "7d", "2026-03-01"]),
        words=st.none() | TEXT,
    )
    | st.builds(Question, show=st.just(Show.BY), by=st.sampled_from(list(BREAKDOWNS.values())), system=st.none() | TEXT)
)
def test_a_question_can_be_typed(asked: Question) -> None:
    assert read(asked.typed()) == asked
