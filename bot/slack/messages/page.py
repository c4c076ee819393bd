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
from bot.slack.messages.words import COLOUR, SEVERITY, STATE, Deed, Source, are, count

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
    sources: Sequence[Source] = ()
    """From where it is known, and when that was last looked at."""


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
                ("System", incident.system),
                ("State", _state(incident)),
                ("Since", date(incident.since)),
                ("Why you", incident.why),
                *_deadline(incident),
            )
        ),
    )
    if incident.told:
        blocks.append(Context([Plain(one) for one in incident.told]))
    foot = [markup("Incident {number}", number=incident.number)]
    foot += [markup("from {source}", source=one.shown()) for one in incident.sources]
    blocks.append(Context((join(" · ", foot),)))
    shown = buttons(incident, style=Style.PRIMARY)
    if shown:
        blocks.append(Actions(shown))
    return Message(_sentence(incident), blocks, COLOUR[incident.state])


def _several(incidents: Sequence[PagedIncident]) -> Message:
    waiting = [one for one in incidents if one.state == "triggered"]
    title = f"{count(len(waiting), 'incident')} waiting for you" if waiting else "All of these are taken care of"
    blocks: list[Block] = [Header(f"{'▲' if waiting else '✔'} {title}")]
    for one in incidents:
        accessory = _accessory(one)
        what = f"{SEVERITY[one.severity]} · {one.system}: {one.title}"
        blocks.append(Section(Plain(f"{what}\n{one.known}" if one.known else what), accessory))
        blocks.append(Context((standing(one),)))
    text = join(" ", [markup("{count}.", count=count(len(incidents), "page")), *map(_sentence, incidents)])
    return Message(text, blocks, COLOUR["triggered" if waiting else "acknowledged"])


def standing(incident: PagedIncident) -> Mrkdwn:
    """How a page stands, in one line."""
    state, since = _state(incident), date(incident.since)
    line = markup("{state} · since {since} · {why}", state=state, since=since, why=incident.why)
    told = [markup("{what} {when}", what=label.lower(), when=when) for label, when in _deadline(incident)]
    return join(" · ", [line, *told])


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


def buttons(incident: PagedIncident, *, style: Style | None) -> list[Button | LinkButton | Select]:
    """What the paged person can do; `style` is that of the button to be clicked first."""
    shown: list[Button | LinkButton | Select] = []
    if incident.state == "triggered":
        shown += [_acknowledge(incident, style), *_escalation_buttons(incident)]
    elif incident.state == "acknowledged":
        shown.append(resolve(incident.number, incident.version, incident.system))
    if incident.thread is not None:
        shown.append(LinkButton("Open thread", incident.thread))
    return shown


def _accessory(incident: PagedIncident) -> Button | LinkButton | None:
    """The one button beside a page of several."""
    if incident.state == "triggered":
        return _acknowledge(incident, None)
    return LinkButton("Open thread", incident.thread) if incident.thread is not None else None


def _acknowledge(incident: PagedIncident, style: Style | None) -> Button:
    value = f"inc:{incident.number}:v{incident.version}"
    spoken = f"Acknowledge incident {incident.number}, {incident.system}"
    return Button("Acknowledge", "acknowledge", value, style, spoken=spoken)


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
