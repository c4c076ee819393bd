"""The running workspace: one ASGI application on a loopback port, in the process of whoever starts it."""

import asyncio
import contextlib
import os
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Scope
from starlette.websockets import WebSocket

from bot.sandbox.clock import Clock
from bot.sandbox.control import routes as control
from bot.sandbox.file_endpoints import FileEndpoints
from bot.sandbox.parts import Parts
from bot.sandbox.response_endpoint import ResponseEndpoint
from bot.sandbox.web_api.endpoint import Endpoint
from bot.sandbox.workspace import Workspace

HOST = "127.0.0.1"
PAGE = Path(__file__).parent / "page"
ASK_AGAIN = "no-cache"  # browsers check each file, so a new version never meets modules of the old one
POLICY = "default-src 'self'; frame-ancestors 'none'"


class _PageFiles(StaticFiles):
    def file_response(
        self, full_path: "str | os.PathLike[str]", stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers["Cache-Control"] = ASK_AGAIN
        return response


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: the process belongs to whoever embeds the workspace."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Sandbox:
    """A local Slack workspace. `async with Sandbox() as sandbox:` or start() and stop().

    port: 0 takes a free one. rate_limit: whether chat.postMessage is metered at one a second a channel.
    clock: the time inside. manifest: what the installed app declares (commands, shortcuts, events, scopes), as
    in slack-manifest.yaml; None is a built-in app. request_url: deliver by signed HTTP there, not by Socket Mode.
    """

    def __init__(
        self,
        port: int = 0,
        *,
        rate_limit: bool = True,
        clock: Clock | None = None,
        manifest: Mapping[str, Any] | None = None,
        request_url: str | None = None,
    ) -> None:
        self.panel: str | None = None  # the address of an ES module that the page shows at its side
        self.title = "Local workspace"
        self.parts = Parts.assemble(manifest=manifest, rate_limit=rate_limit, clock=clock or Clock())
        self._port = port
        self._request_url = request_url
        self._mounts: list[BaseRoute] = []
        self._server: _Server | None = None
        self._serving: asyncio.Task[None] | None = None

    @property
    def workspace(self) -> Workspace:
        return self.parts.workspace

    @property
    def clock(self) -> Clock:
        return self.parts.clock

    @property
    def base_url(self) -> str:
        return self.parts.base

    @property
    def api_url(self) -> str:
        """SLACK_API_URL for the bot."""
        return f"{self.parts.base}/api/"

    @property
    def page(self) -> str:
        return f"{self.parts.base}/"

    @property
    def control_url(self) -> str:
        return f"{self.parts.base}/control"

    @property
    def bot_token(self) -> str:
        return self.parts.app.bot_token

    @property
    def app_token(self) -> str:
        return self.parts.app.app_token

    @property
    def signing_secret(self) -> str:
        return self.parts.app.signing_secret

    def mount(self, path: str, app: ASGIApp) -> None:
        """Serve another ASGI application below this path. Before start only."""
        self._mounts.append(Mount(path, app))

    async def start(self) -> None:
        """Listen; returns when the workspace answers. Raises OSError when the port is taken."""
        listener = socket.create_server((HOST, self._port), backlog=512)
        # Inherited by every connection: without it a body waits 40 ms for the acknowledgement of its head.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.parts.base = f"http://{HOST}:{listener.getsockname()[1]}"
        config = uvicorn.Config(
            self._application(),
            log_config=None,
            access_log=False,
            lifespan="off",
            ws="websockets-sansio",
            ws_ping_interval=None,
            timeout_graceful_shutdown=1,
        )
        server = _Server(config)
        self._server = server
        self._serving = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started:
            if self._serving.done():
                await self._serving
                raise OSError("the workspace's server ended before it answered")
            await asyncio.sleep(0.001)
        self.parts.begin(self._request_url)

    async def stop(self) -> None:
        """End every connection and stop listening."""
        if self._server is None or self._serving is None:
            return
        await self.parts.stop()
        self._server.should_exit = True
        await self._serving
        self._server = self._serving = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def _application(self) -> Starlette:
        parts = self.parts
        files = FileEndpoints(parts)
        respond = ResponseEndpoint(parts)

        async def link(websocket: WebSocket) -> None:
            await parts.sockets.serve(websocket)

        return Starlette(
            middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=[HOST, "localhost"])],
            routes=[
                Route("/api/{method}", Endpoint(parts).serve, methods=["GET", "POST"]),
                WebSocketRoute("/link", link),
                *(Route(f"/{kind}/{{key:path}}", respond.serve, methods=["POST"]) for kind in ("commands", "actions")),
                Route("/app/{key:path}", respond.serve, methods=["POST"]),
                Route("/files/upload/{file_id}", files.upload, methods=["POST", "PUT"]),
                Route("/files-pri/{file_id}/{name:path}", files.download),
                Mount("/control", routes=control.routes(parts)),
                Route("/page/panel.json", self._panel),
                Mount("/page", _PageFiles(directory=PAGE, check_dir=False)),
                *self._mounts,
                Route("/", self._index),
                Route("/archives/{rest:path}", self._index),
            ],
        )

    async def _panel(self, request: Request) -> Response:
        return JSONResponse({"script": self.panel, "title": self.title})

    async def _index(self, request: Request) -> Response:
        index = PAGE / "index.html"
        if not await asyncio.to_thread(index.is_file):
            return PlainTextResponse("The page of the workspace is not installed here.", 404)
        return FileResponse(index, headers={"Cache-Control": ASK_AGAIN, "Content-Security-Policy": POLICY})
