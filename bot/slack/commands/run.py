"""`/badday run RUNBOOK [SYSTEM] [name=value …]`: starts a runbook, in the open incident or in its own."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from bot.catalog import System
from bot.incidents import incidents
from bot.runbooks import by_hand, runs
from bot.runbooks.by_hand import SeveralIncidentsError
from bot.runbooks.inputs import InputError
from bot.runbooks.library import Library
from bot.runbooks.schema import Runbook
from bot.slack.asking import Ask
from bot.slack.blocks import join, markup
from bot.slack.commands.command import Command
from bot.slack.threads import incident_of
from bot.store.tables import Incident

PROVIDER = "provider"


async def run(ask: Ask) -> None:
    names = [word for word in ask.words if "=" not in word]
    given = dict(word.split("=", 1) for word in ask.words if "=" in word)
    library = ask.library()
    if not names or names[0] not in library.runbooks:
        await _which_runbook(ask, names[0] if names else None, list(library.runbooks))
        return
    runbook = library.runbooks[names[0]].runbook
    provider = given.pop(PROVIDER, None) if PROVIDER not in runbook.inputs else None
    if provider is not None and provider not in ask.catalog.providers:
        known = ", ".join(ask.catalog.providers)
        await ask.say(markup("There is no provider “{name}”; there are: {known}", name=provider, known=known))
        return
    try:
        incident = await _started(ask, library, runbook, names[1:], provider, given)
    except SeveralIncidentsError as error:
        known = ", ".join(f"{number} ({title})" for number, title in error.incidents)
        await ask.say(markup("Several incidents are open: {known}. Type it in the thread of one of them.", known=known))
        return
    except InputError as error:
        await ask.say(markup("{why}. Nothing was started.", why=str(error)))
        return
    if incident is None:
        return
    await ask.say(
        markup(
            "✔ Runbook {name} is in the thread of incident {number} ({system}).",
            name=runbook.name,
            number=incident.id or 0,
            system=incident.system,
        )
    )


async def _started(
    ask: Ask, library: Library, runbook: Runbook, names: Sequence[str], provider: str | None, given: Mapping[str, str]
) -> Incident | None:
    """The incident that it runs in; None when the person was told what is missing."""
    here = await incident_of(ask.session, ask.channel, ask.thread_ts)
    incident = await incidents.get(ask.session, here) if here is not None and not names else None
    if incident is not None:
        await runs.start_by_hand(
            *(ask.session, library, ask.catalog, incident, runbook.name),
            inputs=given,
            actor=ask.who.actor,
            now=ask.now,
        )
        return incident
    system = await _system(ask, runbook, names)
    if system is None:
        return None
    incident, _ = await by_hand.start(
        *(ask.session, library, ask.catalog, runbook.name),
        system=system.name,
        provider=provider,
        inputs=given,
        actor=ask.who.actor,
        now=ask.now,
    )
    return incident


async def _system(ask: Ask, runbook: Runbook, names: Sequence[str]) -> System | None:
    systems = ask.catalog.systems
    if names and names[0] in systems:
        return systems[names[0]]
    if not names and len(systems) == 1:
        return next(iter(systems.values()))
    known = join(", ", [markup("`{name}`", name=name) for name in systems])
    wrong = markup("There is no system “{name}”. ", name=names[0]) if names else markup("For which system? ")
    await ask.say(
        markup(
            "{wrong}`/badday run {runbook} SYSTEM`; there are: {known}", wrong=wrong, runbook=runbook.name, known=known
        )
    )
    return None


async def _which_runbook(ask: Ask, typed: str | None, known: Sequence[str]) -> None:
    names = join(", ", [markup("`{name}`", name=name) for name in sorted(known)])
    if typed is None:
        await ask.say(markup("Which runbook? `/badday run RUNBOOK [SYSTEM]`; there are: {names}", names=names))
        return
    near = get_close_matches(typed, known, n=1)
    meant = markup("did you mean `{name}`?", name=near[0]) if near else markup("there are: {names}", names=names)
    await ask.say(markup("There is no runbook “{name}”; {meant}", name=typed, meant=meant))


COMMAND = Command("run", "run RUNBOOK [SYSTEM] [name=value …]", "Start a runbook by hand", run)
