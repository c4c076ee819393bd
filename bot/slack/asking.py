"""What somebody asked for by a command, a click or a form, and how they are answered."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.catalog import Catalog
from bot.runbooks.library import Library
from bot.slack.blocks import Mrkdwn
from bot.slack.identity import Who
from bot.slack.views.look import Look
from bot.slack.waiting import ASIDE
from bot.store import outbox
from bot.store.outbox import Priority

_VALUE = re.compile(r"(?P<what>inc|step|esc):(?P<id>\d+):v(?P<version>\d+)(:(?P<choice>\w+))?")


@dataclass(frozen=True, slots=True)
class Target:
    """What a button is about: an incident, its escalation or a step, as it was when the button was shown."""

    what: str
    id: int
    version: int
    choice: str = ""
    """What was chosen from a list, for example the minutes of a snooze."""


def target(value: str) -> Target | None:
    """The target in a button's value, `inc:42:v3`, `step:7:v2` or `esc:42:v5:30`; None for anything else."""
    found = _VALUE.fullmatch(value)
    return Target(found["what"], int(found["id"]), int(found["version"]), found["choice"] or "") if found else None


@dataclass(frozen=True, slots=True)
class Ask:
    """One request of a person, in the transaction that fulfils it and marks it as done."""

    session: AsyncSession
    catalog: Catalog
    who: Who
    now: datetime
    item: int
    """The inbox item; answers are keyed by it, so that a repeated one answers once."""
    words: tuple[str, ...] = ()
    """What was typed after the command's word."""
    value: str = ""
    """The clicked button's value."""
    form: dict[str, str] | None = None
    channel: str | None = None
    thread_ts: str | None = None
    response_url: str | None = None
    library: Callable[[], Library] = Library
    """The runbooks in force."""

    async def say(self, text: Mrkdwn) -> None:
        """Tell the person alone, in their own words' place."""
        await self.show("ephemeral", {"markup": text.source})

    async def show(self, kind: str, subject: dict[str, Any] | None = None) -> None:
        """Show the person alone a message of this kind. Raises ValueError for a kind that everybody would see."""
        if kind not in ASIDE:
            raise ValueError(f"a message of kind {kind!r} is not for one person alone")
        told: dict[str, Any] = {"user": self.who.user, **(subject or {})}
        if self.response_url is not None:
            told["response_url"] = self.response_url
        if self.thread_ts is not None:
            told["thread_ts"] = self.thread_ts
        await outbox.post(
            self.session,
            key=f"answer:{self.item}:{kind}",
            kind=kind,
            subject=told,
            # From App Home there is no channel to answer in, so it becomes a direct message.
            channel=self.channel or self.who.user,
            priority=Priority.ANSWER,
            now=self.now,
        )

    @property
    def look(self) -> Look:
        """What views are read with, in this transaction; links to messages are not known here."""
        return Look(self.session, self.catalog, self.now)

    async def name(self, actor: str | None) -> str:
        return "somebody" if actor is None else await self.look.name(actor)
