"""The switchboard for products: OpenFeature Remote Evaluation Protocol 0.3, one flag or all of them.

https://github.com/open-feature/protocol, service/openapi.yaml. Every answer carries `value`, `variant` and `reason`:
some providers fail without them (the Python one raises where `variant` is missing). Errors are problem
documents that carry the protocol's `errorCode` and `errorDetails` as well.
"""

import hashlib
import json
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.catalog import Catalog
from bot.http import bodies
from bot.http.auth import Guard
from bot.http.problems import ProblemError
from bot.settings import Settings
from bot.store.database import Database
from bot.switchboard import board
from bot.switchboard.board import SwitchValue

LARGEST_BODY = 65_536
"""Bytes; an evaluation context is a few hundred."""
REASON = "STATIC"


def routes(settings: Settings, db: Database, catalog: Callable[[], Catalog]) -> list[Route]:
    """Single and bulk evaluation, for holders of the token (Bearer or X-API-Key)."""
    guard = Guard(settings.api_token)

    async def single(request: Request) -> Response:
        key = request.path_params["key"]
        await _context(request, key=key)
        async with db.reading() as session:
            found = await board.value(session, catalog(), key)
        if found is None:
            detail = f"flag {key!r} is not in the catalog; the bulk evaluation lists those that are"
            raise _error(404, "FLAG_NOT_FOUND", detail, field="key", key=key)
        return JSONResponse(_evaluation(found))

    async def bulk(request: Request) -> Response:
        await _context(request)
        async with db.reading() as session:
            found = await board.all_values(session, catalog())
        body = json.dumps({"flags": [_evaluation(each) for each in found.values()], "metadata": {}}).encode()
        etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        if _matches(request.headers.get("if-none-match", ""), etag):
            return Response(status_code=304, headers={"ETag": etag})
        return Response(body, media_type="application/json", headers={"ETag": etag})

    return [
        Route("/ofrep/v1/evaluate/flags", guard.token(bulk, api_key=True), methods=["POST"]),
        Route("/ofrep/v1/evaluate/flags/{key:path}", guard.token(single, api_key=True), methods=["POST"]),
    ]


def _evaluation(found: SwitchValue) -> dict[str, Any]:
    return {"key": found.key, "value": found.value, "variant": found.variant, "reason": REASON}


async def _context(request: Request, *, key: str | None = None) -> dict[str, Any]:
    """The evaluation context. Nothing depends on it yet, but a client that sends rubbish should hear of it."""
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
