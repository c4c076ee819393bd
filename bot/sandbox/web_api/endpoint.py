"""/api/{method}: authenticate, let faults strike, run the method, write the journal."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

import bot.sandbox.web_api  # noqa: F401  registers the methods
from bot.sandbox.faults import Fault, Kind
from bot.sandbox.journal import Entry
from bot.sandbox.parts import Parts
from bot.sandbox.web_api import arguments
from bot.sandbox.web_api.call import METHODS, Call, Method, RateLimitedError, RefusedError
from bot.sandbox.workspace import Json

HANG = 3600.0  # seconds; longer than any client waits
SLOW = 1.0  # seconds
NO_ANSWER = 0  # the status that the journal has for a call that never got one


@dataclass(frozen=True)
class Outcome:
    """What a call is to be answered."""

    body: Json
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class Endpoint:
    """Serves the Web API over one workspace."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._scopes = {"X-OAuth-Scopes": ",".join(sorted(parts.app.scopes))}

    async def serve(self, request: Request) -> Response:
        name = request.path_params["method"]
        try:
            given = await arguments.read(request)
        except arguments.UnreadableError as unreadable:
            return self._answer(name, {}, Outcome({"ok": False, "error": str(unreadable)}))
        token = _token(request, given.pop("token", ""))
        fault = self._parts.faults.strike(method=name, channel=self._channel(given))
        if fault is not None:
            return await self._struck(fault, name, given, token)
        return self._answer(name, given, self._run(name, given, token))

    def _run(self, name: str, given: Json, token: str) -> Outcome:
        try:
            return Outcome({"ok": True, **self._perform(name, given, token)})
        except RefusedError as refused:
            return Outcome({"ok": False, "error": refused.code, **refused.more})
        except RateLimitedError as limited:
            return _too_many(limited.seconds)

    def _perform(self, name: str, given: Json, token: str) -> Json:
        method = METHODS.get(name)
        if method is None:
            raise RefusedError("unknown_method", req_method=name)
        self._admit(method, token)
        return method.handler(Call(self._parts, name, given))

    def _admit(self, method: Method, token: str) -> None:
        app = self._parts.app
        if not token:
            raise RefusedError("not_authed")
        if token not in (app.bot_token, app.app_token):
            raise RefusedError("invalid_auth")
        if (token == app.app_token) != method.app_token:
            raise RefusedError("not_allowed_token_type")
        if method.scopes and not app.scopes.intersection(method.scopes):
            provided = ",".join(sorted(app.scopes))
            raise RefusedError("missing_scope", needed=method.scopes[0], provided=provided)

    async def _struck(self, fault: Fault, name: str, given: Json, token: str) -> Response:
        match fault.kind:
            case Kind.RATELIMITED:
                return self._answer(name, given, _too_many(fault.retry_after))
            case Kind.ERROR:
                return self._answer(name, given, Outcome({"ok": False, "error": fault.error}))
            case Kind.ERROR500:
                return self._broken(name, given)
            case Kind.ACCEPTED_500:
                return self._broken(name, given, self._run(name, given, token))
            case Kind.DROP:
                self._broken(name, given, self._run(name, given, token), status=NO_ANSWER)
                return Dropped()
            case Kind.HANG:
                unanswered = self._broken(name, given, status=NO_ANSWER)
                await self._parts.clock.sleep(HANG if fault.seconds is None else fault.seconds)
                return unanswered
            case _:
                await self._parts.clock.sleep(SLOW if fault.seconds is None else fault.seconds)
                return self._answer(name, given, self._run(name, given, token))

    def _answer(self, name: str, given: Json, outcome: Outcome) -> Response:
        response = JSONResponse(outcome.body, outcome.status, headers={**self._scopes, **outcome.headers})
        self._write(name, given, bytes(response.body), outcome.status)
        return response

    def _broken(self, name: str, given: Json, done: Outcome | None = None, *, status: int = 500) -> Response:
        """A 500 in place of the answer; the journal has what was done all the same."""
        self._write(name, given, None if done is None else json.dumps(done.body).encode(), status)
        return Response("Internal Server Error", 500)

    def _write(self, name: str, given: Json, body: bytes | None, status: int) -> None:
        kept = {key: value if not isinstance(value, bytes) else f"{len(value)} bytes" for key, value in given.items()}
        self._parts.journal.write(Entry(self._parts.clock.now(), name, kept, body, status))

    def _channel(self, given: Json) -> str | None:
        """The channel that a call is about, as a fault names it: by id."""
        wanted: Any = given.get("channel") or given.get("channel_id")
        if not isinstance(wanted, str):
            return None
        workspace = self._parts.workspace
        if wanted in workspace.users:
            return workspace.direct(wanted, self._parts.app.user_id).id
        named = workspace.channel_named(wanted)
        return named.id if named else wanted


class Dropped(Response):
    """The connection ends without an answer."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(0)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1000")]})
        raise ConnectionResetError("a fault dropped this connection")


def _too_many(seconds: int) -> Outcome:
    return Outcome({"ok": False, "error": "ratelimited"}, 429, {"Retry-After": str(seconds)})


def _token(request: Request, given: Any) -> str:
    header = request.headers.get("authorization", "")
    kind, _, token = header.partition(" ")
    return token.strip() if kind.lower() == "bearer" else str(given or "")
