"""`/badday page WHO [words]`: pages a person or a system's people by hand.

In an incident's thread, or with its number among the words, it pages one more person about that incident; otherwise it
opens an incident, which climbs like any other.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

from bot.catalog import Catalog
from bot.catalog.models import Person, System
from bot.incidents import incidents
from bot.paging import escalation
from bot.slack.asking import Ask
from bot.slack.blocks import Mrkdwn, markup
from bot.slack.buttons.refusal import too_late
from bot.slack.commands import page_test, people
from bot.slack.commands.command import Command
from bot.slack.threads import incident_of

USAGE = "page WHO [WORDS]"
_NUMBER = re.compile(r"#(?P<number>\d+)")
SEVERITY = "sev2"

FURTHER: Mapping[str, Callable[[Ask], Awaitable[None]]] = MappingProxyType({"test": page_test.run})
"""Words that stand in the person's place, for example `test`."""


async def run(ask: Ask) -> None:
    if ask.words and ask.words[0].casefold() in FURTHER:
        await FURTHER[ask.words[0].casefold()](ask)
        return
    if not ask.words:
        await ask.say(Mrkdwn("Whom? `/badday page maria the bot insults people` or `/badday page support-bot …`."))
        return
    person = await people.person(ask, ask.words[0])
    number, words = _incident_and_words(ask.words[1:])
    number = number or await incident_of(ask.session, ask.channel, ask.thread_ts)
    if person is not None and number is not None:
        await _also(ask, person, number, words)
        return
    system = ask.catalog.systems.get(ask.words[0]) if person is None else _system_of(ask, person)
    if system is None:
        await ask.say(_unknown(ask.catalog, ask.words[0], person))
        return
    await _open(ask, system, person, words)


async def _also(ask: Ask, person: Person, number: int, words: str) -> None:
    try:
        outcome = await escalation.page_also(
            ask.session, ask.catalog, number, person.key, actor=ask.who.actor, why=words, now=ask.now
        )
    except LookupError:
        await ask.say(markup("There is no incident {number}. Open ones: `/badday status`.", number=number))
        return
    if not outcome.applied:
        await too_late(ask, outcome.refusal, outcome.by, outcome.at)
        return
    await ask.say(markup("Paging {name} about incident {number}.", name=person.name, number=number))


async def _open(ask: Ask, system: System, person: Person | None, words: str) -> None:
    incident = await incidents.open_incident(
        ask.session,
        ask.catalog,
        system=system.name,
        cause=f"page:{ask.item}",
        title=words or f"{ask.who.name} asks for help",
        severity=SEVERITY,
        known=f"Paged by {ask.who.name}" if words else "",
        actor=ask.who.actor,
        page_first=(f"person:{person.key}",) if person is not None else (),
        now=ask.now,
    )
    whom = person.name if person is not None else f"the people of {system.name}"
    text = "Paging {whom}: incident {number} in #{channel}. It climbs until somebody acknowledges."
    await ask.say(markup(text, whom=whom, number=incident.id or 0, channel=incident.channel))


def _incident_and_words(words: tuple[str, ...]) -> tuple[int | None, str]:
    """`#42 look at this`: the number of an incident where the first word is one, and the rest."""
    number = _NUMBER.fullmatch(words[0]) if words else None
    return (int(number["number"]), " ".join(words[1:])) if number is not None else (None, " ".join(words))


def _system_of(ask: Ask, person: Person) -> System | None:
    """The system that a page of a person is about: one that is theirs, or the only one."""
    systems = list(ask.catalog.systems.values())
    theirs = [one for one in systems if person.key == one.owner]
    theirs += [one for one in systems if person.key in one.deputies]
    return next(iter(theirs), systems[0] if len(systems) == 1 else None)


def _unknown(catalog: Catalog, typed: str, person: Person | None) -> Mrkdwn:
    if person is not None:
        return markup(
            "Which system is it about? {name} owns none; type `/badday page SYSTEM …`. There are: {systems}.",
            name=person.name,
            systems=", ".join(sorted(catalog.systems)),
        )
    return markup(
        "There is neither a person nor a system “{typed}”. People: {people}. Systems: {systems}.",
        typed=typed,
        people=", ".join(sorted(catalog.people)),
        systems=", ".join(sorted(catalog.systems)),
    )


COMMAND = Command("page", USAGE, "Page somebody by hand: a person or a system's people", run)
