"""Short fingerprints: what was asked (ties repetitions of one request together), and whom a call was for."""

import hashlib
from collections.abc import Iterator
from typing import Any

import orjson

from bot.trail.mapping.messages import written

_ROLES = {"developer": "system", "human": "user", "ai": "assistant", "model": "assistant", "function": "tool"}
_PLAIN_ROLES = ("system", "user", "assistant", "tool")
"""What `_ROLES` leaves as it is."""
_TEXT_KEYS = ("text", "content", "input_text", "output_text")
_BEGIN, _BETWEEN, _END = '[{"role":"', '"},{"role":"', '"}]'
_SAID = {f'{role}","content":"': role for role in _PLAIN_ROLES}


def input_hash(text: str | None) -> int | None:
    """64 bits (signed) over the messages, the same whatever provider, emitter or framework wrote them down.

    Roles are named alike, parts of a content are joined, system messages come first, blanks around texts do not count.
    `text` is redacted already, so that one request has one fingerprint whatever the secrets in it were.
    """
    if text is None:
        return None
    if not _is_canonical(text):
        messages = [{"role": role, "content": said} for role, said in _messages(text) if said]
        if not messages:
            return None
        messages.sort(key=_is_not_system)
        text = written(messages)
    # SHA-256, for which processors have instructions: half the time of blake2b.
    return _signed(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:8])


def _is_canonical(text: str) -> bool:
    """Whether the text is what reading its messages and writing them again would give: so nearly all need neither.

    A quote within a JSON text has a backslash before it, so that what stands between messages never stands in one.
    """
    if not (text.startswith(_BEGIN) and text.endswith(_END)) or "\\u" in text or "\\/" in text:
        return False
    messages = text[len(_BEGIN) : -len(_END)].split(_BETWEEN)
    if text.count('","') != len(messages):  # one between role and content; more where something else was said
        return False
    late = False
    for message in messages:
        head = message[: message.find(":") + 2]
        role = _SAID.get(head)
        if role is None or (late and role == "system") or not _is_stripped(message, len(head)):
            return False
        late = late or role != "system"
    return True


def _is_stripped(message: str, start: int) -> bool:
    """Whether the text from `start` on is there, and neither begins nor ends with a blank or with an escape."""
    if len(message) < start + 2:
        return False
    first, last = message[start], message[-1]
    return not (first.isspace() or first == "\\" or last.isspace() or message[-2] == "\\")


def user_hash(user: str | None) -> int | None:
    """64 bits (signed) that stand for one user; None where none was told."""
    told = user.strip() if user else ""
    if not told:
        return None
    return _signed(hashlib.blake2b(told.encode("utf-8", "surrogatepass"), digest_size=8, person=b"user").digest())


def _signed(raw: bytes) -> int:
    return int.from_bytes(raw, "big", signed=True)


def _is_not_system(message: dict[str, str]) -> bool:
    return message["role"] != "system"


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
