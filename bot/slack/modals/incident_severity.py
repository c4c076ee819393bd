"""The form that changes how grave an incident is, from the menu of its root message."""

from bot.catalog import Catalog
from bot.incidents import changes
from bot.incidents.severity import Severity
from bot.slack.asking import Ask, target
from bot.slack.blocks import Input, Modal, Option, Radio
from bot.slack.buttons.refusal import gone, too_late
from bot.slack.identity import Who
from bot.slack.modals.about import about
from bot.slack.views.look import Look

ID = "incident_severity"
TITLE = "Change the severity"
_OPTIONS = {
    Severity.SEV1: Option("SEV1: users are hurt now; pages", Severity.SEV1),
    Severity.SEV2: Option("SEV2: users will notice; pages", Severity.SEV2),
    Severity.SEV3: Option("SEV3: worth a thread; nobody is paged any more", Severity.SEV3),
}


async def show(look: Look, who: Who, value: str) -> Modal:
    """`value` is the menu's, `inc:42:v3:severity`."""
    incident, first = await about(look, value)
    if incident is None:
        return Modal(TITLE, ID, [first], close="Close")
    radio = Radio("value", list(_OPTIONS.values()), initial=_OPTIONS[Severity(incident.severity)])
    question = Input("severity", "How bad is it?", radio, hint="What was found does not change it back, unless graver.")
    metadata = f"inc:{incident.id}:v{incident.version}"
    return Modal(TITLE, ID, [first, question], submit="Change", private_metadata=metadata)


def problems(_catalog: Catalog, form: dict[str, str]) -> dict[str, str]:
    return {} if form.get("severity") in set(Severity) else {"severity": "Choose how bad it is."}


async def submit(ask: Ask) -> None:
    aim = target(ask.value)
    if aim is None or aim.what != "inc":
        await gone(ask)
        return
    wanted = Severity((ask.form or {})["severity"])
    try:
        outcome = await changes.set_severity(
            ask.session, ask.catalog, aim.id, severity=wanted, actor=ask.who.actor, now=ask.now
        )
    except LookupError:
        await gone(ask)
        return
    if not outcome.applied:
        await too_late(ask, outcome.refusal, outcome.by, outcome.at)
