"""Short fingerprints: what was asked (ties repetitions of one request together), and whom a call was for."""

import hashlib
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
    instructions: list[str] = []
    others: list[str] = []
    for message in _read(text):
        role, said = _told(message)
        if said := said.strip():
            (instructions if role == "system" else others).append(f"{role}{_FIELD}{said}")
    whole = _MESSAGE.join(instructions + others)
    if not whole:
        return None
    # Processors have instructions for SHA-256: it takes half the time of blake2b.
    return _signed(hashlib.sha256(whole.encode("utf-8", "surrogatepass")).digest()[:8])


def user_hash(user: str | None) -> int | None:
    """64 bits (signed) that stand for one user; None where none was told."""
    told = user.strip() if user else ""
    if not told:
        return None
    return _signed(hashlib.blake2b(told.encode("utf-8", "surrogatepass"), digest_size=8, person=b"user").digest())


def _signed(raw: bytes) -> int:
    return int.from_bytes(raw, "big", signed=True)


def _read(text: str) -> list[Any]:
    """The messages; plain text is one."""
    try:
        document = orjson.loads(text) if text.lstrip()[:1] in ("[", "{") else text
    except ValueError:
        document = text
    return document if isinstance(document, list) else [document]


def _told(message: Any) -> tuple[str, str]:
    """Role and words of a message; a text is the user's."""
    if not isinstance(message, dict):
        return "user", _words(message)
    role, said = message.get("role"), message.get("content")
    if len(message) == 2 and type(said) is str and role in _PLAIN_ROLES:  # nearly all messages
        return role, said
    role = str(role or "user").lower()
    return _ROLES.get(role, role), _words(message)


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
