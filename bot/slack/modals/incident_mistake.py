"""The form that ends an incident that was none; from the menu of its root message."""

from bot.catalog import Catalog
from bot.incidents import incidents
from bot.slack.asking import Ask, target
from bot.slack.blocks import Input, Modal, TextInput
from bot.slack.buttons.refusal import gone, too_late
from bot.slack.identity import Who
from bot.slack.modals.about import about
from bot.slack.reading import plain
from bot.slack.views.look import Look

ID = "incident_mistake"
TITLE = "It was a mistake"
SAID = "It was a mistake, no incident"


async def show(look: Look, who: Who, value: str) -> Modal:
    """`value` is the menu's, `inc:42:v3:mistake`."""
    incident, first = await about(look, value)
    if incident is None:
        return Modal(TITLE, ID, [first], close="Close")
    question = Input(
        "why",
        "Why was it none?",
        TextInput("value", "A load test, announced too late", multiline=True, maximum=1_000),
        hint="It is resolved for everybody. If the cause comes back within 30 minutes, it is opened again.",
        optional=True,
    )
    metadata = f"inc:{incident.id}:v{incident.version}"
    return Modal(TITLE, ID, [first, question], submit="Resolve", private_metadata=metadata)


def problems(_catalog: Catalog, _form: dict[str, str]) -> dict[str, str]:
    return {}


async def submit(ask: Ask) -> None:
    aim = target(ask.value)
    if aim is None or aim.what != "inc":
        await gone(ask)
        return
    why = (await plain(ask.look, (ask.form or {}).get("why", ""))).strip()
    resolution = f"{SAID}: {why}" if why else SAID
    try:
        outcome = await incidents.resolve(
            ask.session, aim.id, version=aim.version, actor=ask.who.actor, now=ask.now, resolution=resolution
        )
    except LookupError:
        await gone(ask)
        return
    if not outcome.applied:
        await too_late(ask, outcome.refusal, outcome.by, outcome.at)
