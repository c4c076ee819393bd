"""The form that hands an incident over to somebody, who is paged at once; from the menu of its root message."""

from bot.catalog import Catalog
from bot.paging import escalation
from bot.slack.asking import Ask, target
from bot.slack.blocks import Input, Modal, Option, Select
from bot.slack.buttons.refusal import gone, too_late
from bot.slack.identity import Who
from bot.slack.modals.about import about
from bot.slack.views.look import Look

ID = "incident_hand_over"
TITLE = "Hand over"


async def show(look: Look, who: Who, value: str) -> Modal:
    """`value` is the menu's, `inc:42:v3:hand_over`."""
    incident, first = await about(look, value)
    people = [Option(one.name, one.key) for one in look.catalog.people.values() if one.key != who.person]
    if incident is None or not people:
        return Modal(TITLE, ID, [first], close="Close")
    question = Input(
        "person",
        "Who takes it?",
        Select("value", people, placeholder="Choose somebody"),
        hint="They are paged at once; an acknowledgement of yours is taken back.",
    )
    metadata = f"inc:{incident.id}:v{incident.version}"
    return Modal(TITLE, ID, [first, question], submit="Hand over", private_metadata=metadata)


def problems(catalog: Catalog, form: dict[str, str]) -> dict[str, str]:
    return {} if form.get("person") in catalog.people else {"person": "Choose somebody who is in badday.yaml."}


async def submit(ask: Ask) -> None:
    aim = target(ask.value)
    to = (ask.form or {}).get("person", "")
    if aim is None or aim.what != "inc" or to not in ask.catalog.people:
        await gone(ask)
        return
    try:
        outcome = await escalation.hand_over(
            ask.session, ask.catalog, aim.id, to=to, actor=ask.who.actor, version=None, now=ask.now
        )
    except LookupError:
        await gone(ask)
        return
    if not outcome.applied:
        await too_late(ask, outcome.refusal, outcome.by, outcome.at)
