"""Bodies: round trip, size, and what is refused."""

import json
import random
from concurrent.futures import ThreadPoolExecutor

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from bot.trail.storing.bodies import LARGEST, BodyError, Codec, train

SUBJECTS = [
    "the customer",
    "our team",
    "an agent",
    "the order",
    "this invoice",
    "the courier",
    "your account",
    "a refund",
    "the warranty",
]
VERBS = [
    "was sent",
    "has arrived",
    "needs approval",
    "is late",
    "was cancelled",
    "will be checked",
    "cannot be found",
    "was paid twice",
]
WHEN = [
    "today",
    "last week",
    "after thirty days",
    "before noon",
    "on request",
    "in most countries",
    "without delay",
    "once more",
]
OPENERS = [
    "Thank you for writing.",
    "I am sorry to hear that.",
    "Let me look at it.",
    "As far as I can see",
    "Please note that",
]
SYSTEM = (
    "You are a careful support agent for Northwind. Answer in two sentences. Never promise a refund without an order."
)


def prose(chance: random.Random, length: int) -> str:
    text = ""
    while len(text) < length:
        subject, verb, when = chance.choice(SUBJECTS), chance.choice(VERBS), chance.choice(WHEN)
        text += f"{chance.choice(OPENERS)} {subject} {chance.randint(1000, 99999)} {verb} {when}. "
    return text[:length]


def chats(seed: int, count: int) -> list[tuple[str, str]]:
    chance = random.Random(seed)
    return [
        (
            json.dumps([{"role": "system", "content": SYSTEM}, {"role": "user", "content": prose(chance, 1450)}]),
            prose(chance, 1650),
        )
        for _ in range(count)
    ]


@pytest.fixture(scope="module")
def dictionary() -> bytes:
    return train([text.encode() for chat in chats(1, 1000) for text in chat])


@given(st.text())
def test_a_body_comes_back_as_it_was(text: str) -> None:
    codec = Codec({}, None)
    assert codec.unpack(codec.pack(text), None) == text


@given(text=st.text())
def test_a_body_comes_back_by_the_dictionary_it_was_packed_with(dictionary: bytes, text: str) -> None:
    old = Codec({1: dictionary}, 1).pack(text)
    newer = Codec({1: dictionary, 2: dictionary[:4096]}, None)
    assert newer.unpack(old, 1) == text
    assert newer.unpack(newer.pack(text), None) == text


def test_half_of_an_emoji_comes_back_too() -> None:
    codec = Codec({}, None)
    assert codec.unpack(codec.pack("half \ud83d"), None) == "half \ud83d"


def test_a_typical_call_takes_less_than_700_bytes(dictionary: bytes) -> None:
    codec = Codec({1: dictionary}, 1)
    others = chats(2, 50)
    packed = sum(len(codec.pack(text)) for chat in others for text in chat) / len(others)
    plain = sum(len(text) for chat in others for text in chat) / len(others)
    print(f"{plain:.0f} bytes of text became {packed:.0f}")
    assert plain > 3200
    assert packed < 700


def test_a_body_that_claims_an_absurd_size_is_refused_before_it_is_unpacked() -> None:
    bomb = zstandard.ZstdCompressor().compress(b"\0" * (LARGEST + 1))
    with pytest.raises(BodyError, match="claims 67108865 bytes"):
        Codec({}, None).unpack(bomb, None)


def test_a_body_without_its_size_is_refused() -> None:
    blob = zstandard.ZstdCompressor(write_content_size=False).compress(b"text")
    with pytest.raises(BodyError):
        Codec({}, None).unpack(blob, None)


@given(st.binary(max_size=64))
def test_bytes_that_are_no_body_raise_one_error(blob: bytes) -> None:
    try:
        Codec({}, None).unpack(blob, None)
    except BodyError:
        pass


def test_a_missing_dictionary_is_named() -> None:
    blob = Codec({}, None).pack("text")
    with pytest.raises(BodyError, match="dictionary 7 is missing"):
        Codec({}, None).unpack(blob, 7)
    with pytest.raises(BodyError, match="dictionary 7 is missing"):
        Codec({}, 7)


def test_a_dictionary_is_not_trained_on_nothing() -> None:
    with pytest.raises(ValueError, match="3 bodies are too few"):
        train([b"one", b"two", b"three"])
    with pytest.raises(ValueError, match="no dictionary"):
        train([b""] * 60)


def test_one_codec_serves_many_threads(dictionary: bytes) -> None:
    codec = Codec({1: dictionary}, 1)
    texts = [text for chat in chats(3, 50) for text in chat]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda text: codec.unpack(codec.pack(text), 1), texts)) == texts
