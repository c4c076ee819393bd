"""The answer to a click that came too late: who did it, and when."""

from datetime import datetime

from bot.slack.asking import Ask
from bot.slack.blocks import Mrkdwn, clock_time, markup


async def too_late(ask: Ask, why: str, by: str | None, at: datetime | None) -> None:
    """`why` as the services word it: `already acknowledged`, `out of date`."""
    what = markup("{why}", why=why[:1].upper() + why[1:])
    if by is None or at is None:
        await ask.say(markup("{what}. Nothing was changed; the message shows how it stands now.", what=what))
        return
    who: str | Mrkdwn = "you" if by == ask.who.actor else await ask.name(by)
    await ask.say(markup("{what} by {who} at {at}. Nothing was changed.", what=what, who=who, at=clock_time(at)))


async def gone(ask: Ask) -> None:
    await ask.say(Mrkdwn("This button belongs to something that does not exist any more. Nothing was changed."))
