"""`/badday incident open`: opens the form; the form itself is bot/slack/modals/incident_open.py."""

from bot.slack.asking import Ask
from bot.slack.blocks import Mrkdwn
from bot.slack.commands.command import Command


def wants_form(words: tuple[str, ...]) -> bool:
    """Whether the form is asked for; it has to be shown at once, before anything is written."""
    return words[:1] == ("open",)


async def run(ask: Ask) -> None:
    await ask.say(Mrkdwn("To open an incident by hand, type `/badday incident open`. Open ones: `/badday status`."))


COMMAND = Command("incident", "incident open", "Open an incident by hand", run)
