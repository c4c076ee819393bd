"""The arguments of a Web API request from wherever the client put them: query, form, JSON or multipart."""

import json
from typing import Any

from starlette.datastructures import UploadFile
from starlette.requests import Request


class UnreadableError(Exception):
    """The body is not what its content type says; the argument is Slack's error code."""


async def read(request: Request) -> dict[str, Any]:
    """All arguments; the body wins over the query. Raises UnreadableError."""
    found: dict[str, Any] = dict(request.query_params)
    kind = request.headers.get("content-type", "")
    if kind.startswith("application/json"):
        return {**found, **_json(await request.body())}
    if kind.startswith(("application/x-www-form-urlencoded", "multipart/form-data")):
        async with request.form() as form:
            for name, value in form.multi_items():
                found[name] = await value.read() if isinstance(value, UploadFile) else value
    return found


def _json(body: bytes) -> dict[str, Any]:
    if not body:
        return {}
    try:
        parsed = json.loads(body)
    except ValueError:
        raise UnreadableError("invalid_json") from None
    if not isinstance(parsed, dict):
        raise UnreadableError("json_not_object")
    return parsed
