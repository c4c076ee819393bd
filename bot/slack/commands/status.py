"""`/badday status`: how things stand."""

from bot.slack.asking import Ask
from bot.slack.commands.command import Command


async def run(ask: Ask) -> None:
    await ask.show("status")


COMMAND = Command("status", "status", "How things stand: incidents, systems, routes, watches", run)
