"""`/badday run RUNBOOK [SYSTEM] [name=value …]`: starts a runbook, in the open incident or in its own."""

from collections.abc import Sequence
from difflib import get_close_matches

from bot.catalog import System
from bot.incidents import incidents
from bot.runbooks import runs
from bot.runbooks.inputs import InputError
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
        # A wrong value must not leave an incident without its runbook behind.
        async with ask.session.begin_nested():
            incident = await _incident(ask, runbook, names[1:], provider)
            if incident is None:
                return
            await runs.start_by_hand(
                *(ask.session, library, ask.catalog, incident, runbook.name),
                inputs=given,
                actor=ask.who.actor,
                now=ask.now,
            )
    except InputError as error:
        await ask.say(markup("{why}. Nothing was started.", why=str(error)))
        return
    await ask.say(
        markup(
            "✔ Runbook {name} is in the thread of incident {number} ({system}).",
            name=runbook.name,
            number=incident.id or 0,
            system=incident.system,
        )
    )


async def _incident(ask: Ask, runbook: Runbook, names: Sequence[str], provider: str | None) -> Incident | None:
    """The incident to run it in; None when the person was told what is missing."""
    here = await incident_of(ask.session, ask.channel, ask.thread_ts)
    if here is not None and not names:
        return await incidents.get(ask.session, here)
    system = await _system(ask, runbook, names)
    if system is None:
        return None
    open_now = await incidents.open_incidents(ask.session, system.name)
    fitting = [one for one in open_now if provider is None or one.provider == provider]
    if len(fitting) == 1:
        return fitting[0]
    if len(fitting) > 1:
        known = ", ".join(f"{one.id} ({one.title})" for one in fitting[:10])
        await ask.say(markup("Several incidents are open: {known}. Type it in the thread of one of them.", known=known))
        return None
    return await incidents.open_incident(
        ask.session,
        ask.catalog,
        system=system.name,
        cause=f"run:{runbook.name}",
        title=runbook.summary,
        severity=runbook.severity or "sev2",
        known="",
        actor=ask.who.actor,
        now=ask.now,
        provider=provider,
    )


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
