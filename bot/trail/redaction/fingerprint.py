"""Short fingerprints: what was asked (ties repetitions of one request together), and whom a call was for."""

import hashlib
from collections.abc import Iterator
from typing import Any

import orjson

_ROLES = {"developer": "system", "human": "user", "ai": "assistant", "model": "assistant", "function": "tool"}
_PLAIN_ROLES = ("system", "user", "assistant", "tool")
"""What `_ROLES` leaves as it is."""
_TEXT_KEYS = ("text", "content", "input_text", "output_text")
_FIELD, _MESSAGE = "\x1f", "\x1e"


def input_hash(text: str | None) -> int | None:
    """64 bits (signed) over the messages, the same whatever provider, emitter or framework wrote them down.

    Roles are named alike, parts of a content are joined, system messages come first, blanks around texts do not count.
    `text` is redacted already, so that one request has one fingerprint whatever the secrets in it were.
    """
    if text is None:
        return None
    messages = [(role, said) for role, said in _messages(text) if said]
    if not messages:
        return None
    messages.sort(key=_is_not_system)
    return _digest(_MESSAGE.join(f"{role}{_FIELD}{said}" for role, said in messages), b"input")


def user_hash(user: str | None) -> int | None:
    """64 bits (signed) that stand for one user; None where none was told."""
    told = user.strip() if user else ""
    return _digest(told, b"user") if told else None


def _digest(text: str, purpose: bytes) -> int:
    raw = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8, person=purpose).digest()
    return int.from_bytes(raw, "big", signed=True)


def _is_not_system(message: tuple[str, str]) -> bool:
    return message[0] != "system"


def _messages(text: str) -> Iterator[tuple[str, str]]:
    """Role and words of each message; plain text is one message of the user."""
    try:
        document = orjson.loads(text) if text.lstrip()[:1] in ("[", "{") else text
    except ValueError:
        document = text
    for message in document if isinstance(document, list) else [document]:
        if isinstance(message, dict):
            said = message.get("content")
            if len(message) == 2 and type(said) is str and message.get("role") in _PLAIN_ROLES:  # nearly all messages
                yield message["role"], said.strip()
                continue
            role = str(message.get("role") or "user").lower()
            yield _ROLES.get(role, role), _words(message).strip()
        else:
            yield "user", _words(message).strip()


def _words(part: Any) -> str:
    """The text of a content, whatever its shape; what is no text counts as its JSON."""
    if isinstance(part, str):
        return part
    if isinstance(part, list):
        return " ".join(map(_words, part))
    if not isinstance(part, dict):
        return "" if part is None else _json(part)
    said = next((part[key] for key in _TEXT_KEYS if isinstance(part.get(key), (str, list))), None)
    if said is not None and not part.get("tool_calls"):
        return _words(said)
    return _json({key: value for key, value in part.items() if key != "role"})


def _json(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
