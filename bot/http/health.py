"""Is it alive, is it ready, how is it doing: /health/live, /health/ready, /metrics."""

from collections.abc import Awaitable, Callable

import structlog
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.http.auth import Guard
from bot.http.problems import problem
from bot.settings import Settings
from bot.store.database import Database

log = structlog.get_logger(__name__)


def routes(
    settings: Settings,
    db: Database,
    started: Callable[[], bool],
    *,
    registry: CollectorRegistry = REGISTRY,
    more: Callable[[], Awaitable[bytes]] | None = None,
) -> list[Route]:
    """Health is open to everybody; metrics to callers on this machine and to those with the token.

    Ready means started, with a database that answers; it never waits for Slack. `more` gives further metrics, which
    are left out while the database does not answer.
    """
    guard = Guard(settings.api_token)

    async def live(_request: Request) -> Response:
        return JSONResponse({"status": "alive"})

    async def ready(_request: Request) -> Response:
        if not started():
            return problem(503, "Badday is starting or stopping", headers={"Retry-After": "1"})
        if not await _answers(db):
            return problem(503, "the database does not answer; see DATABASE_URL", headers={"Retry-After": "1"})
        return JSONResponse({"status": "ready"})

    async def metrics(_request: Request) -> Response:
        told = generate_latest(registry)
        if more is not None:
            try:
                told += await more()
            except SQLAlchemyError as error:
                log.warning("metrics without those of the database", error=type(error).__name__)
        return Response(told, headers={"Content-Type": CONTENT_TYPE_LATEST})

    return [
        Route("/health/live", live, methods=["GET"]),
        Route("/health/ready", ready, methods=["GET"]),
        Route("/metrics", guard.local_or_token(metrics), methods=["GET"]),
    ]


async def _answers(db: Database) -> bool:
    try:
        async with db.reading() as session:
            await session.execute(select(1))
    except SQLAlchemyError as error:
        log.warning("database does not answer", error=type(error).__name__)
        return False
    return True
