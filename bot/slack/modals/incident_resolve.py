"""The form behind the Resolve button: what it was, what ended it, and what is to be done afterwards; all optional."""

from typing import LiteralString

from bot.catalog import Catalog
from bot.incidents import follow_ups, incidents
from bot.incidents.follow_ups import LONGEST
from bot.slack.asking import Ask, target
from bot.slack.blocks import Block, Input, Modal, Mrkdwn, Section, TextInput, clip, clock_time, markup
from bot.slack.buttons.refusal import gone, too_late
from bot.slack.identity import Who
from bot.slack.messages.words import SEVERITY, STATE
from bot.slack.reading import plain
from bot.slack.views.look import Look
from bot.store.tables import Incident

ID = "incident_resolve"
TITLE = "Resolve the incident"
_GONE = Mrkdwn("This button belongs to something that does not exist any more. Nothing was changed.")


async def show(look: Look, who: Who, value: str) -> Modal:
    """`value` is the button's; the form shows the incident as it is now, so an old button does no harm."""
    aim = target(value)
    incident = await incidents.get(look.session, aim.id) if aim is not None and aim.what == "inc" else None
    if incident is None:
        return Modal(TITLE, ID, [Section(_GONE)], close="Close")
    if incident.resolved_at is not None:
        by = await look.name(incident.resolved_by or "badday")
        text = "Incident {n} was already resolved by {by} at {at}. Nothing was changed."
        said = markup(text, n=incident.id or 0, by=by, at=clock_time(incident.resolved_at))
        return Modal(TITLE, ID, [Section(said)], close="Close")
    return Modal(
        title=TITLE,
        callback_id=ID,
        submit="Resolve",
        private_metadata=f"inc:{incident.id}:v{incident.version}",
        blocks=[Section(_effect(incident)), *_questions()],
    )


def problems(_catalog: Catalog, form: dict[str, str]) -> dict[str, str]:
    follow_up = form.get("follow_up", "").strip()
    return {"follow_up": "Say in a few words what is to be done."} if 0 < len(follow_up) < 3 else {}


async def submit(ask: Ask) -> None:
    aim = target(ask.value)
    if aim is None or aim.what != "inc":
        await gone(ask)
        return
    form = {name: (await plain(ask.look, answer)).strip() for name, answer in (ask.form or {}).items()}
    try:
        outcome = await incidents.resolve(
            ask.session,
            aim.id,
            version=aim.version,
            actor=ask.who.actor,
            now=ask.now,
            resolution=_resolution(form.get("what", ""), form.get("ended", "")),
        )
    except LookupError:
        await gone(ask)
        return
    if not outcome.applied:
        await too_late(ask, outcome.refusal, outcome.by, outcome.at)
        return
    if form.get("follow_up"):
        actor = ask.who.actor
        await follow_ups.add(
            ask.session, aim.id, text=form["follow_up"], owner=actor, due=None, actor=actor, now=ask.now
        )


def _resolution(what: str, ended: str) -> str:
    """Both answers as one text."""
    return "\n".join(part for part in (what, f"Ended by: {ended}" if ended else "") if part)


def _effect(incident: Incident) -> Mrkdwn:
    return markup(
        "{severity} · {system}: *{title}*, {state}. Incident {n} ends for everybody. If the same cause comes back "
        "within 30 minutes, its thread is opened again.",
        severity=SEVERITY[incident.severity],
        system=incident.system,
        title=clip(incident.title, 300),
        state=STATE[incident.state],
        n=incident.id or 0,
    )


def _questions() -> list[Block]:
    return [
        _question("what", "What was it?", "The provider refused long prompts since its release", multiline=True),
        _question("ended", "What ended it?", "Moved chat to the standby", multiline=True),
        _question("follow_up", "What is to be done afterwards?", "Raise the limit with the provider", maximum=LONGEST),
    ]


def _question(
    name: str, label: LiteralString, example: LiteralString, *, multiline: bool = False, maximum: int = 1500
) -> Input:
    hint = "It becomes a follow-up of yours." if name == "follow_up" else ""
    return Input(name, label, TextInput("value", example, multiline, maximum), hint=hint, optional=True)
