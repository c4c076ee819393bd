"""The demo's parts in one place: started in order, the page first, and stopped in reverse."""

import asyncio
import contextlib
import importlib
import os
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from bot.http.server import HttpServer
from bot.sandbox.demo.mailbox import Mailbox
from bot.sandbox.demo.providers import VENDORS, Clock, Provider
from bot.sandbox.demo.scenarios import Night
from bot.sandbox.demo.world import World
from bot.sandbox.mail import MailSink
from bot.sandbox.server import Sandbox
from bot.slack.manifest import load_manifest

if TYPE_CHECKING:
    from bot.app import Application

PRODUCT_ENDS_WITHIN = 3.0


class Stage:
    """The local workspace, the world, the bot and the product. `close` may be called at any time."""

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        *,
        port: int,
        told: Callable[[str], None],
        night: Night | None = None,
    ) -> None:
        self._mail = MailSink()
        providers = [Provider(vendor, clock) for vendor in VENDORS]
        self.world = World(providers, clock, mailbox=Mailbox(self._mail), told=told)
        self.sandbox = Sandbox(port=port, manifest=load_manifest())
        self.application: Application | None = None
        self._folder = folder
        self._night = night
        self._parts = contextlib.AsyncExitStack()

    async def open(self) -> None:
        """Show the page; nothing is behind it yet."""
        self.sandbox.mount("/world", self.world.app)
        self.sandbox.panel = "/world/panel.js"
        self.sandbox.title = "World"
        await self.sandbox.start()
        self._parts.push_async_callback(self.sandbox.stop)
        self._parts.callback(self.world.close)

    async def fill(self) -> "Application":
        """Start the providers, the mail server, the bot and the product."""
        for provider in self.world.providers.values():
            server = await self._parts.enter_async_context(HttpServer(provider.app, host="127.0.0.1", port=0))
            self.world.status_pages[provider.vendor.key] = f"http://127.0.0.1:{server.port}"
        await self._parts.enter_async_context(self._mail)
        # The bot's libraries take about a second to import; the page is served meanwhile.
        await asyncio.to_thread(importlib.import_module, "bot.app")
        self.application = self._bot()
        self._parts.push_async_callback(self.application.stop)
        await self.application.start()
        switchboard = f"http://127.0.0.1:{self.application.http_port}"
        world = f"{self.sandbox.page.rstrip('/')}/world"
        product = a_product(switchboard, world, self.world.status_pages, reports_to=switchboard)
        await self._parts.enter_async_context(product)
        return self.application

    async def product_runs(self) -> None:
        """Wait for the product's first question."""
        while self.world.view is None:  # noqa: ASYNC110  (another process changes it)
            await asyncio.sleep(0.05)

    async def close(self) -> None:
        """Stop everything that was started."""
        await self._parts.aclose()

    def _bot(self) -> "Application":
        from bot.app import Application
        from bot.sandbox.demo.configuration import configure

        settings = configure(
            self._folder, self.sandbox, self.world.status_pages, mail_port=self._mail.port, night=self._night
        )
        return Application(settings)


@contextlib.asynccontextmanager
async def a_product(
    switchboard: str, world: str, providers: Mapping[str, str], *, reports_to: str
) -> AsyncIterator[None]:
    """The simulated product as a process of its own; it ends when its standard input closes."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "bot.sandbox.demo.product", f"--switchboard={switchboard}", f"--world={world}"),
        *(f"--provider={name}={url}" for name, url in providers.items()),
        *(f"--model={vendor.key}={vendor.model}" for vendor in VENDORS),
        env=_environment(reports_to),
        stdin=asyncio.subprocess.PIPE,
        # A group of its own: the terminal's Ctrl-C is for the demo, which then ends the product in turn.
        process_group=0,
    )
    assert process.stdin is not None
    try:
        yield
    finally:
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), PRODUCT_ENDS_WITHIN)
        except TimeoutError:
            process.kill()
            await process.wait()


def _environment(reports_to: str) -> dict[str, str]:
    """What the product is started with: the variables of the set-up page send its calls to the bot, texts included."""
    from bot.sandbox.demo.configuration import SYSTEM

    # Not the variables of whoever starts the demo: their collector has no use for these calls.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    return inherited | {
        "OTEL_EXPORTER_OTLP_ENDPOINT": reports_to,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "2",
        "OTEL_BSP_SCHEDULE_DELAY": "500",
        "OTEL_SERVICE_NAME": SYSTEM,
        "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "span_only",
        # Everything that the product talks to is on this machine.
        "NO_PROXY": "127.0.0.1",
    }
