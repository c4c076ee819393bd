"""How control requests are read: JSON in, people and channels by name, and one sentence when something is wrong."""

import base64
import binascii
import json
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bot.sandbox.gestures import GestureError
from bot.sandbox.parts import Parts
from bot.sandbox.workspace import Channel, Json, User


class ControlError(Exception):
    """The request cannot be done; the argument says what is wrong and what to do."""


@dataclass
class Asked:
    """One control request: its JSON, and the files that came with it as (name, bytes)."""

    parts: Parts
    body: Json
    files: list[tuple[str, bytes]] = field(default_factory=list)

    def text(self, name: str) -> str:
        value = self.body.get(name)
        return "" if value is None else str(value)

    def required(self, name: str) -> str:
        value = self.text(name)
        if not value:
            raise ControlError(f"{name} is missing; give it as a string")
        return value

    def number(self, name: str, default: float | None = None) -> float:
        value = self.body.get(name, default)
        try:
            number = float(value)  # type: ignore[arg-type]
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        if not math.isfinite(number):
            raise ControlError(f"{name} {value!r} is not a number")
        return number

    def user(self, name: str = "user") -> User:
        """A person by id, e-mail or handle."""
        wanted = self.required(name)
        found = self.parts.workspace.user_named(wanted)
        if found is None:
            people = ", ".join(user.name for user in self.parts.workspace.users.values() if user.email)
            raise ControlError(f"there is no user {wanted!r}; there are: {people}")
        return found

    def channel(self, user: User) -> Channel:
        """A channel by id or name, or the direct message with the user of that id or handle."""
        wanted = self.required("channel")
        workspace = self.parts.workspace
        found = workspace.channels.get(wanted) or workspace.channel_named(wanted)
        if found is not None:
            if found.kind != "channel" and user.id not in found.members:
                raise ControlError(f"{user.name} is not in {wanted!r}")
            return found
        other = workspace.user_named(wanted)
        if other is None:
            names = ", ".join(channel.name for channel in workspace.channels.values() if not channel.is_dm)
            raise ControlError(f"there is no channel or user {wanted!r}; the channels are: {names}")
        return workspace.direct(user.id, other.id)

    def message(self, channel: Channel, user: User) -> Json:
        """The message `ts` of the channel; an ephemeral one only for whom it was meant."""
        ts = self.required("ts")
        if ts in channel.messages:
            return channel.messages[ts]
        found = channel.ephemerals.get(ts)
        if found is not None and found[0] == user.id:
            return found[1]
        raise ControlError(f"there is no message {ts} in {channel.name}; /control/messages tells which there are")

    def view(self, user: User) -> Json:
        """An open view of the user by id; `home` is the App Home, and without a name it is the modal on top."""
        wanted = self.text("view")
        if wanted == "home":
            home = self.parts.views.homes.get(user.id)
            if home is None:
                raise ControlError(f"{user.name} has no App Home yet; open it by /control/home")
            return home
        stack = self.parts.views.stack(user.id)
        if not wanted and stack:
            return stack[-1]
        if not wanted:
            raise ControlError(f"{user.name} has no modal open; /control/views tells what is open")
        found = self.parts.views.find(view_id=wanted)
        if found is None or found[0] != user.id:
            raise ControlError(f"{user.name} has no view {wanted!r} open; /control/views tells which are")
        return found[1]


Handler = Callable[[Asked], Awaitable[Json]]


def endpoint(parts: Parts, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """A Starlette endpoint around a handler; errors become 400 with one sentence."""

    async def answer(request: Request) -> Response:
        if request.headers.get("origin", parts.base) not in own_addresses(parts):
            return JSONResponse({"ok": False, "error": "another site's page may not act here"}, 403)
        try:
            body, files = await _read(request)
            return JSONResponse({"ok": True, **await handler(Asked(parts, body, files))})
        except (ControlError, GestureError) as error:
            return JSONResponse({"ok": False, "error": str(error)}, 400)

    return answer


def own_addresses(parts: Parts) -> tuple[str, str]:
    """The origins of the workspace's own page."""
    return parts.base, parts.base.replace("127.0.0.1", "localhost")


async def _read(request: Request) -> tuple[Json, list[tuple[str, bytes]]]:
    body: Json = dict(request.query_params)
    if request.headers.get("content-type", "").startswith(("multipart/", "application/x-www-form-urlencoded")):
        files = []
        async with request.form() as form:
            for name, value in form.multi_items():
                if isinstance(value, str):
                    body[name] = value
                else:
                    files.append((value.filename or "file", await value.read()))
        return body, files
    raw = await request.body()
    try:
        parsed = json.loads(raw) if raw else {}
    except ValueError as error:
        raise ControlError(f"the body is not JSON ({error}); send a JSON object") from None
    if not isinstance(parsed, dict):
        raise ControlError("the body is not a JSON object; send {…}")
    body |= _sendable(parsed)
    listed: Any = body.pop("files", None) or []
    if not isinstance(listed, list):
        raise ControlError("files is a list of {name, content_base64}")
    single = body.pop("file", None)
    return body, [_file(item) for item in (*listed, *([single] if single else []))]


def _sendable(parsed: Json) -> Json:
    """The same without lone surrogates, which JSON can write but UTF-8 cannot: a message with one is never read."""
    clean: Json = json.loads(json.dumps(parsed, ensure_ascii=False).encode(errors="replace"))
    return clean


def _file(item: Any) -> tuple[str, bytes]:
    if not isinstance(item, dict) or not all(isinstance(item.get(key), str) for key in ("name", "content_base64")):
        raise ControlError("a file is {name, content_base64}; send it so, or as multipart")
    try:
        return item["name"], base64.b64decode(item["content_base64"], validate=True)
    except (binascii.Error, ValueError):
        raise ControlError(f"content_base64 of {item['name']} is not base64") from None
