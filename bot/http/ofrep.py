"""The switchboard for products: OpenFeature Remote Evaluation Protocol 0.3, one flag or all of them.

https://github.com/open-feature/protocol, service/openapi.yaml. Every answer carries `value`, `variant` and `reason`:
some providers fail without them (the Python one raises where `variant` is missing). Errors are problem
documents that carry the protocol's `errorCode` and `errorDetails` as well.
"""

import hashlib
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.catalog import Catalog
from bot.http import bodies
from bot.http.auth import Guard
from bot.http.ofrep_stream import STREAM, Streams
from bot.http.problems import ProblemError
from bot.settings import Settings
from bot.store.database import Database
from bot.store.tokens import TokenBook, TokenScope
from bot.switchboard import serving
from bot.switchboard.serving import Flag

LARGEST_BODY = 65_536
"""Bytes; an evaluation context is a few hundred."""
LONGEST_KEY = 200
INACTIVITY_DELAY = 120
"""Seconds after which a client may leave the stream when its product is not used (ADR 0010)."""


def routes(
    settings: Settings, db: Database, catalog: Callable[[], Catalog], clock: Callable[[], datetime], streams: Streams
) -> list[Route]:
    """Single and bulk evaluation and the stream of changes, for holders of the token (Bearer or X-API-Key).

    The token of a system (`--scope read`) sees the keys of its system alone.
    """
    guard = Guard(settings.api_token, TokenBook(db))

    async def whose(request: Request) -> str | None:
        return await guard.system(request, TokenScope.READ, api_key=True)

    async def single(request: Request) -> Response:
        system, key = await whose(request), request.path_params["key"]
        targeting_key = await _targeting_key(request, key=key)
        async with db.reading() as session:
            found = await serving.flag(session, catalog(), key, now=clock(), targeting_key=targeting_key)
        if found is None or not serving.may_see(catalog(), key, system):
            detail = f"flag {key[:LONGEST_KEY]!r} is not in the catalog; the bulk evaluation lists those that are"
            raise _error(404, "FLAG_NOT_FOUND", detail, field="key", key=key)
        return JSONResponse(_evaluation(found))

    async def bulk(request: Request) -> Response:
        system = await whose(request)
        targeting_key = await _targeting_key(request)
        async with db.reading() as session:
            found = await serving.flags(session, catalog(), now=clock(), targeting_key=targeting_key, system=system)
        stream = {"type": "sse", "endpoint": {"requestUri": STREAM}, "inactivityDelaySec": INACTIVITY_DELAY}
        document = {"flags": [_evaluation(each) for each in found], "metadata": {}, "eventStreams": [stream]}
        body = json.dumps(document).encode()
        etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        if _matches(request.headers.get("if-none-match", ""), etag):
            return Response(status_code=304, headers={"ETag": etag})
        return Response(body, media_type="application/json", headers={"ETag": etag})

    async def stream(request: Request) -> Response:
        return streams.open(await whose(request))

    return [
        Route("/ofrep/v1/evaluate/flags", bulk, methods=["POST"]),
        Route("/ofrep/v1/evaluate/flags/{key:path}", single, methods=["POST"]),
        Route(STREAM, stream, methods=["GET"]),
    ]


def _evaluation(found: Flag) -> dict[str, Any]:
    told = {"key": found.key, "value": found.value, "variant": found.variant, "reason": found.reason}
    return told | ({"metadata": found.metadata} if found.metadata else {})


async def _targeting_key(request: Request, *, key: str | None = None) -> str:
    """Whom the evaluation is for: it decides where a route is split."""
    context = await _context(request, key=key)
    found = context.get("targetingKey", "")
    if not isinstance(found, str):
        raise _error(400, "INVALID_CONTEXT", "the targetingKey is not a text", field="context.targetingKey", key=key)
    return found


async def _context(request: Request, *, key: str | None = None) -> dict[str, Any]:
    """The evaluation context; a client that sends rubbish should hear of it."""
    body = await bodies.whole(request, most=LARGEST_BODY)
    if not body.strip():
        return {}
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise _error(400, "PARSE_ERROR", "the body is not JSON", field="body", key=key) from None
    if not isinstance(document, dict):
        detail = 'the body is not an object; send {"context": {…}}'
        raise _error(400, "PARSE_ERROR", detail, field="body", key=key)
    context = document.get("context", {})
    if not isinstance(context, dict):
        raise _error(400, "INVALID_CONTEXT", "the context is not an object", field="context", key=key)
    return context


def _error(status: int, code: str, detail: str, *, field: str, key: str | None = None) -> ProblemError:
    about = {} if key is None else {"key": key}
    return ProblemError(status, detail, field=field, members=about | {"errorCode": code, "errorDetails": detail})


def _matches(if_none_match: str, etag: str) -> bool:
    """Weak comparison, as RFC 9110 §13.1.2 has it."""
    offered = [each.strip().removeprefix("W/") for each in if_none_match.split(",")]
    return "*" in offered or etag in offered
