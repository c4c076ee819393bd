"""The form that opens an incident by hand, empty or from a message that somebody wrote."""

import json

from bot.catalog import Catalog
from bot.incidents import incidents, notes
from bot.incidents.severity import Severity
from bot.slack.asking import Ask
from bot.slack.blocks import Input, Modal, Option, Radio, Select, TextInput, clip, markup
from bot.slack.identity import Who
from bot.slack.reading import plain, said
from bot.slack.views.look import Look

ID = "incident_open"
FROM_MESSAGE = "incident_open_from"
"""The same form, filled in with a message; its answers come back under ID."""
TITLE_LENGTH = 120
KNOWN_LENGTH = 2_000
_SEVERITIES = (
    Option("SEV1: users are hurt now; pages the owner", Severity.SEV1),
    Option("SEV2: users will notice; pages the owner", Severity.SEV2),
    Option("SEV3: worth a thread; pages nobody", Severity.SEV3),
)


async def show(look: Look, who: Who, value: str) -> Modal:
    """`value` is the message, as bot.slack.keeping carries it; it becomes the first note."""
    words = await plain(look, str(json.loads(value).get("text") or ""))
    title, _, _ = words.strip().partition("\n")
    return build(look.catalog, value, title=clip(title, TITLE_LENGTH), known=clip(words.strip(), KNOWN_LENGTH))


def build(catalog: Catalog, private_metadata: str, *, title: str = "", known: str = "") -> Modal:
    systems = [Option(name, name) for name in catalog.systems]
    return Modal(
        title="Open an incident",
        callback_id=ID,
        submit="Open incident",
        private_metadata=private_metadata,
        blocks=[
            Input("system", "Which system?", Select("value", systems, initial=systems[0])),
            Input(
                "title",
                "What is wrong?",
                TextInput("value", "Answers are empty since the last release", maximum=TITLE_LENGTH, initial=title),
                hint="One line; it becomes the title of the thread.",
            ),
            Input("severity", "How bad is it?", Radio("value", _SEVERITIES, initial=_SEVERITIES[1])),
            Input(
                "known",
                "What do you know?",
                TextInput(
                    "value",
                    "Since when, who is hit, what you tried",
                    multiline=True,
                    maximum=KNOWN_LENGTH,
                    initial=known,
                ),
                optional=True,
            ),
        ],
    )


def problems(catalog: Catalog, form: dict[str, str]) -> dict[str, str]:
    found = {}
    if len(form.get("title", "").strip()) < 3:
        found["title"] = "Say in a few words what is wrong."
    if form.get("system") not in catalog.systems:
        found["system"] = "There is no such system any more; choose another one."
    if form.get("severity") not in set(Severity):
        found["severity"] = "Choose how bad it is."
    return found


async def submit(ask: Ask) -> None:
    form = ask.form or {}
    if problems(ask.catalog, form):
        await ask.say(markup("The incident was not opened: the catalog changed meanwhile. Please open the form again."))
        return
    title = " ".join(form["title"].split())
    incident = await incidents.open_incident(
        ask.session,
        ask.catalog,
        system=form["system"],
        cause=f"manual:{ask.item}",
        title=title,
        severity=form["severity"],
        known=form.get("known", "").strip(),
        actor=ask.who.actor,
        now=ask.now,
    )
    assert incident.id is not None
    if ask.value.startswith("{"):
        message = json.loads(ask.value)
        kept = await said(ask.look, str(message["channel"]), message)
        await notes.keep(ask.session, incident.id, kept, actor=ask.who.actor, now=ask.now)
    paged = Severity(incident.severity).pages
    await ask.say(
        markup(
            "✔ Incident {number} of {system} is open; its thread is in the system's channel{paged}.",
            number=incident.id,
            system=incident.system,
            paged=markup(", and {owner} is being paged", owner=await ask.name(incident.owner)) if paged else "",
        )
    )
