"""The Slack face as one thing: what the bot starts, stops and serves of it.

face = SlackFace(settings, db, catalog, clock, library)   # touches nothing
face.routes()                                      # /slack/events, for signed HTTP
await face.start(crew)                             # hires the workers; never waits for Slack
await face.stop()                                  # before the crew is dismissed
"""

import asyncio
from collections.abc import Callable
from datetime import datetime

import aiohttp
import structlog
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from starlette.routing import BaseRoute

from bot.catalog import Catalog
from bot.http import slack_events
from bot.runbooks.library import Library
from bot.settings import Settings
from bot.slack import app
from bot.slack.delivery import Delivery
from bot.slack.groups import GroupKeeper
from bot.slack.homes import HomeKeeper
from bot.slack.identity import Identities, UnreachableError
from bot.slack.picture_fetching import PictureFetcher
from bot.slack.refusals import sentence
from bot.slack.web import SlackWeb, Verdict, ask
from bot.slack.worker import InboxWorker
from bot.store.database import Database
from bot.store.tables import SlackWorkspace
from bot.supervision import Crew

log = structlog.get_logger(__name__)
CONNECTIONS = 2
"""One alone loses clicks while Slack refreshes it (Slack allows ten)."""
CONNECT_WITHIN = 10.0
PING_EVERY = 5.0
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0


class SlackFace:
    """Commands, clicks and forms come in, messages go out; all that matters stands in the database between them."""

    def __init__(
        self,
        settings: Settings,
        db: Database,
        catalog: Callable[[], Catalog],
        clock: Callable[[], datetime],
        library: Callable[[], Library] = Library,
    ) -> None:
        self._settings = settings
        self._db = db
        self._web = SlackWeb(settings)
        self._catalog = catalog
        self._identities = identities = Identities(db, self._web, catalog, clock)
        self.delivery = Delivery(
            db, self._web, identities, catalog, clock, pace=settings.slack_pace, public_url=settings.public_url
        )
        self.worker = InboxWorker(db, self._web, identities, catalog, clock, library)
        self._pictures = PictureFetcher(db, self._web, clock)
        self._home = HomeKeeper(db, catalog, clock, workspace_url=lambda: self.delivery.workspace_url)
        self._groups = GroupKeeper(db, self._web, identities, catalog, clock)
        self._app = app.build(settings, db, catalog, clock)
        self._stopping = asyncio.Event()
        self._sockets: set[AsyncSocketModeHandler] = set()

    def routes(self) -> list[BaseRoute]:
        """Signed HTTP; with an app token everything comes by Socket Mode instead."""
        return [] if self._settings.slack_app_token else slack_events.routes(self._app)

    async def start(self, crew: Crew) -> None:
        """Start the workers; Slack may be down, they go on trying."""
        await self._web.open()
        crew.hire("slack delivery", self.delivery.run)
        crew.hire("slack inbox", self.worker.run)
        crew.hire("slack home", self._home.run)
        crew.hire("slack groups", self._groups.run)
        crew.hire("slack pictures", self._pictures.run)
        crew.hire("slack workspace", self._get_to_know)
        if self._settings.slack_app_token:
            for number in range(CONNECTIONS):
                crew.hire(f"slack socket {number + 1}", self._listen)

    async def stop(self) -> None:
        """Take in nothing more, then finish what is under way."""
        self._stopping.set()
        await asyncio.gather(*(socket.client.close() for socket in list(self._sockets)))  # type: ignore[no-untyped-call]
        await asyncio.gather(self.worker.stop(), self.delivery.stop())
        await self._web.close()

    async def _listen(self) -> None:
        """One Socket Mode connection; once it stands, the SDK keeps it alive."""
        token = self._settings.slack_app_token
        assert token is not None
        handler = AsyncSocketModeHandler(
            self._app,
            token.get_secret_value(),
            web_client=AsyncWebClient(base_url=self._settings.slack_api_url),
            ping_interval=PING_EVERY,
        )
        self._sockets.add(handler)
        client = handler.client
        pause = FIRST_PAUSE
        try:
            while not self._stopping.is_set():
                try:
                    # The SDK would try a used-up address again and again; so each try gets one of its own.
                    client.wss_uri = await client.issue_new_wss_url()
                    await asyncio.wait_for(client.connect(), CONNECT_WITHIN)  # type: ignore[no-untyped-call]
                    log.info("connected to Slack")
                    break
                except SlackApiError as error:
                    log.error("cannot connect to Slack", why=sentence(_code(error)), again_in=pause)
                except (aiohttp.ClientError, OSError, TimeoutError) as error:
                    log.error("cannot connect to Slack", why=f"{type(error).__name__}: {error}", again_in=pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
            await asyncio.Event().wait()
        finally:
            self._sockets.discard(handler)
            await client.close()  # type: ignore[no-untyped-call]

    async def _get_to_know(self) -> None:
        """Ask where links lead and who the owners are, before the first bad day does."""
        await self._learn_workspace()
        systems = self._catalog().systems.values()
        for person in dict.fromkeys(key for system in systems for key in (system.owner, *system.deputies)):
            try:
                await self._identities.direct_channel(person)
            except UnreachableError as error:
                why = sentence(error.answer.error, error.answer.detail)
                log.error("this person cannot be paged in Slack", person=person, why=why)
        await asyncio.Event().wait()

    async def _learn_workspace(self) -> None:
        pause = FIRST_PAUSE
        while self.delivery.workspace_url is None:
            answer = await ask(self._web.again.auth_test())
            if answer.verdict is Verdict.DONE:
                self.delivery.workspace_url = str(answer.data["url"])
                async with self._db.transaction() as session:
                    await session.merge(SlackWorkspace(url=self.delivery.workspace_url))
                return
            log.error("Slack does not accept the bot", why=sentence(answer.error, answer.detail), again_in=pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)


def _code(error: SlackApiError) -> str:
    data = getattr(error.response, "data", None)
    return str(data.get("error")) if isinstance(data, dict) else f"http_{getattr(error.response, 'status', '?')}"
