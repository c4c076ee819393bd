"""Reading foreign JSON leniently: a missing or odd optional field is nothing, never an error."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

MAX_TEXT = 500
_UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
"""Control characters and lone surrogates: PostgreSQL cannot keep the first, UTF-8 cannot write the second."""


def text(value: Any) -> str:
    """A string or number as stripped text of at most MAX_TEXT characters; anything else is empty."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return _UNSAFE.sub("\ufffd", str(value)).strip()[:MAX_TEXT]


def items(parent: Any, *keys: str) -> Iterator[dict[str, Any]]:
    """The objects of the list under the keys; missing, null and odd collections are empty."""
    found = inside(parent, *keys)
    if isinstance(found, list):
        yield from (item for item in found if isinstance(item, dict))


def inside(parent: Any, *keys: str) -> Any:
    """The value under the keys, or None."""
    for key in keys:
        if not isinstance(parent, dict):
            return None
        parent = parent.get(key)
    return parent


def time(value: Any) -> datetime | None:
    """An ISO 8601 time in UTC; None where it is none. A time without a zone is taken as UTC."""
    if not isinstance(value, str):
        return None
    try:
        parsed = datetime.fromisoformat(value.strip())
        return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
