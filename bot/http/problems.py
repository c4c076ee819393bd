"""Errors over HTTP: RFC 9457 problem documents that name the field at fault."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ExceptionHandler

log = structlog.get_logger(__name__)
MEDIA_TYPE = "application/problem+json"


class ProblemError(Exception):
    """A request that cannot be fulfilled: `detail` says what is wrong and what to do, `field` where it is wrong."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        field: str | None = None,
        headers: Mapping[str, str] | None = None,
        members: Mapping[str, Any] | None = None,
    ) -> None:
        self.status = status
        self.detail = detail
        self.field = field
        self.headers = headers
        self.members = members
        super().__init__(detail)


def problem(
    status: int,
    detail: str,
    *,
    field: str | None = None,
    headers: Mapping[str, str] | None = None,
    members: Mapping[str, Any] | None = None,
) -> JSONResponse:
    """A problem document; `members` are extension members (RFC 9457 §3.2)."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if field is not None:
        body["field"] = field
    return JSONResponse(
        body | dict(members or {}), status_code=status, headers=dict(headers or {}), media_type=MEDIA_TYPE
    )


async def _ours(_request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)
    return problem(error.status, error.detail, field=error.field, headers=error.headers, members=error.members)


async def _routing(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    detail = f"{request.method} {request.url.path}: {error.detail}"
    return problem(error.status_code, detail, headers=error.headers)


async def _unexpected(request: Request, error: Exception) -> Response:
    # A token in the path is a key.
    path = request.url.path.replace(request.path_params.get("token") or "\0", "…")
    log.error("request failed", method=request.method, path=path, exc_info=error)
    return problem(500, "Badday failed on this request; its log says why")


EXCEPTION_HANDLERS: Mapping[Any, ExceptionHandler] = {
    ProblemError: _ours,
    HTTPException: _routing,
    Exception: _unexpected,
}
"""For `Starlette(exception_handlers=…)`."""
