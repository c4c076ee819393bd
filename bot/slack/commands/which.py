"""Which incident a command is about: by its number, by the thread it was typed in, or because there is only one."""

from collections.abc import Sequence

from bot.incidents import incidents
from bot.slack.asking import Ask
from bot.slack.blocks import Mrkdwn, markup
from bot.slack.threads import incident_of
from bot.store.tables import Incident


def number_of(word: str) -> int | None:
    """`42` or `#42`."""
    digits = word.removeprefix("#")
    return int(digits) if digits.isdecimal() and len(digits) <= 9 else None


async def which(ask: Ask, usage: str) -> tuple[Incident, tuple[str, ...]] | None:
    """The incident, and the words after its number; None when the person was told what is missing."""
    typed = number_of(ask.words[0]) if ask.words else None
    if typed is not None:
        incident = await incidents.get(ask.session, typed)
        if incident is None:
            await ask.say(markup("There is no incident {number}. Open ones: `/badday incident list`.", number=typed))
            return None
        return incident, ask.words[1:]
    here = await incident_of(ask.session, ask.channel, ask.thread_ts)
    if here is not None:
        incident = await incidents.get(ask.session, here)
        return (incident, ask.words) if incident is not None else None
    open_now = await incidents.open_incidents(ask.session)
    if len(open_now) == 1:
        return open_now[0], ask.words
    await ask.say(_ask_which(open_now[:10], usage))
    return None


def _ask_which(open_now: Sequence[Incident], usage: str) -> Mrkdwn:
    if not open_now:
        return markup("No incident is open; name one by its number: `/badday {usage}`.", usage=usage)
    known = ", ".join(f"{one.id} ({one.system}: {one.title})" for one in open_now)
    return markup("Which incident? {known}. Type its number: `/badday {usage}`.", known=known, usage=usage)
