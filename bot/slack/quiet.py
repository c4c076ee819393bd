"""Who is in Do Not Disturb: asked of Slack when somebody is paged, since nothing of ours breaks through it (dnd.info).

The scope `dnd:read` is optional. Without it, or when Slack does not tell, nobody counts as in Do Not Disturb.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import structlog

from bot.slack.identity import Identities, UnreachableError
from bot.slack.web import SlackWeb, Verdict, ask

log = structlog.get_logger(__name__)
FRESH = timedelta(seconds=60)
ASK_WITHIN = 3.0


class Quiet:
    """Remembers for a minute what Slack said of a person."""

    def __init__(self, web: SlackWeb, identities: Identities, clock: Callable[[], datetime]) -> None:
        self._web = web
        self._identities = identities
        self._clock = clock
        self._known: dict[str, tuple[datetime, datetime | None]] = {}

    async def until(self, person: str) -> datetime | None:
        """Until when the person must not be disturbed; None where they may be."""
        now = self._clock()
        known = self._known.get(person)
        if known is None or now - known[0] > FRESH:
            self._known[person] = known = (now, await self._asked(person))
        until = known[1]
        return until if until is not None and until > now else None

    async def _asked(self, person: str) -> datetime | None:
        try:
            user = await self._identities.user_of(person)
        except UnreachableError:
            return None
        answer = await ask(asyncio.wait_for(self._web.once.dnd_info(user=user), ASK_WITHIN))
        if answer.verdict is not Verdict.DONE:
            log.debug("Slack does not tell who is in Do Not Disturb", person=person, error=answer.error)
            return None
        return _until(answer.data, self._clock())


def _until(told: object, now: datetime) -> datetime | None:
    """The end of the window that `now` is in: a schedule that begins later does not count."""
    if not isinstance(told, dict) or not told.get("dnd_enabled"):
        return None
    starts, ends = int(told.get("next_dnd_start_ts") or 0), int(told.get("next_dnd_end_ts") or 0)
    if not starts <= now.timestamp() < ends:
        return None
    return datetime.fromtimestamp(ends, UTC)
