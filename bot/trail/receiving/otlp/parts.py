"""What both forms of OTLP share: what an id is, which text a database can hold, how large and deep a body may be."""

from typing import Final

BAD_TRACE_ID: Final = "trace_id is not 16 bytes, or all zero"
BAD_SPAN_ID: Final = "span_id is not 8 bytes, or all zero"
BAD_SHAPE: Final = "not an object"

DEEPEST: Final = 32
"""Values nested deeper are cut off; messages with tool calls and their arguments need about ten levels."""
CUT_OFF: Final = "[nested too deeply]"
MOST_PARTS: Final = 3_000_000
"""A body is refused when it could have more parts than this: two bytes of it become a hundred in memory."""
SMALL_BODY: Final = 2 * MOST_PARTS
"""Bytes; smaller bodies cannot have so many: the shortest part takes two bytes."""

_TRACE_ID_BYTES: Final = 16
_SPAN_ID_BYTES: Final = 8
_NO_TRACE: Final = bytes(_TRACE_ID_BYTES)
_NO_SPAN: Final = bytes(_SPAN_ID_BYTES)
_LARGEST: Final = 2**63 - 1


class UndecodableError(ValueError):
    """The body is not an OTLP request; sending it again will not help."""


def good_trace_id(value: bytes) -> bool:
    return len(value) == _TRACE_ID_BYTES and value != _NO_TRACE


def good_span_id(value: bytes) -> bool:
    return len(value) == _SPAN_ID_BYTES and value != _NO_SPAN


def parent_of(value: bytes) -> bytes | None:
    """The parent's id; None for a root span and for what is no id."""
    return value if good_span_id(value) else None


def clean(text: str) -> str:
    """Without what PostgreSQL (NUL) or UTF-8 (half a surrogate pair) cannot hold."""
    if "\0" in text:
        text = text.replace("\0", "")
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return text


def whole(number: int) -> int | None:
    """The number if a database can hold it."""
    return number if -_LARGEST <= number <= _LARGEST else None


def finite(number: float) -> float | None:
    """The number if it is one: JSON and SQL have neither infinity nor NaN."""
    return number if number - number == 0 else None


def count(rejected: dict[str, int], reason: str, number: int = 1) -> None:
    rejected[reason] = rejected.get(reason, 0) + number
