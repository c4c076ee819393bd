"""Where products post their model calls: OTLP over HTTP, the Langfuse SDK's path, and LiteLLM's own records.

https://opentelemetry.io/docs/specs/otlp/#otlphttp. An answer has the form of its request. Exporters send a batch again
on 503 and drop it for good on 400, 413, 415 and 500: so what may go better later is 503, and nothing is ever 500.
"""

import asyncio
from http import HTTPStatus
from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.http import bodies
from bot.http.auth import Endpoint, Guard
from bot.http.problems import ProblemError, problem
from bot.settings import Settings
from bot.store.tokens import TokenBook, TokenScope
from bot.trail.receiving.otlp import UndecodableError
from bot.trail.receiving.wire import Form, WireError, form_of
from bot.trail.receiving.writer import OverloadedError, PathKind, Posted, Receipt, Writer, overloaded

log = structlog.get_logger(__name__)
RECEIVED_WITHIN = 30.0
"""Seconds for a body to come in; exporters themselves give up after ten."""
RETRY_AFTER = {"Retry-After": "1"}
"""The Python exporter gives up where this exceeds what is left of its ten seconds."""
OTLP = (Form.PROTOBUF, Form.JSON)
LITELLM = (Form.JSON, Form.LINES)

_REJECTED = {PathKind.TRACES: "rejectedSpans", PathKind.LOGS: "rejectedLogRecords", PathKind.LITELLM: "rejectedRecords"}
_RPC_CODES = {
    HTTPStatus.BAD_REQUEST: 3,  # INVALID_ARGUMENT
    HTTPStatus.REQUEST_TIMEOUT: 4,  # DEADLINE_EXCEEDED
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: 8,  # RESOURCE_EXHAUSTED
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: 3,
    HTTPStatus.SERVICE_UNAVAILABLE: 14,  # UNAVAILABLE
}


_REFUSALS = (WireError, UndecodableError, OverloadedError, ClientDisconnect)


def routes(settings: Settings, book: TokenBook, writer: Writer[Any]) -> list[Route]:
    """All of `/v1`, for holders of a token of scope `ingest` or of the admin's."""
    guard = Guard(settings.api_token, book)

    def taking(kind: PathKind, allowed: tuple[Form, ...] = OTLP, *, basic: bool = False) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            form = None
            try:
                system = await _system(guard, request, basic=basic)
                form = form_of(request.headers.get("content-type"), allowed=allowed)
                with writer.admission() as admission:
                    body = await bodies.unpacked(request, within=RECEIVED_WITHIN, grown=admission.grow)
                    receipt = await writer.submit(Posted(kind, form is not Form.PROTOBUF, body, system))
            except _REFUSALS as error:
                return _refusal(error, form)
            except asyncio.CancelledError:
                # The server cancels what is not done when it stops, and would answer 500.
                return _refusal(overloaded("stopping", "Badday is stopping"), form)
            except ProblemError:
                raise
            except Exception:
                log.exception("a body could not be received", path=request.url.path)
                return _refusal(overloaded("defect", "Badday failed on this request; its log says why"), form)
            return _acceptance(form, kind, receipt)

        return endpoint

    async def metrics(request: Request) -> Response:
        """Read and thrown away, so that exporters that send metrics too are content."""
        try:
            await _system(guard, request)
            form = form_of(request.headers.get("content-type"), allowed=OTLP)
            async for _ in request.stream():
                pass
        except _REFUSALS as error:
            return _refusal(error, None)
        return _acceptance(form, PathKind.TRACES, Receipt())

    return [
        Route("/v1/traces", taking(PathKind.TRACES), methods=["POST"]),
        Route("/v1/logs", taking(PathKind.LOGS), methods=["POST"]),
        Route("/v1/metrics", metrics, methods=["POST"]),
        Route("/v1/litellm", taking(PathKind.LITELLM, LITELLM), methods=["POST"]),
        Route("/api/public/otel/v1/traces", taking(PathKind.TRACES, basic=True), methods=["POST"]),
    ]


async def _system(guard: Guard, request: Request, *, basic: bool = False) -> str | None:
    try:
        return await guard.system(request, TokenScope.INGEST, basic=basic)
    except (SQLAlchemyError, OSError) as error:
        log.warning("tokens cannot be looked up", error=type(error).__name__)
        raise overloaded("tokens", "the database does not answer") from error


def _acceptance(form: Form, kind: PathKind, receipt: Receipt) -> Response:
    """`Export…ServiceResponse`; in both services field 1 is the partial success, with a number and a message."""
    if form is Form.PROTOBUF:
        partial = _number(1, receipt.rejected) + _text(2, receipt.message)
        return Response(_bytes(1, partial) if receipt.rejected else b"", media_type=form)
    told = {_REJECTED[kind]: str(receipt.rejected), "errorMessage": receipt.message}
    return JSONResponse({"partialSuccess": told} if receipt.rejected else {})


def _refusal(error: Exception, form: Form | None) -> Response:
    """`google.rpc.Status` for protobuf, else a problem document."""
    status, field = HTTPStatus.BAD_REQUEST, "body"
    match error:
        case WireError():
            status, field = error.status, error.field or field
        case OverloadedError():
            status = HTTPStatus.SERVICE_UNAVAILABLE
        case ClientDisconnect():
            return Response(status_code=status)  # nobody is there to read it
    headers = RETRY_AFTER if status is HTTPStatus.SERVICE_UNAVAILABLE else None
    if form is not Form.PROTOBUF:
        return problem(status, str(error), field=field, headers=headers)
    content = _number(1, _RPC_CODES[status]) + _text(2, str(error))
    return Response(content, status_code=status, media_type=form, headers=headers)


# Three fields of protobuf are written here by hand: the library is not needed before the first body has come.


def _number(field: int, value: int) -> bytes:
    return bytes([field << 3]) + _varint(value)


def _text(field: int, value: str) -> bytes:
    return _bytes(field, value.encode("utf-8", "replace"))


def _bytes(field: int, value: bytes) -> bytes:
    return bytes([field << 3 | 2]) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    written = bytearray()
    while value > 0x7F:  # seven bits a byte, the lowest first
        written.append(value & 0x7F | 0x80)
        value >>= 7
    written.append(value)
    return bytes(written)
