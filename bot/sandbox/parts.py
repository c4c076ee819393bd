"""The parts of a running workspace, in one hand: what every other module here is given."""

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.sandbox.clock import Clock
from bot.sandbox.delivery import Delivery
from bot.sandbox.faults import Faults
from bot.sandbox.http_delivery import SignedHttp
from bot.sandbox.installed_app import InstalledApp
from bot.sandbox.journal import Journal
from bot.sandbox.live import Live
from bot.sandbox.pace import Pace
from bot.sandbox.response_urls import ResponseUrls
from bot.sandbox.socket_mode import SocketMode
from bot.sandbox.triggers import Triggers
from bot.sandbox.views import Views
from bot.sandbox.workspace import Workspace


@dataclass
class Parts:
    """State and machinery; `base` is the address under which the workspace is reached."""

    clock: Clock
    app: InstalledApp
    workspace: Workspace
    faults: Faults
    delivery: Delivery
    triggers: Triggers
    response_urls: ResponseUrls
    views: Views
    sockets: SocketMode
    pace: Pace | None
    live: Live = field(default_factory=Live)
    journal: Journal = field(default_factory=Journal)
    base: str = ""
    posted: dict[str, tuple[str, str]] = field(default_factory=dict)  # client_msg_id -> (channel, ts)

    _work: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def connected(self) -> bool:
        """Whether the app can be reached."""
        return self.delivery.transport is not self.sockets or self.sockets.connected

    def begin(self, request_url: str | None) -> None:
        """Deliver by Socket Mode, or to a request URL; tell the pages when the app connects or leaves."""
        http = SignedHttp(request_url, self.app.signing_secret, self.clock) if request_url else None
        self.delivery.transport = http or self.sockets
        self.sockets.on_change.append(self._tell_connected)

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something beside the requests; it ends with the workspace."""
        task = asyncio.get_running_loop().create_task(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    async def stop(self) -> None:
        for task in self._work:
            task.cancel()
        await asyncio.gather(*self._work, return_exceptions=True)
        await self.delivery.close()
        await self.sockets.close()
        if isinstance(self.delivery.transport, SignedHttp):
            await self.delivery.transport.close()
        self.live.close()

    def _tell_connected(self) -> None:
        self.live.publish("app", {"connected": self.connected, "name": self.app.name})

    @classmethod
    def assemble(cls, *, manifest: Mapping[str, Any] | None, rate_limit: bool, clock: Clock) -> "Parts":
        app = InstalledApp.from_manifest(manifest)
        faults = Faults()
        workspace = Workspace(app, clock)
        return cls(
            clock=clock,
            app=app,
            workspace=workspace,
            faults=faults,
            delivery=Delivery(workspace, faults),
            triggers=Triggers(clock),
            response_urls=ResponseUrls(clock),
            views=Views(workspace),
            sockets=SocketMode(clock, app.app_id),
            pace=Pace() if rate_limit else None,
        )
