"""Fetches the pictures that were kept for a timeline: with the bot's token, only from Slack, only what is a picture."""

from collections.abc import Callable
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import structlog

from bot.incidents import pictures
from bot.slack.refusals import sentence
from bot.slack.web import SlackWeb, Verdict, ask
from bot.store.database import Database
from bot.store.tables import Picture

log = structlog.get_logger(__name__)
LOOK_EVERY = 5.0
PAUSE = timedelta(seconds=10)
TRIES = 6
"""So often a picture is asked for while Slack does not answer; then the note says that it could not be fetched."""


class PictureFetcher:
    """A worker; any number of replicas may run it: a picture that was fetched twice is kept once."""

    def __init__(self, db: Database, web: SlackWeb, clock: Callable[[], datetime]) -> None:
        self._db = db
        self._web = web
        self._clock = clock
        self._tries: dict[int, tuple[int, datetime]] = {}

    async def run(self) -> None:
        while True:
            await self.fetch()
            await self._db.woken(pictures.TOPIC, timeout=LOOK_EVERY)

    async def fetch(self) -> int:
        """Fetch what waits; returns how many pictures were settled, one way or the other."""
        now = self._clock()
        async with self._db.reading() as session:
            waiting = await pictures.awaited(session)
        settled = 0
        for picture in waiting:
            tries, not_before = self._tries.get(picture.id or 0, (0, now))
            if not_before <= now:
                settled += await self._fetch(picture, tries)
        return settled

    async def _fetch(self, picture: Picture, tries: int) -> bool:
        assert picture.id is not None
        answer = await ask(self._web.again.files_info(file=picture.slack_file))
        if answer.verdict is Verdict.REFUSED:
            return await self._failed(picture.id, sentence(answer.error, answer.detail))
        if answer.verdict is not Verdict.DONE:
            return await self._later(picture.id, tries, answer.error)
        file = answer.data.get("file") or {}
        url = str(file.get("url_private_download") or file.get("url_private") or "")
        if not self._web.is_slacks(url):
            return await self._failed(picture.id, f"it lies at {urlsplit(url).hostname or 'no address'}, not at Slack")
        got = await self._web.download(url, at_most=pictures.LARGEST)
        if got.verdict is Verdict.REFUSED:
            return await self._failed(picture.id, got.detail or got.error)
        if got.verdict is not Verdict.DONE:
            return await self._later(picture.id, tries, got.error)
        async with self._db.transaction() as session:
            error = await pictures.fetched(session, picture.id, got.data["content"])
        log.info("picture fetched" if error is None else "picture refused", picture=picture.id, why=error)
        self._tries.pop(picture.id, None)
        return True

    async def _failed(self, picture_id: int, why: str) -> bool:
        log.warning("picture not fetched", picture=picture_id, why=why)
        async with self._db.transaction() as session:
            await pictures.failed(session, picture_id, why)
        self._tries.pop(picture_id, None)
        return True

    async def _later(self, picture_id: int, tries: int, why: str) -> bool:
        if tries + 1 >= TRIES:
            return await self._failed(picture_id, f"Slack did not give it ({why})")
        self._tries[picture_id] = (tries + 1, self._clock() + PAUSE * (tries + 1))
        return False
