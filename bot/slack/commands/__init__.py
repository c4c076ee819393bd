"""`/badday WORD …`: one file a word."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from types import MappingProxyType

from bot.slack.asking import Ask
from bot.slack.blocks import Mrkdwn, join, markup
from bot.slack.commands import (
    ack,
    arm,
    calls,
    changes,
    disarm,
    freeze,
    help,  # noqa: A004 - the command's name
    incident,
    note,
    override,
    page,
    postmortem,
    silence,
    status,
    who,
)
from bot.slack.commands import run as run_command
from bot.slack.commands.command import Command
from bot.slack.messages.help import CommandLine, HelpView

COMMANDS: Mapping[str, Command] = MappingProxyType(
    {
        one.word: one
        for one in (
            *(status.COMMAND, calls.COMMAND, incident.COMMAND, note.COMMAND, postmortem.COMMAND),
            *(ack.COMMAND, page.COMMAND, who.COMMAND, override.COMMAND, silence.COMMAND),
            *(run_command.COMMAND, changes.COMMAND, freeze.COMMAND),
            *(arm.COMMAND, disarm.COMMAND, help.COMMAND),
        )
    }
)

PLANNED = frozenset(
    (
        "drill",
        *("spend", "evals", "readiness"),
    )
)
"""Words of the whole desk that nothing stands behind yet."""


def parse(text: str) -> tuple[str, tuple[str, ...]]:
    """The command's word and what follows; nothing typed is a call for help."""
    words: Sequence[str] = text.split()
    return (words[0].casefold(), tuple(words[1:])) if words else ("help", ())


def overview() -> HelpView:
    return HelpView([CommandLine(one.usage, one.summary) for one in COMMANDS.values()])


async def run(word: str, ask: Ask) -> None:
    """Do what was typed; an unknown word is answered with what may have been meant."""
    command = COMMANDS.get(word)
    if command is None:
        await ask.say(_unknown(word))
        return
    await command.run(ask)


def _unknown(word: str) -> Mrkdwn:
    if word in PLANNED:
        return markup("`/badday {word}` is not there yet. `/badday help` lists what is.", word=word)
    near = get_close_matches(word, COMMANDS, n=2, cutoff=0.6)
    guesses = join(" or ", [markup("`/badday {word}`", word=one) for one in near])
    meant = markup(" Did you mean {guesses}?", guesses=guesses) if near else Mrkdwn("")
    return markup("There is no command “{word}”.{meant} `/badday help` lists them all.", word=word, meant=meant)
