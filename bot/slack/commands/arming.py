"""What `arm` and `disarm` share: which system is meant, and whether the person may say so."""

from difflib import get_close_matches

from bot.catalog.models import System
from bot.slack.asking import Ask
from bot.slack.blocks import join, markup


async def chosen(ask: Ask, verb: str) -> System | None:
    """The system that was named; None after the person was told why it cannot be done."""
    systems = ask.catalog.systems
    names = join(", ", [markup("`{name}`", name=name) for name in systems])
    if not ask.words:
        await ask.say(markup("Which system? `/badday {verb} SYSTEM`; there are: {names}", verb=verb, names=names))
        return None
    system = systems.get(ask.words[0])
    if system is None:
        near = get_close_matches(ask.words[0], systems, n=1)
        known = markup("there are: {names}", names=names)
        meant = markup("did you mean `/badday {verb} {name}`?", verb=verb, name=near[0]) if near else known
        await ask.say(markup("There is no system “{name}”; {meant}", name=ask.words[0], meant=meant))
        return None
    if ask.who.person not in (system.owner, *system.deputies):
        people = [await ask.name(person) for person in (system.owner, *system.deputies)]
        await ask.say(
            markup(
                "Only its owner or a deputy can {verb} {system}: {people}. Nothing was changed.",
                verb=verb,
                system=system.name,
                people=", ".join(people),
            )
        )
        return None
    return system
