"""`/badday who [SYSTEM]`: who is on call now and until when, who is next, and how a page would climb."""

from difflib import get_close_matches
from html import unescape

from bot.slack.asking import Ask
from bot.slack.blocks import markup
from bot.slack.commands.command import Command


async def run(ask: Ask) -> None:
    if not ask.words:
        await ask.show("who")
        return
    typed = unescape(ask.words[0])
    if typed in ask.catalog.systems:
        await ask.show("who", {"system": typed})
        return
    near = get_close_matches(typed, ask.catalog.systems, n=1)
    if near:
        await ask.say(
            markup("There is no system “{typed}”; did you mean `/badday who {name}`?", typed=typed, name=near[0])
        )
        return
    names = ", ".join(sorted(ask.catalog.systems))
    await ask.say(markup("There is no system “{typed}”; there are: {names}.", typed=typed, names=names))


COMMAND = Command("who", "who [SYSTEM]", "Who is on call now and next, and how a page climbs", run)
