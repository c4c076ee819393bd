"""`/badday help`: what can be typed."""

from bot.slack.asking import Ask
from bot.slack.commands.command import Command


async def run(ask: Ask) -> None:
    await ask.show("help")


COMMAND = Command("help", "help", "This list", run)
