"""The direct message that pages somebody: one incident, or all that waited to be told to the same person."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString

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
    Option,
    Plain,
    Section,
    Select,
    Style,
    clip,
    clock_time,
    date,
    join,
    markup,
)
from bot.slack.messages.words import COLOUR, SEVERITY, STATE, Deed, are, count

SNOOZES = (15, 30, 60)
"""Minutes."""


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
    escalation: int | None = None
    """The version of the escalation, for its buttons; None where nothing climbs."""
    deadline: datetime | None = None
    """By when to acknowledge."""
    next_name: str = ""
    """Who is paged then; empty: the channel is told that nobody acknowledged."""
    snoozed: Deed | None = None
    """Who snoozed it; `deadline` is then when it pages again."""
    silenced: bool = False
    """Not snoozed but silenced, with the whole system or its cause."""
    told: Sequence[str] = ()
    """What else was tried, for example that an e-mail went out because they are in Do Not Disturb."""


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
        Fields(
            (
                ("State", _state(incident)),
                ("Since", date(incident.since)),
                ("Why you", incident.why),
                *_deadline(incident),
            )
        ),
    )
    if incident.told:
        blocks.append(Context([Plain(one) for one in incident.told]))
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
        accessory = buttons[0] if buttons and not isinstance(buttons[0], Select) else None
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
    if incident.snoozed is not None and incident.deadline is not None:
        word = "Silenced" if incident.silenced else "Snoozed"
        return markup("{what} {word} until {at}.", what=what, word=word, at=clock_time(incident.deadline))
    if incident.deadline is None:
        return markup("Page {what} You: {why}; please acknowledge.", what=what, why=incident.why)
    then = "the channel is told that nobody acknowledged"
    return markup(
        "Page {what} Acknowledge by {at} or {then}. You: {why}.",
        what=what,
        at=clock_time(incident.deadline),
        then=f"{are(incident.next_name)} paged" if incident.next_name else then,
        why=incident.why,
    )


def _deadline(incident: PagedIncident) -> list[tuple[LiteralString, str | Mrkdwn]]:
    if incident.state != "triggered" or incident.deadline is None:
        return []
    if incident.snoozed is not None:
        return [("Pages again", date(incident.deadline))]
    whom = incident.next_name or "the channel is told"
    return [("Escalates", markup("{at} to {whom}", at=date(incident.deadline), whom=whom))]


def _buttons(incident: PagedIncident, *, primary: bool) -> list[Button | LinkButton | Select]:
    value = f"inc:{incident.number}:v{incident.version}"
    buttons: list[Button | LinkButton | Select] = []
    if incident.state == "triggered":
        style = Style.PRIMARY if primary else None
        spoken = f"Acknowledge incident {incident.number}, {incident.system}"
        buttons.append(Button("Acknowledge", "acknowledge", value, style, spoken=spoken))
        buttons += _escalation_buttons(incident)
    elif incident.state == "acknowledged" and primary:
        buttons.append(resolve(incident.number, incident.version, incident.system))
    if incident.thread is not None:
        buttons.append(LinkButton("Open thread", incident.thread))
    return buttons


def _escalation_buttons(incident: PagedIncident) -> list[Button | LinkButton | Select]:
    if incident.escalation is None:
        return []
    value = f"esc:{incident.number}:v{incident.escalation}"
    spoken = f"Cannot take incident {incident.number}, {incident.system}"
    return [Button("Can't take it", "cannot_take_it", value, spoken=spoken), snooze(value)]


def snooze(value: str) -> Select:
    """The list of lengths; `value` is the escalation's, `esc:42:v3`."""
    options = [Option(f"{minutes} minutes", f"{value}:{minutes}") for minutes in SNOOZES]
    return Select("snooze", options, placeholder="Snooze")


def resolve(number: int, version: int, system: str) -> Button:
    """The button that ends an incident for everybody."""
    return Button(
        "Resolve",
        "resolve",
        f"inc:{number}:v{version}",
        spoken=f"Resolve incident {number}",
    )
