"""The message that an incident's thread hangs on; it is edited in place and always tells how things stand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from bot.slack.blocks import (
    Actions,
    Block,
    Button,
    Confirm,
    Context,
    Fields,
    Header,
    LinkButton,
    Message,
    Mrkdwn,
    Option,
    Overflow,
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
from bot.slack.messages import page
from bot.slack.messages.words import COLOUR, SEVERITY, STATE, Deed, Flapping, Source, are, count


@dataclass(frozen=True, slots=True)
class Paging:
    """What became of the page: `waiting`, `delivered`, `failed` or `unknown`; never more than Slack confirmed."""

    person: str
    outcome: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Climb:
    """What the escalation does next; `state` as in bot.paging.life."""

    state: str
    version: int
    at: datetime | None = None
    next: str = ""
    """Who is paged then; empty: nobody is left."""


@dataclass(frozen=True, slots=True)
class OfferedStep:
    """The runbook step that waits for a person, or is being worked on; `state` as in bot.runbooks.life."""

    position: int
    of: int
    title: str
    state: str


@dataclass(frozen=True, slots=True)
class CallsImpact:
    """What happened to the system's calls in the last hour; providers as the calls name them."""

    calls: int
    fell_back: Mapping[str, int]
    users: int
    nobodys: int = 0
    """Failed requests that name no user."""


@dataclass(frozen=True, slots=True)
class IncidentRootView:
    number: int
    version: int
    system: str
    title: str
    severity: str
    state: str
    owner: str
    since: datetime
    opened_by: str
    known: str = ""
    paging: Paging | None = None
    acknowledged: Deed | None = None
    recovered_at: datetime | None = None
    resolve_due: datetime | None = None
    resolved: Deed | None = None
    step: OfferedStep | None = None
    impact: CallsImpact | None = None
    more_paging: Sequence[Paging] = ()
    """The others whom the same step pages."""
    climb: Climb | None = None
    undoable: bool = False
    """Something that a step changed is still changed, and can be taken back in the thread."""
    status: str = "investigating"
    """How far people are: see bot.incidents.status."""
    roles: Sequence[tuple[str, str]] = ()
    """Role and name of whoever has it."""
    resolution: str = ""
    """What it was and what ended it, as a person said."""
    flapping: Flapping | None = None
    sources: Sequence[Source] = ()
    """From where it is known, and when that was last looked at."""


def render(view: IncidentRootView) -> Message:
    state = STATE[view.state]
    blocks: list[Block] = [Header(f"{SEVERITY[view.severity]} · {view.system}: {view.title}")]
    if view.known:
        blocks.append(Section(Plain(view.known)))
    if view.resolution:
        blocks.append(Section(markup("*What it was:* {what}", what=clip(view.resolution, 1_000))))
    if view.flapping is not None:
        blocks.append(Section(_flapping(view.flapping)))
    if view.impact is not None:
        blocks.append(Section(happened(view.impact, ended=view.state == "resolved")))
    blocks += [
        Fields(
            (
                ("Severity", SEVERITY[view.severity]),
                ("State", _state(view)),
                ("Owner", view.owner),
                ("Since", date(view.since)),
                ("Page", _page(view)),
            )
        ),
        Section(markup("*Next:* {what}", what=_next(view))),
        Context((_foot(view),)),
    ]
    if view.state != "resolved":
        blocks.append(Actions(_buttons(view)))
    text = markup(
        "{severity} {system}: {title}. {state}, owner {owner}. {known}",
        severity=view.severity.upper(),
        system=view.system,
        title=clip(view.title, 300),
        state=state[2:],
        owner=view.owner,
        known=clip(view.known, 600),
    )
    return Message(Mrkdwn(text.source.rstrip()), blocks, COLOUR[view.state])


def happened(impact: CallsImpact, *, ended: bool) -> Mrkdwn:
    """What happened to the system's calls, in one line."""
    when = "in its last hour" if ended else "in the last hour"
    if not impact.fell_back and not impact.users and not impact.nobodys:
        calls = count(impact.calls, "call")
        return markup("✔ No call fell back and no user saw an error {when} ({calls})", when=when, calls=calls)
    whom = [
        markup("*{calls}* fell back to {provider}", calls=count(calls, "call"), provider=clip(provider, 60))
        for provider, calls in list(impact.fell_back.items())[:3]
    ]
    fell = join(", ", whom) if whom else Mrkdwn("No call fell back")
    saw = markup("*{users}* saw an error", users=count(impact.users, "user"))
    unknown = count(impact.nobodys, "failed request names", "failed requests name")
    more = markup(" ({unknown} no user)", unknown=unknown) if impact.nobodys else Mrkdwn("")
    return markup("⇄ {fell} {when}, {saw}{more}", fell=fell, when=when, saw=saw, more=more)


def _flapping(seen: Flapping) -> Mrkdwn:
    if seen.until is not None:
        text = "It came and went {times}, from {since} to {until}"
        return markup(text, times=count(seen.times, "time"), since=date(seen.since), until=date(seen.until))
    text = "● *Flapping*: it came {times} since {since}. Only this message tells each time"
    return markup(text, times=count(seen.times, "time"), since=date(seen.since))


def _state(view: IncidentRootView) -> Mrkdwn:
    deed = view.resolved or view.acknowledged
    far = view.state != "resolved" and view.status != "investigating"
    state = f"{STATE[view.state]}, {view.status}" if far else STATE[view.state]
    if deed is None:
        return markup("{state}", state=state)
    return markup("{state}\n{deed}", state=state, deed=deed.shown())


def _foot(view: IncidentRootView) -> Mrkdwn:
    parts = [markup("Incident {number} · opened by {who}", number=view.number, who=view.opened_by)]
    parts += [markup("from {source}", source=one.shown()) for one in view.sources]
    parts += [markup("{role}: {who}", role=clip(role, 40), who=clip(who, 60)) for role, who in view.roles]
    return join(" · ", parts)


def _page(view: IncidentRootView) -> Mrkdwn:
    lines = [_paged(one) for one in (view.paging, *view.more_paging)]
    if view.state == "triggered" and view.climb is not None:
        lines.append(_then(view.climb))
    return join("\n", lines)


def _then(climb: Climb) -> Mrkdwn:
    if climb.state == "exhausted" or climb.at is None:
        return Mrkdwn("✖ nobody is left to be paged")
    if climb.state in ("snoozed", "suspended"):
        word = "snoozed" if climb.state == "snoozed" else "silenced"
        return markup("{word} until {at}", word=word, at=clock_time(climb.at))
    return markup("then {next} at {at}", next=climb.next or "this channel is told", at=clock_time(climb.at))


def _paged(paging: Paging | None) -> Mrkdwn:
    match paging:
        case None:
            return Mrkdwn("Nobody: this severity only tells the thread")
        case Paging(person, "delivered", datetime() as at):
            return markup("{person} paged {at}", person=person, at=date(at))
        case Paging(person, "failed", _):
            return markup("✖ {person} could *not* be paged, see the thread", person=person)
        case Paging(person, "declined", _):
            return markup("{person} cannot take it", person=person)
        case Paging(person, "unknown", _):
            return markup("It is not known yet whether {person} was reached", person=person)
        case Paging(person):
            return markup("On its way to {person}", person=person)


def _next(view: IncidentRootView) -> Mrkdwn:
    if view.state == "resolved":
        return Mrkdwn("nothing; what was switched can be undone in the thread" if view.undoable else "nothing")
    if view.recovered_at is not None and view.resolve_due is not None:
        return markup("it recovered, and resolves itself {at} if that holds", at=date(view.resolve_due))
    if view.step is not None:
        where = markup("step {n} of {of}, *{title}*", n=view.step.position, of=view.step.of, title=view.step.title)
        return markup("{where}, {state}", where=where, state=_STEP.get(view.step.state, "in the thread"))
    if view.state == "triggered" and view.climb is not None:
        return _climbs(view.climb)
    if view.state == "triggered":
        return markup("{owner} acknowledges, or anybody who takes it on", owner=view.owner)
    return Mrkdwn("tell the thread what you find; resolve it when it is over")


def _climbs(climb: Climb) -> Mrkdwn:
    if climb.state == "exhausted" or climb.at is None:
        return Mrkdwn("nobody acknowledged and nobody else is paged by itself; acknowledge it, or escalate by hand")
    if climb.state in ("snoozed", "suspended"):
        word = "snoozed" if climb.state == "snoozed" else "silenced"
        return markup("{word}; pages again {at}", word=word, at=date(climb.at))
    if not climb.next:
        return markup("somebody acknowledges by {at}, or this channel is told that nobody did", at=date(climb.at))
    return markup("somebody acknowledges by {at}, or {next} paged", at=date(climb.at), next=are(climb.next))


_STEP: Mapping[str, str] = MappingProxyType(
    {
        "offered": "waits for a click in the thread",
        "dry_run": "was shown as a dry run, see the thread",
        "ready": "is about to run",
        "running": "is running",
        "failed": "failed, see the thread",
        "unknown": "needs an answer in the thread: did it happen?",
        "undo_ready": "is about to be undone",
        "undoing": "is being undone",
        "undo_failed": "could not be undone, see the thread",
        "undo_unknown": "needs an answer in the thread: was it undone?",
    }
)


def _buttons(view: IncidentRootView) -> list[Button | LinkButton | Select | Overflow]:
    value = f"inc:{view.number}:v{view.version}"
    resolve = page.resolve(view.number, view.version, view.system)
    if view.state == "triggered":
        acknowledge = Button(
            "Acknowledge", "acknowledge", value, Style.PRIMARY, spoken=f"Acknowledge incident {view.number}"
        )
        return [acknowledge, *_escalation_buttons(view), resolve, _more(value, view)]
    return [resolve, _more(value, view)]


def _more(value: str, view: IncidentRootView) -> Overflow:
    """What is seldom done; each asks in a form before anything happens."""
    options = [Option("Change severity…", f"{value}:severity")]
    if view.climb is not None:
        options.append(Option("Hand over to…", f"{value}:hand_over"))
    return Overflow("incident_more", [*options, Option("It was a mistake…", f"{value}:mistake")])


def _escalation_buttons(view: IncidentRootView) -> list[Button | Select]:
    if view.climb is None:
        return []
    value = f"esc:{view.number}:v{view.climb.version}"
    whom = view.climb.next or "everybody from the first step on"
    escalate = Button(
        "Escalate now",
        "escalate_now",
        value,
        confirm=Confirm("Escalate now?", f"This pages {whom} at once.", "Escalate"),
        spoken=f"Escalate incident {view.number} now",
    )
    return [escalate, page.snooze(value)]
