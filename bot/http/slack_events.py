"""Slack over signed HTTP at /slack/events: for workspaces where the app has no Socket Mode."""

from slack_bolt.adapter.starlette.async_handler import AsyncSlackRequestHandler
from slack_bolt.app.async_app import AsyncApp
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route


def routes(app: AsyncApp) -> list[BaseRoute]:
    """Bolt checks the signature and its age before anything else."""
    handler = AsyncSlackRequestHandler(app)

    async def receive(request: Request) -> Response:
        return await handler.handle(request)

    return [Route("/slack/events", receive, methods=["POST"])]
