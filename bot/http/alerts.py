"""Where other systems send alerts: Alertmanager's API v2 for Prometheus and amtool, and webhooks.

Taken in whole or named: what of a body cannot be taken is listed in the problem document, with the rest accepted, and
a body that is not of its format is refused. What may go better later is 503: senders try that again.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from bot.alerts import formats
from bot.alerts.formats import Format
from bot.alerts.intake import AlertIntake
from bot.alerts.said import PayloadError, Reading, Scope
from bot.catalog import Catalog
from bot.http import bodies
from bot.http.auth import Endpoint, Guard
from bot.http.problems import ProblemError, problem
from bot.settings import Settings
from bot.store.tokens import TokenBook, TokenScope
from bot.trail.receiving.wire import WireError

log = structlog.get_logger(__name__)
LARGEST_BODY = 8 * 1024 * 1024
"""Bytes, packed as well as unpacked: some ten thousand alerts."""
RECEIVED_WITHIN = 10.0
FAULTS_TOLD = 20
_LATER = {"Retry-After": "1"}


def routes(
    settings: Settings,
    book: TokenBook,
    intake: AlertIntake,
    catalog: Callable[[], Catalog],
    clock: Callable[[], datetime],
) -> list[Route]:
    """`/api/v2/alerts` and `/hooks/*`, for holders of a token of scope `ingest` or of the admin's."""
    guard = Guard(settings.api_token, book)
    started = clock()

    def taking(format_: Format, *, told: bool = True) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            try:
                scope = Scope(catalog(), await guard.system(request, TokenScope.INGEST, basic=True))
                body = await bodies.unpacked(request, most=LARGEST_BODY, within=RECEIVED_WITHIN)
                reading = format_(body, scope, clock())
                await intake.take(reading.alerts)
            except ClientDisconnect:
                return Response(status_code=400)  # nobody is there to read it
            except WireError as error:
                raise ProblemError(error.status, str(error), field=error.field or "body") from None
            except PayloadError as error:
                raise ProblemError(error.fault.status, error.fault.detail, field=error.fault.field) from None
            except (SQLAlchemyError, OSError) as error:
                log.error("alerts not taken", error=type(error).__name__, exc_info=error)
                return problem(503, "the database does not answer; send it again", headers=_LATER)
            except asyncio.CancelledError:
                # The server cancels what is not done when it stops, and would answer 500.
                return problem(503, "Badday is stopping; send it again", headers=_LATER)
            if reading.faults:
                return _refusal(reading)
            return JSONResponse({"accepted": len(reading.alerts)}) if told else Response()

        return endpoint

    async def status(_request: Request) -> Response:
        """What amtool and Grafana read before they send."""
        version = dict.fromkeys(("branch", "buildDate", "buildUser", "goVersion", "revision"), "")
        told: dict[str, Any] = {
            "cluster": {"status": "disabled", "peers": []},
            "config": {"original": ""},
            "uptime": started.isoformat(),
            "versionInfo": version | {"version": "badday"},
        }
        return JSONResponse(told)

    async def fine(_request: Request) -> Response:
        return PlainTextResponse("OK")

    return [
        Route("/api/v2/alerts", taking(formats.client_api, told=False), methods=["POST"]),
        Route("/api/v2/status", status, methods=["GET"]),
        Route("/-/ready", fine, methods=["GET"]),
        Route("/-/healthy", fine, methods=["GET"]),
        Route("/hooks/alertmanager", taking(formats.alertmanager_webhook), methods=["POST"]),
        Route("/hooks/grafana", taking(formats.grafana), methods=["POST"]),
        Route("/hooks/generic", taking(formats.generic), methods=["POST"]),
    ]


def _refusal(reading: Reading) -> Response:
    """The first fault as the problem, all as its member `errors`; `accepted` counts what was taken all the same."""
    first = reading.faults[0]
    told = [{"field": fault.field, "detail": fault.detail} for fault in reading.faults[:FAULTS_TOLD]]
    members = {"accepted": len(reading.alerts), "refused": len(reading.faults), "errors": told}
    return problem(first.status, first.detail, field=first.field, members=members)
