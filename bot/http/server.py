"""Serves an ASGI application inside the bot's own process and event loop."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from types import TracebackType
from typing import Self

import uvicorn
from starlette.types import ASGIApp


class ServerError(Exception):
    """The address cannot be listened on; the message says which one and what to change."""


class _Embedded(uvicorn.Server):
    """uvicorn without its signal handlers: the process that embeds it decides when to stop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class HttpServer:
    """Listens from `start` to `stop`; `port` is the real one where 0 was asked for."""

    def __init__(self, app: ASGIApp, *, host: str, port: int) -> None:
        self._host = host
        self.port = port
        config = uvicorn.Config(
            app,
            host=host,
            port=port,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=2,
        )
        self._server = _Embedded(config)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Bind and serve; raises ServerError when the address is taken or not ours."""
        try:
            sock = self._server.config.bind_socket()
        except (OSError, SystemExit) as error:
            raise ServerError(
                f"BADDAY_HTTP: cannot listen on {self._host}:{self.port}; stop what uses it or choose another port"
            ) from error
        # Accepted sockets inherit it. asyncio sets it only on sockets made with TCP's own number, unlike uvicorn's, and
        # without it an answer's body waits 40 ms for the acknowledgement of its head.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.port = int(sock.getsockname()[1])
        self._task = asyncio.create_task(self._server.serve(sockets=[sock]), name="http")
        while not self._server.started:
            if self._task.done():
                await self._task
                raise ServerError(f"BADDAY_HTTP: the server on {self._host}:{self.port} ended at once")
            await asyncio.sleep(0.005)

    async def stop(self) -> None:
        if self._task is None:
            return
        self._server.should_exit = True
        await self._task

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()
