"""`/badday calls …`: what the model calls say; the words are read by bot.trail.queries.question."""

from collections.abc import Sequence
from html import unescape

from bot.slack.asking import Ask
from bot.slack.blocks import markup
from bot.slack.commands.command import Command
from bot.slack.views.calls import known_systems
from bot.trail.queries.question import QuestionError, read_question


async def run(ask: Ask) -> None:
    # Slack escapes what people type like what it shows.
    await answer(ask, [unescape(word) for word in ask.words])


async def answer(ask: Ask, words: Sequence[str], *, replace: bool = False) -> None:
    """Show what was asked for; `replace` puts it in the place of the message that was clicked."""
    systems = await known_systems(ask.session, ask.catalog)
    try:
        question = read_question(words, systems=systems, now=ask.now)
    except QuestionError as error:
        await ask.say(markup("{error}. For example: `/badday calls support-bot slow since=7d`", error=str(error)))
        return
    await ask.show("calls", {"typed": question.typed(), "person": ask.who.person, "replace": replace})


COMMAND = Command(
    "calls",
    'calls [SYSTEM] [errors|slow|dear|newest|fallbacks] [by model] [model=… since=7d "words"]',
    "Model calls: errors, the slowest, the dearest; one call whole",
    run,
)
