"""Tells the incidents' timelines in the terminal, as the bot writes them, and what to try next."""

import asyncio
import textwrap
from collections.abc import Callable, Mapping

from sqlalchemy import select
from sqlmodel import col

from bot.catalog import Catalog
from bot.sandbox.demo.terminal import Terminal
from bot.store.database import Database
from bot.store.tables import TimelineEntry

LOOK_EVERY = 0.3

NEXT: Mapping[str, str] = {
    "opened": "As Maria, open the direct message from Badday and press Acknowledge.",
    "acknowledged": "In the thread in #support-bot, press Run at the step that switches, and watch the calls move.",
    "step:run": "Watch the calls move in the World panel; then press Heal there.",
    "recovered": "Switch back with Undo in the thread, or wait: the incident resolves itself.",
    "resolved": "Make the other provider slow, or type /badday status.",
}
"""Kind of a timeline entry (of a step with its event) -> what a person may do then."""
LONGEST = 110


class Narrator:
    """Follows the timeline until cancelled."""

    def __init__(
        self, db: Database, catalog: Callable[[], Catalog], terminal: Terminal, hints: Mapping[str, str]
    ) -> None:
        self._db = db
        self._catalog = catalog
        self._terminal = terminal
        self._hints = {**NEXT, **hints}
        self._told = 0

    async def run(self) -> None:
        """Tell each new entry once."""
        while True:
            for entry in await self._new():
                self._tell(entry)
            await asyncio.sleep(LOOK_EVERY)

    async def _new(self) -> list[TimelineEntry]:
        statement = select(TimelineEntry).where(col(TimelineEntry.id) > self._told).order_by(col(TimelineEntry.id))
        async with self._db.reading() as session:
            return list((await session.execute(statement)).scalars())

    def _tell(self, entry: TimelineEntry) -> None:
        assert entry.id is not None
        self._told = entry.id
        by = "" if entry.actor == "badday" else f" ({self._name(entry.actor)})"
        self._terminal.event(textwrap.shorten(entry.text, LONGEST, placeholder=" …") + by)
        event = (entry.data or {}).get("event")
        hint = self._hints.get(f"{entry.kind}:{event}" if event else entry.kind)
        if hint is not None:
            self._terminal.hint(hint)

    def _name(self, actor: str) -> str:
        person = self._catalog().people.get(actor)
        return person.name if person else actor
