"""`/badday changes [SYSTEM]`: everything that runbooks have switched and nobody has taken back, with its undo."""

from bot.slack.asking import Ask
from bot.slack.blocks import markup
from bot.slack.commands.command import Command


async def run(ask: Ask) -> None:
    system = ask.words[0] if ask.words else None
    if system is not None and system not in ask.catalog.systems:
        known = ", ".join(ask.catalog.systems)
        await ask.say(markup("There is no system “{name}”; there are: {known}", name=system, known=known))
        return
    await ask.show("changes", {"system": system})


COMMAND = Command("changes", "changes [SYSTEM]", "What is still switched, by whom, until when; and its undo", run)
