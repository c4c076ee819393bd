"""Messages spread over numbered attributes: the quick way for plain ones tells what the long way tells."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.trail.mapping.collecting import collect
from bot.trail.mapping.messages import Message
from bot.trail.mapping.telling import Told
from bot.trail.mapping.vocabulary import load_vocabularies

OPENINFERENCE = load_vocabularies().by_name["openinference"]
NOTHING = "llm.input_messages.0.message.name"
"""An attribute without a value: it tells nothing, but the quick way leaves such spans to the long one."""


def read(attributes: dict[str, Any]) -> tuple[list[Message], list[Message]]:
    told = Told(OPENINFERENCE)
    collect(told, attributes)
    return told.input_messages, told.output_messages


def numbered(messages: dict[str, dict[str, Any]], side: str = "input") -> dict[str, Any]:
    return {
        f"llm.{side}_messages.{place}.message.{key}": value
        for place, message in messages.items()
        for key, value in message.items()
    }


ROLES = st.sampled_from(["system", "user", "assistant", "tool", "human", "model", ""])
TEXTS = st.text(max_size=20) | st.sampled_from(
    ["__REDACTED__", "[REDACTED]", '[{"type":"text","text":"Hi"}]', '{"a": 1}', '"quoted"', "[1, 2]"]
)
VALUES = TEXTS | st.integers() | st.booleans() | st.none()
MESSAGES = st.dictionaries(
    st.integers(0, 12).map(str) | st.sampled_from(["007", "99999", "100000", "x", "²"]),
    st.fixed_dictionaries({}, optional={"role": ROLES, "content": VALUES, "tool_call_id": TEXTS}),
    max_size=4,
)
PLAIN = st.dictionaries(
    st.integers(0, 300).map(str),
    st.fixed_dictionaries({"role": st.sampled_from(["system", "user", "assistant", "tool"]), "content": st.text()}),
    max_size=12,
)


@given(MESSAGES | PLAIN, MESSAGES | PLAIN)
def test_the_quick_way_tells_what_the_long_way_tells(asked: Any, answered: Any) -> None:
    attributes = numbered(asked) | numbered(answered, "output")
    assert read(attributes) == read({NOTHING: None} | attributes)


def test_messages_come_in_the_order_of_their_numbers() -> None:
    places = {str(place): {"role": "user", "content": f"word {place}"} for place in (10, 2, 0, 11, 1)}
    asked, _ = read(numbered(places))
    assert [message["content"] for message in asked] == ["word 0", "word 1", "word 2", "word 10", "word 11"]


def test_questions_and_answers_are_told_apart() -> None:
    question = {"0": {"role": "user", "content": "Is it in stock?"}}
    answer = {"0": {"role": "assistant", "content": "It ships today."}}
    asked, answered = read(numbered(question) | numbered(answer, "output"))
    assert asked == [{"role": "user", "content": "Is it in stock?"}]
    assert answered == [{"role": "assistant", "content": "It ships today."}]


@pytest.mark.parametrize("hidden", ["__REDACTED__", "[REDACTED]", "***"])
def test_what_the_emitter_hides_is_no_message(hidden: str) -> None:
    asked, _ = read(numbered({"0": {"role": "user", "content": hidden}}))
    assert asked == []
