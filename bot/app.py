"""The composition root: what the bot is made of, started in order and stopped in reverse."""

import asyncio
import signal
import sys
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click
import httpx
import structlog
from starlette.applications import Starlette
from starlette.routing import BaseRoute

from bot import logs
from bot.actions import outside as actions_outside
from bot.alerts.handler import AlertHandler
from bot.alerts.intake import AlertIntake
from bot.auditor.auditor import Auditor
from bot.auditor.heartbeat import Heartbeat
from bot.catalog import CatalogError
from bot.catalog.live import LiveCatalog
from bot.effects.keeper import EffectKeeper
from bot.http import acks, auth, health, ofrep, pagerduty, postmortem, problems, twilio
from bot.http import alerts as alerts_http
from bot.http import trail as trail_http
from bot.http.ofrep_stream import Streams
from bot.http.scrape import Scrape
from bot.http.server import HttpServer, ServerError
from bot.incidents.closing import Closer
from bot.incidents.impact import ImpactKeeper
from bot.incidents.releasing import Releaser
from bot.incidents.reminders import Reminder
from bot.paging.contact import Secrets
from bot.paging.courier import Desk, web_client
from bot.paging.ends import EndTeller
from bot.paging.pager import Pager
from bot.paging.sending import PageSender
from bot.paging.trying import WaysTester
from bot.runbooks.follower import Follower
from bot.runbooks.keeper import StepKeeper
from bot.runbooks.library import LiveLibrary
from bot.runbooks.worker import StepWorker
from bot.settings import Settings, SettingsError
from bot.store import migrate
from bot.store.database import Database, DatabaseError
from bot.store.retention import Retention
from bot.store.tokens import TokenBook
from bot.supervision import Crew
from bot.trail.attempts.grouping import Grouping
from bot.trail.receiving.writer import Pipeline, Writer
from bot.trail.retention.worker import TrailRetention
from bot.watches import sync
from bot.watches.calls import CallsWatcher
from bot.watches.poller import Poller

if TYPE_CHECKING:
    from bot.slack.face import SlackFace
    from bot.trail.receiving.pipeline import Read

log = structlog.get_logger(__name__)

ROLES = frozenset({"slack", "watch", "page", "trail", "switchboard"})
RELOAD_EVERY = 2.0
STOP_WITHIN = 8.0
"""Seconds; SIGTERM promises an end within ten."""
SWITCH_EVERY = 0.001
"""Seconds after which the trail's thread lets the event loop run. By Python's default of 5 ms a transaction of the loop
takes 26 ms beside a busy thread, by this 10 ms."""


def utc_now() -> datetime:
    return datetime.now(UTC)


class Application:
    """One process of the bot with the roles asked for; several processes may share one PostgreSQL."""

    def __init__(
        self, settings: Settings, *, only: Collection[str] = ROLES, clock: Callable[[], datetime] = utc_now
    ) -> None:
        """Read the catalog and look at the settings; raises CatalogError, SettingsError or DatabaseError."""
        self.settings = settings
        self.roles = frozenset(only)
        self.clock = clock
        check_settings(settings, self.roles)
        self.catalog = LiveCatalog(settings.config)
        self.library = LiveLibrary(settings.config.parent / "runbooks")
        self.db = Database(settings.database_url)
        self.ready = False
        self.secrets = Secrets.beside(settings.config)
        self._crew = Crew()
        self._scrape = Scrape(self.db, self.catalog, self.clock)
        self._streams = Streams(self.db, self.catalog, self.clock)
        self._couriers: list[PageSender | WaysTester] = []
        self._web: httpx.AsyncClient | None = None
        self._way: httpx.AsyncClient | None = None
        self._slack: SlackFace | None = None
        self._writer: Writer[Read] | None = None
        self._http: HttpServer | None = None

    async def start(self) -> None:
        """Migrate, listen, and start the roles' workers; ready never waits for Slack. Raises ServerError."""
        await migrate.upgrade(self.db.engine)
        await self._sync()
        if "slack" in self.roles:
            self._slack = self._slack_face()
        if "trail" in self.roles:
            self._writer = Writer(self._trail_pipeline, on_commit=lambda: self.db.wake("calls"))
            self._writer.start()
            sys.setswitchinterval(SWITCH_EVERY)
        self._http = HttpServer(
            Starlette(routes=self._routes(), exception_handlers=problems.EXCEPTION_HANDLERS),
            host=self.settings.http_host,
            port=self.settings.http_port,
        )
        await self._http.start()
        self._crew.hire("reload", self._reload)
        if "switchboard" in self.roles:
            self._crew.hire("switchboard streams", self._streams.run)
        if "watch" in self.roles:
            self._crew.hire("poller", Poller(self.db, self.catalog, self.clock).run)
            self._crew.hire("calls", CallsWatcher(self.db, self.catalog, self.clock).run)
        if "trail" in self.roles:
            self._crew.hire("grouping", Grouping(self.db, self.clock).run)
            self._crew.hire("trail retention", TrailRetention(self.db, self.clock).run)
        if "page" in self.roles:
            self._crew.hire("follower", Follower(self.db, self.catalog, self.library, self.clock).run)
            self._way = actions_outside.client()
            way = actions_outside.outside(self._way, self.settings.config)
            self._crew.hire("steps", StepWorker(self.db, self.catalog, self.clock, outside=way).run)
            self._crew.hire("effects", EffectKeeper(self.db, self.catalog, self.clock).run)
            self._crew.hire("step times", StepKeeper(self.db, self.clock).run)
            self._crew.hire("pager", Pager(self.db, self.catalog, self.clock).run)
            self._hire_couriers()
            self._crew.hire("alerts", AlertHandler(self.db, self.catalog, self.clock).run)
            self._crew.hire("reminders", Reminder(self.db, self.catalog, self.clock).run)
            self._crew.hire("closer", Closer(self.db, self.clock).run)
            self._crew.hire("releaser", Releaser(self.db, self.catalog, self.clock).run)
            self._crew.hire("impact", ImpactKeeper(self.db, self.clock).run)
            self._crew.hire("retention", Retention(self.db, self.clock).run)
            self._hire_auditor()
        if self._slack is not None:
            await self._slack.start(self._crew)
        self.ready = True
        log.info("ready", roles=sorted(self.roles), http=f"{self.settings.http_host}:{self._http.port}")

    async def stop(self) -> None:
        """Stop in reverse; what was accepted is in the database and goes on at the next start."""
        self.ready = False
        self._streams.close()
        if self._slack is not None:
            await self._slack.stop()
        await asyncio.gather(*(courier.stop() for courier in self._couriers))
        if self._writer is not None:
            await self._writer.stop()  # before the server, so that it can answer what was taken
        if self._http is not None:
            await self._http.stop()
        await self._crew.dismiss(within=STOP_WITHIN)
        for web in (self._web, self._way):
            if web is not None:
                await web.aclose()
        await self._scrape.close()
        await self.db.close()

    @property
    def http_port(self) -> int:
        """The port that is really listened on."""
        assert self._http is not None
        return self._http.port

    def reload(self) -> bool:
        """Reread catalog and runbooks; a wrong one is refused and the old one stays in force."""
        self.library.refresh()
        return self.catalog.refresh()

    def _routes(self) -> list[BaseRoute]:
        metrics = self._scrape.read
        routes: list[BaseRoute] = [*health.routes(self.settings, self.db, lambda: self.ready, more=metrics)]
        if "switchboard" in self.roles:
            routes += ofrep.routes(self.settings, self.db, self.catalog, self.clock, self._streams)
        if self._writer is not None:
            routes += trail_http.routes(self.settings, TokenBook(self.db), self._writer)
        if "page" in self.roles:
            routes += acks.routes(self.db, self.catalog, self.clock)
            routes += postmortem.routes(self.settings, self.db, self.catalog, self.clock)
            routes += pagerduty.routes(self.db, self.catalog, self.secrets, self.clock)
            public_url = self.settings.public_url
            routes += twilio.routes(self.db, self.catalog, self.secrets, self.clock, public_url=public_url)
        if "page" in self.roles:
            sender = self._slack.delivery.fresh if self._slack is not None else None
            intake = AlertIntake(self.db, self.catalog, self.clock, sender)
            routes += alerts_http.routes(self.settings, TokenBook(self.db), intake, self.catalog, self.clock)
        if self._slack is not None:
            routes += self._slack.routes()
        return routes

    def _hire_couriers(self) -> None:
        """Whoever pages by other ways than Slack."""
        self._web = web_client()
        desk = Desk(self.db, self.catalog, self.clock, self.secrets, self.settings.public_url, self._web)
        self._couriers = [PageSender(desk), WaysTester(desk)]
        self._crew.hire("page sender", self._couriers[0].run)
        self._crew.hire("contact tests", self._couriers[1].run)
        self._crew.hire("ends told elsewhere", EndTeller(desk).run)

    def _hire_auditor(self) -> None:
        assert self._web is not None
        heartbeat = Heartbeat(self.settings.heartbeat_url, self._web)
        self._crew.hire("auditor", Auditor(self.db, self.catalog, self.clock, heartbeat).run)

    def _slack_face(self) -> "SlackFace":
        # Bolt takes a fifth of a second to import: roles without Slack do without it.
        from bot.slack.face import SlackFace

        return SlackFace(self.settings, self.db, self.catalog, self.clock, self.library)

    def _trail_pipeline(self) -> "Pipeline[Read]":
        # Called in the writer's thread at the first body: protobuf, prices and patterns take a second and 60 MB.
        from bot.trail.receiving.pipeline import make_pipeline

        return make_pipeline(self.settings.database_url, self.db.turns, catalog=self.catalog, clock=self.clock)

    async def _sync(self) -> None:
        async with self.db.transaction() as session:
            await sync.sync(session, self.catalog(), now=self.clock())

    async def _reload(self) -> None:
        while True:
            await self.db.woken("reload", timeout=RELOAD_EVERY)
            if self.reload():
                await self._sync()


def check_settings(settings: Settings, roles: Collection[str]) -> None:
    """Raise SettingsError when the roles cannot be run with the settings."""
    unknown = set(roles) - ROLES
    if unknown:
        raise SettingsError(
            f"--only: no such role: {', '.join(sorted(unknown))}; there are: {', '.join(sorted(ROLES))}"
        )
    auth.require_safe_bind(settings)
    if "slack" not in roles:
        return
    missing = [] if settings.slack_bot_token else ["SLACK_BOT_TOKEN"]
    if not settings.slack_app_token and not settings.slack_signing_secret:
        missing.append("SLACK_APP_TOKEN (Socket Mode) or SLACK_SIGNING_SECRET (signed HTTP)")
    if missing:
        raise SettingsError(
            f"{' and '.join(missing)} missing; put them in .env beside {settings.config.name} "
            "(create the app from slack-manifest.yaml), or try Badday without Slack: badday demo"
        )


def run(settings: Settings, only: Collection[str] = ROLES) -> int:
    """`badday run`: until SIGTERM or SIGINT; returns the exit status (2: wrong use or configuration)."""
    logs.configure()
    try:
        application = Application(settings, only=only or ROLES)
    except CatalogError as error:
        for problem in error.problems:
            click.echo(problem, err=True)
        return 2
    except (SettingsError, DatabaseError) as error:
        click.echo(f"badday: {error}", err=True)
        return 2
    return asyncio.run(_serve(application))


async def _serve(application: Application) -> int:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    loop.add_signal_handler(signal.SIGHUP, application.db.wake, "reload")
    try:
        await application.start()
    except ServerError as error:
        click.echo(f"badday: {error}", err=True)
        await application.stop()
        return 2
    await stopping.wait()
    await application.stop()
    return 0
