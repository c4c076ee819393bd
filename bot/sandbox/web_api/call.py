"""One Web API call: its arguments with their types, the refusals, and the register of methods."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from bot.sandbox.parts import Parts
from bot.sandbox.workspace import Channel, Json, User
from bot.slack import limits

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000


class RefusedError(Exception):
    """The method answers `{"ok": false, "error": code}` with these further parts."""

    def __init__(self, code: str, **more: Any) -> None:
        super().__init__(code)
        self.code = code
        self.more = more


class RateLimitedError(Exception):
    """The method answers 429; the argument is Retry-After in seconds."""

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds


@dataclass
class Call:
    """The arguments of a request, merged from query, form, JSON and multipart, and what it acts on."""

    parts: Parts
    method: str
    arguments: Json

    def text(self, name: str, default: str = "") -> str:
        value = self.arguments.get(name)
        return default if value is None else str(value)

    def required(self, name: str) -> str:
        """A needed string. Refuses with invalid_arguments naming it, as Slack does."""
        value = self.text(name)
        if not value:
            raise missing(name)
        return value

    def flag(self, name: str, default: bool = False) -> bool:
        value = self.arguments.get(name)
        if value is None or value == "":
            return default
        return str(value).lower() in ("1", "true")

    def number(self, name: str, default: int, code: str = "invalid_arguments") -> int:
        value = self.arguments.get(name)
        if value is None or value == "":
            return default
        try:
            return int(value)
        except (TypeError, ValueError):
            raise RefusedError(code) from None

    def names(self, name: str) -> list[str]:
        """A list given as JSON or separated by commas."""
        value = self.arguments.get(name)
        if isinstance(value, list):
            return [str(item) for item in value]
        if not value:
            return []
        text = str(value)
        if text.startswith("["):
            found = _decoded(text)
            return [str(item) for item in found] if isinstance(found, list) else []
        return [item.strip() for item in text.split(",") if item.strip()]

    def data(self, name: str, code: str = "invalid_arguments") -> Any:
        """A JSON argument, decoded where it came as text; None where it is absent."""
        value = self.arguments.get(name)
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            return value
        found = _decoded(value)
        if found is None:
            raise RefusedError(code)
        return found

    def channel(self, name: str = "channel", *, by_name: bool = False) -> Channel:
        """The conversation that an argument names by id. Refuses with channel_not_found."""
        wanted = self.required(name)
        workspace = self.parts.workspace
        found = workspace.channels.get(wanted)
        if found is None and by_name:
            found = workspace.channel_named(wanted)
        if found is None or (found.kind != "channel" and self.bot not in found.members):
            raise RefusedError("channel_not_found")
        return found

    def joined_channel(self, name: str = "channel") -> Channel:
        """As `channel`, and the bot is in it. Refuses with not_in_channel."""
        found = self.channel(name)
        if self.bot not in found.members:
            raise RefusedError("not_in_channel")
        return found

    def user(self, name: str = "user", code: str = "user_not_found") -> User:
        found = self.parts.workspace.users.get(self.text(name))
        if found is None:
            raise RefusedError(code)
        return found

    def page(self, items: Sequence[Any], default: int = DEFAULT_LIMIT) -> tuple[list[Any], str]:
        """The part of `items` that limit and cursor ask for, and the next cursor."""
        size = self.number("limit", default) or default
        start = self._cursor()
        chosen = list(items[start : start + min(max(size, 1), MAX_LIMIT)])
        end = start + len(chosen)
        return chosen, f"next:{end}" if end < len(items) else ""

    def page_of(self, items: Iterable[Any], default: int = DEFAULT_LIMIT) -> tuple[list[Any], str]:
        """As `page`, for what is found one by one: no more is looked at than the page needs."""
        size = min(max(self.number("limit", default) or default, 1), MAX_LIMIT)
        start = self._cursor()
        found = list(islice(items, start, start + size + 1))
        return found[:size], f"next:{start + size}" if len(found) > size else ""

    @property
    def bot(self) -> str:
        """The bot's user id."""
        return self.parts.app.user_id

    def _cursor(self) -> int:
        cursor = self.text("cursor")
        if not cursor:
            return 0
        word, _, at = cursor.partition(":")
        if word != "next" or not at.isdigit():
            raise RefusedError("invalid_cursor")
        return int(at)


Handler = Callable[[Call], Json]


@dataclass(frozen=True, slots=True)
class Method:
    name: str
    handler: Handler
    scopes: tuple[str, ...]  # one of these is needed; none needs none
    app_token: bool


METHODS: dict[str, Method] = {}


def method(name: str, *scopes: str, app_token: bool = False) -> Callable[[Handler], Handler]:
    """Register a handler under its method name. It returns the answer without `ok`."""

    def register(handler: Handler) -> Handler:
        METHODS[name] = Method(name, handler, scopes, app_token)
        return handler

    return register


def missing(name: str) -> RefusedError:
    messages = [f"[ERROR] missing required field: {name}"]
    return RefusedError("invalid_arguments", response_metadata={"messages": messages})


def refuse_blocks(found: Sequence[limits.Refusal], code: str = "invalid_blocks") -> None:
    """Refuse with the sentences and pointers of what the limits table found, if it found anything."""
    if found:
        raise RefusedError(code, response_metadata={"messages": [str(refusal) for refusal in found]})


def _decoded(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
