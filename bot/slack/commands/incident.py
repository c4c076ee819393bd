"""`/badday incident …`: shows incidents and changes them; each word after the number is one function.

In an incident's thread (`@Badday incident status identified`) the number is implied.
"""

from collections.abc import Awaitable, Callable, Mapping
from difflib import get_close_matches
from types import MappingProxyType

from bot.slack.asking import Ask
from bot.slack.blocks import Mrkdwn, join, markup
from bot.slack.commands import incident_changes as changes
from bot.slack.commands import incident_shown as shown
from bot.slack.commands.command import Command
from bot.slack.commands.which import number_of, which
from bot.store.tables import Incident

Verb = Callable[[Ask, Incident, tuple[str, ...]], Awaitable[None]]

VERBS: Mapping[str, Verb] = MappingProxyType(
    {
        "severity": changes.severity,
        "status": changes.status,
        "role": changes.role,
        "resolve": changes.resolve,
        "title": changes.title,
        "follow-up": changes.follow_up,
        "done": changes.done,
    }
)
USAGES = (
    "incident list",
    "incident N",
    "incident N severity sev1",
    "incident N status identified [words]",
    "incident N role lead @sam",
    "incident N title …",
    "incident N resolve [what it was and what ended it]",
    "incident N follow-up [@owner] words [by 2026-12-01]",
    "incident N done K",
    "incident open",
)


def wants_form(words: tuple[str, ...]) -> bool:
    """Whether the form is asked for; it has to be shown at once, before anything is written."""
    return words[:1] == ("open",)


async def run(ask: Ask) -> None:
    first = ask.words[0].casefold() if ask.words else "list"
    if wants_form(ask.words):
        # As a mention: forms need a command, a button or a shortcut.
        await ask.say(Mrkdwn("Type `/badday incident open` in the channel's own field, and a form appears."))
        return
    if first == "list" or (not ask.words and ask.thread_ts is None):
        await shown.listed(ask)
        return
    if ask.words and number_of(ask.words[0]) is None and _verb(first) is None:
        await ask.say(_unknown(ask.words[0]))
        return
    found = await which(ask, "incident N …")
    if found is None:
        return
    incident, words = found
    if not words:
        await shown.whole(ask, incident)
        return
    verb = _verb(words[0].casefold())
    if verb is None:
        await ask.say(_unknown(words[0]))
        return
    await verb(ask, incident, words[1:])


def _verb(word: str) -> Verb | None:
    return VERBS.get({"followup": "follow-up", "follow_up": "follow-up", "rename": "title"}.get(word, word))


def _unknown(word: str) -> Mrkdwn:
    near = get_close_matches(word.casefold(), [*VERBS, "list", "open"], n=1)
    meant = markup(" Did you mean `{near}`?", near=near[0]) if near else Mrkdwn("")
    lines = join("\n", [markup("`/badday {usage}`", usage=usage) for usage in USAGES])
    return markup("An incident has no “{word}”.{meant} What there is:\n{lines}", word=word, meant=meant, lines=lines)


COMMAND = Command("incident", "incident list|open|N …", "Incidents: severity, status, roles, follow-ups, resolve", run)
