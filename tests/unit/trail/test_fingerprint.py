"""Fingerprints of requests and of users."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.trail.redaction.fingerprint import input_hash, user_hash

ASKED = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "What is the refund window?"}]


def of(messages: Any) -> int | None:
    return input_hash(json.dumps(messages))


def test_the_same_request_has_one_fingerprint_whatever_wrote_it_down() -> None:
    parts = [{"role": m["role"], "content": [{"type": "text", "text": m["content"]}]} for m in ASKED]
    other_keys = [{"parts": [{"type": "text", "content": m["content"]}], "role": m["role"]} for m in ASKED]
    developer = [{"role": "developer", "content": "Be brief."}, {"role": "human", "content": ASKED[1]["content"]}]
    late_system = [ASKED[1], ASKED[0]]
    spaced = json.dumps(ASKED, indent=2)

    hashes = {of(ASKED), of(parts), of(developer), of(late_system), input_hash(spaced)}

    assert len(hashes) == 1
    assert of(other_keys) is not None


def test_plain_text_is_a_message_of_the_user() -> None:
    assert input_hash("Hello") == of([{"role": "user", "content": "Hello"}]) == of(["Hello"])


@pytest.mark.parametrize("nothing", [None, "", "  ", "[]", '[{"role": "user", "content": ""}]'])
def test_nothing_said_has_no_fingerprint(nothing: str | None) -> None:
    assert input_hash(nothing) is None


def test_another_word_role_or_tool_call_is_another_request() -> None:
    call = {"function": {"name": "refund", "arguments": '{"order": 1}'}}
    other_call = {"function": {"name": "refund", "arguments": '{"order": 2}'}}
    variants = [
        of(ASKED),
        of([ASKED[0], {"role": "user", "content": "What is the refund windows?"}]),
        of([ASKED[0], {"role": "assistant", "content": ASKED[1]["content"]}]),
        of([*ASKED, {"role": "assistant", "content": None, "tool_calls": [call]}]),
        of([*ASKED, {"role": "assistant", "content": None, "tool_calls": [other_call]}]),
        of([{"role": "user", "content": "Be brief. What is the refund window?"}]),
    ]
    assert len(set(variants)) == len(variants)


@given(st.text())
def test_any_text_has_a_fingerprint_of_64_signed_bits_or_none(text: str) -> None:
    found = input_hash(text)
    assert found is None or -(1 << 63) <= found < 1 << 63
    assert found == input_hash(text)


_TEXTS = st.text(st.sampled_from('ab"\\\n\t\x1c\u2003é{}[],: /'), max_size=12) | st.sampled_from(
    ['"},{"role":"user","content":"', '","', "\\", "a\\", '","x":"', " a", "a\n"]
)
_MESSAGES = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["system", "user", "assistant", "tool", "human"]), "content": _TEXTS},
        optional={"name": _TEXTS},
    ),
    max_size=4,
)


@given(_MESSAGES)
def test_how_messages_are_written_as_json_does_not_matter(messages: list[dict[str, str]]) -> None:
    compact = input_hash(orjson.dumps(messages).decode())
    assert compact == input_hash(json.dumps(messages)) == input_hash(json.dumps(messages, indent=1, ensure_ascii=False))
    stripped = [message | {"content": message["content"].strip()} for message in messages]
    stripped.sort(key=lambda message: message["role"] != "system")
    assert compact == input_hash(orjson.dumps(stripped).decode())


@given(_MESSAGES, _MESSAGES)
def test_other_messages_have_another_fingerprint(one: list[dict[str, str]], other: list[dict[str, str]]) -> None:
    def said(messages: list[dict[str, str]]) -> list[tuple[str, str]]:
        pairs = [(m["role"].replace("human", "user"), m["content"].strip()) for m in messages]
        return sorted((pair for pair in pairs if pair[1]), key=lambda pair: pair[0] != "system")

    assert (of(one) == of(other)) is (said(one) == said(other))


def test_a_user_has_a_fingerprint_of_its_own() -> None:
    assert user_hash(" u-17 ") == user_hash("u-17")
    assert len({user_hash("u-17"), user_hash("u-18"), input_hash("u-17")}) == 3
    assert user_hash(None) is None
    assert user_hash(" ") is None
