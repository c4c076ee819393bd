"""The direct message that pages somebody: one incident, or all that waited to be told to the same person."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.slack.blocks import (
    Actions,
    Block,
    Button,
    Context,
    Fields,
    Header,
    LinkButton,
    Message,
    Mrkdwn,
    Plain,
    Section,
    Style,
    clip,
    date,
    join,
    markup,
)
from bot.slack.messages.words import COLOUR, SEVERITY, STATE, Deed, count


@dataclass(frozen=True, slots=True)
class PagedIncident:
    number: int
    version: int
    system: str
    title: str
    severity: str
    state: str
    since: datetime
    why: str
    """Why this person: `owner of support-bot`."""
    known: str = ""
    deed: Deed | None = None
    """Who acknowledged or resolved it."""
    thread: str | None = None
    """A link to the incident's thread; None while the thread is not in Slack yet."""


@dataclass(frozen=True, slots=True)
class PageView:
    incidents: Sequence[PagedIncident]


def render(view: PageView) -> Message:
    if len(view.incidents) == 1:
        return _one(view.incidents[0])
    return _several(view.incidents)


def _one(incident: PagedIncident) -> Message:
    blocks: list[Block] = [Header(f"{SEVERITY[incident.severity]} · {incident.system}: {incident.title}")]
    if incident.known:
        blocks.append(Section(Plain(incident.known)))
    blocks.append(
        Fields((("State", _state(incident)), ("Since", date(incident.since)), ("Why you", incident.why))),
    )
    buttons = _buttons(incident, primary=True)
    if buttons:
        blocks.append(Actions(buttons))
    return Message(_sentence(incident), blocks, COLOUR[incident.state])


def _several(incidents: Sequence[PagedIncident]) -> Message:
    waiting = [one for one in incidents if one.state == "triggered"]
    title = f"{count(len(waiting), 'incident')} waiting for you" if waiting else "All of these are taken care of"
    blocks: list[Block] = [Header(f"{'▲' if waiting else '✔'} {title}")]
    for one in incidents:
        buttons = _buttons(one, primary=False)
        accessory = buttons[0] if buttons else None
        what = f"{SEVERITY[one.severity]} · {one.system}: {one.title}"
        blocks.append(Section(Plain(f"{what}\n{one.known}" if one.known else what), accessory))
        line = markup("{state} · since {since} · {why}", state=_state(one), since=date(one.since), why=one.why)
        blocks.append(Context((line,)))
    text = join(" ", [markup("{count}.", count=count(len(incidents), "page")), *map(_sentence, incidents)])
    return Message(text, blocks, COLOUR["triggered" if waiting else "acknowledged"])


def _state(incident: PagedIncident) -> Mrkdwn:
    if incident.deed is None:
        return Mrkdwn(STATE[incident.state])
    return markup("{state} {deed}", state=STATE[incident.state], deed=incident.deed.shown())


def _sentence(incident: PagedIncident) -> Mrkdwn:
    what = markup(
        "{severity} {system}: {title}.",
        severity=incident.severity.upper(),
        system=incident.system,
        title=clip(incident.title, 200),
    )
    if incident.deed is not None:
        return markup("{what} {state} by {by}.", what=what, state=STATE[incident.state][2:], by=incident.deed.by)
    return markup("Page {what} You are the {why}; please acknowledge.", what=what, why=incident.why)


def _buttons(incident: PagedIncident, *, primary: bool) -> list[Button | LinkButton]:
    value = f"inc:{incident.number}:v{incident.version}"
    buttons: list[Button | LinkButton] = []
    if incident.state == "triggered":
        style = Style.PRIMARY if primary else None
        spoken = f"Acknowledge incident {incident.number}, {incident.system}"
        buttons.append(Button("Acknowledge", "acknowledge", value, style, spoken=spoken))
    if incident.thread is not None:
        buttons.append(LinkButton("Open thread", incident.thread))
    return buttons
