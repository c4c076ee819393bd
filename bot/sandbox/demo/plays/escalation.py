"""Nobody answers at night: the page climbs to Sam, who acknowledges by the link in a mail, and everybody sees it."""

import asyncio
import html
import re
from collections.abc import Sequence

import httpx

from bot.sandbox.demo.person import Person
from bot.sandbox.demo.plays.story import BOT, CHANNEL, DEPUTY, Station, StationError, Story
from bot.sandbox.demo.scenarios import Scenario
from bot.sandbox.demo.stage import Stage

ONLOOKER = "ana"
_LINK = re.compile(r'href="(http://127\.0\.0\.1:\d+/ack/[\w-]+)"')


class Escalation(Story):
    """See the module."""

    def __init__(self, stage: Stage, http: httpx.AsyncClient, scenario: Scenario) -> None:
        super().__init__(stage, http, scenario)
        assert scenario.checked is not None
        self._night = scenario.checked
        self._sam, self._ana = (Person(user, stage.sandbox.control_url, http) for user in (DEPUTY, ONLOOKER))
        self._link = ""
        """What Sam's mail leads to."""

    def stations(self) -> Sequence[Station]:
        return (
            *super().stations(),
            ("nobody answered, escalated to sam", self._escalated),
            ("sam mailed", self._mailed),
            ("mail opened", self._mail_opened),
            ("nothing acknowledged by looking", self._only_shown),
            ("acknowledged by e-mail", self._acknowledged),
            ("the thread shows it", self._thread_shows_it),
            ("maria's page shows it", self._maria_sees_it),
            ("sam's page shows it", self._sam_sees_it),
            ("the timeline shows it", self._timeline_shows_it),
            ("nobody else paged", self._nobody_else_paged),
        )

    async def _escalated(self) -> None:
        await self._sam.finds(BOT, "acknowledge", self.failing.key)
        await self.maria.sees(CHANNEL, "escalated", "sam", thread_ts=self.root["ts"])

    async def _mailed(self) -> None:
        world = await self.until(lambda world: bool(world["mails"]))
        (mail,) = world["mails"]
        if "sam@example.com" not in mail["to"]:
            raise StationError(f"the mail went to {mail['to']}")

    async def _mail_opened(self) -> None:
        shown = (await self.http.get(f"{self.world}/mail/1")).raise_for_status().text
        # The mail stands in an attribute of the page that shows it, so its signs are escaped once.
        found = _LINK.search(html.unescape(shown))
        if found is None:
            raise StationError("the mail has no link to acknowledge by")
        self._link = found[1]

    async def _only_shown(self) -> None:
        for _ in ("a mail scanner", "Sam"):
            shown = await self.http.get(self._link)
            if shown.status_code != 200 or 'method="post"' not in shown.text:
                raise StationError(f"the link answers {shown.status_code} without a button")
        await self.maria.finds(BOT, "acknowledge")
        await self._sam.finds(BOT, "acknowledge")
        root = await self.maria.sees(CHANNEL, ts=self.root["ts"])
        if "acknowledged" in str(root).lower():
            raise StationError("looking at the link has acknowledged it")

    async def _acknowledged(self) -> None:
        taken = await self.http.post(self._link)
        if taken.status_code != 200 or "Acknowledged by you" not in taken.text:
            raise StationError(f"the button answers {taken.status_code}")
        await self.root_says("acknowledged", "sam")

    async def _thread_shows_it(self) -> None:
        await self.maria.sees(CHANNEL, "acknowledged", "e-mail", thread_ts=self.root["ts"])

    async def _maria_sees_it(self) -> None:
        await self.maria.sees(BOT, "acknowledged", "sam")

    async def _sam_sees_it(self) -> None:
        await self._sam.sees(BOT, "acknowledged", "sam")
        again = await self.http.get(self._link)
        if 'method="post"' in again.text or "Acknowledged by you" not in again.text:
            raise StationError("the link still asks to acknowledge")

    async def _timeline_shows_it(self) -> None:
        await self._ana.types(CHANNEL, "/badday incident 1")
        await self._ana.sees(CHANNEL, "timeline", "sam", "acknowledged by the link in an e-mail")

    async def _nobody_else_paged(self) -> None:
        before = await self._pages()
        await asyncio.sleep(self._night.deputy_has + 1)
        after = await self._pages()
        if after != before:
            raise StationError(f"messages to maria and sam, mails, and in the channel: {before}, then {after}")

    async def _pages(self) -> tuple[int, ...]:
        """How many direct messages Maria and Sam have, mails came, and messages the channel shows."""
        mails = (await self.until(lambda _: True))["mails"]
        return (
            len(await self.maria.messages(BOT)),
            len(await self._sam.messages(BOT)),
            len(mails),
            len(await self.maria.messages(CHANNEL)),
        )
