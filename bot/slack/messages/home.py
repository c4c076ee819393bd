"""App Home: what waits for the person who opened it, open incidents, who is on call, and how the systems stand."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from types import MappingProxyType

from bot.slack.blocks import (
    Actions,
    Block,
    Button,
    Context,
    Header,
    Home,
    LinkButton,
    Mrkdwn,
    Plain,
    Section,
    Style,
    clip,
    date,
    join,
    markup,
)
from bot.slack.messages import page
from bot.slack.messages.changes import ChangeLine, Frozen, home_blocks
from bot.slack.messages.page import PagedIncident
from bot.slack.messages.status import RouteLine
from bot.slack.messages.who import ShiftLine
from bot.slack.messages.words import SEVERITY, STATE, count

PAGES = 5
INCIDENTS = 10
ON_CALL = 15
FOLLOW_UPS = 5
SYSTEMS = 10
MOST_BLOCKS = 60
"""Slack takes 100; nobody reads so many."""


class Health(IntEnum):
    """How a system stands; the greatest is the worst."""

    HEALTHY = 0
    NOT_KNOWN = 1
    IMPAIRED = 2
    FAILING = 3


HEALTH: Mapping[Health, str] = MappingProxyType(
    {
        Health.HEALTHY: "✔ Healthy",
        Health.NOT_KNOWN: "○ Not known",
        Health.IMPAIRED: "● Impaired",
        Health.FAILING: "✖ Failing",
    }
)


@dataclass(frozen=True, slots=True)
class HomeIncident:
    number: int
    system: str
    title: str
    severity: str
    state: str
    since: datetime
    owner: str
    mine: bool = False
    thread: str | None = None


@dataclass(frozen=True, slots=True)
class OnCallLine:
    """Who is on call for a system, or in a rotation that no system names; None: nobody."""

    what: str
    shift: ShiftLine | None


@dataclass(frozen=True, slots=True)
class HealthLine:
    name: str
    owner: str
    armed: bool
    health: Health
    reasons: Sequence[str] = ()
    """What speaks against it, the worst first; without numbers, which would be old as soon as they are shown."""
    routes: Sequence[RouteLine] = ()


@dataclass(frozen=True, slots=True)
class FollowUpLine:
    incident: int
    number: int
    """Within its incident."""
    text: str
    due: datetime | None = None


@dataclass(frozen=True, slots=True)
class Personal:
    """What is about the person alone."""

    pages: Sequence[PagedIncident] = ()
    shift: ShiftLine | None = None
    """The shift that goes on now."""
    next_shift: ShiftLine | None = None
    paged_first_for: Sequence[str] = ()
    """Systems that page them first as things stand."""
    follow_ups: Sequence[FollowUpLine] = ()


@dataclass(frozen=True, slots=True)
class HomeView:
    at: datetime
    user: str
    """The Slack user's id."""
    personal: Personal | None = None
    """None for somebody who is not in the catalog."""
    incidents: Sequence[HomeIncident] = ()
    on_call: Sequence[OnCallLine] = ()
    systems: Sequence[HealthLine] = ()
    changes: Sequence[ChangeLine] = ()
    """What is still switched."""
    frozen: Frozen | None = None


def render(view: HomeView) -> Home:
    """The mark stays the same for as long as nothing but the time changes."""
    blocks = _blocks(view)
    mark = hashlib.sha256(json.dumps([block.json() for block in blocks], sort_keys=True).encode()).hexdigest()
    return Home([*blocks, Context((markup("As of {at}", at=date(view.at)),))], mark)


def _blocks(view: HomeView) -> list[Block]:
    mine = view.personal
    waiting = mine is not None and any(one.state == "triggered" for one in mine.pages)
    blocks: list[Block] = _pages(mine.pages) if mine is not None else [Section(_stranger(view.user))]
    blocks += _incidents(view.incidents, primary=not waiting)
    blocks += home_blocks(view.changes, view.frozen)
    blocks += [Header("On call now"), Section(_on_call(view.on_call))]
    if mine is not None:
        blocks.append(Section(_shifts(mine)))
        blocks += _follow_ups(mine.follow_ups)
    return [*blocks, *_systems(view.systems)]


def _stranger(user: str) -> Mrkdwn:
    return markup(
        "*Badday does not know you yet.* Nobody among `people` in badday.yaml has your e-mail address or "
        "`slack: {user}`. Add yourself there, and your pages, shifts and follow-ups stand here. "
        "Everything below is for everybody.",
        user=user,
    )


def _pages(pages: Sequence[PagedIncident]) -> list[Block]:
    blocks: list[Block] = [Header("My pages")]
    if not pages:
        blocks.append(Section(Mrkdwn("✔ None. Nobody waits for you.")))
    first = next((one.number for one in pages if one.state == "triggered"), None)
    for one in pages[:PAGES]:
        # One button of a view is the obvious one: what has waited for them longest.
        buttons = page.buttons(one, style=Style.PRIMARY if one.number == first else None)
        blocks.append(Section(Plain(f"{SEVERITY[one.severity]} · {one.system}: {one.title}")))
        blocks.append(Context((page.standing(one),)))
        blocks.append(Actions(buttons))
    if len(pages) > PAGES:
        blocks.append(Context((markup("{more} more in your direct messages", more=len(pages) - PAGES),)))
    return blocks


def _incidents(incidents: Sequence[HomeIncident], *, primary: bool) -> list[Block]:
    blocks: list[Block] = [Header("Open incidents")]
    if not incidents:
        blocks.append(Section(Mrkdwn("✔ None. Nothing needs you.")))
    for one in incidents[:INCIDENTS]:
        title = Plain(f"{SEVERITY[one.severity]} · {one.system}: {one.title}")
        blocks.append(Section(title, LinkButton("Open thread", one.thread) if one.thread is not None else None))
        owner = f"{one.owner} (you)" if one.mine else one.owner
        line = "{state} · since {at} · owner {owner} · incident {number}"
        blocks.append(
            Context((markup(line, state=STATE[one.state], at=date(one.since), owner=owner, number=one.number),))
        )
    if len(incidents) > INCIDENTS:
        blocks.append(Context((markup("{more} more in their channels", more=len(incidents) - INCIDENTS),)))
    style = Style.PRIMARY if primary else None
    return [*blocks, Actions((Button("Open incident", "open_incident", "home", style),))]


def _on_call(lines: Sequence[OnCallLine]) -> Mrkdwn:
    shown = [_on_call_line(line) for line in lines[:ON_CALL]]
    if len(lines) > ON_CALL:
        shown.append(markup("… {more} more: `/badday who`", more=len(lines) - ON_CALL))
    return join("\n", shown or [Mrkdwn("There are no systems in the catalog yet.")])


def _on_call_line(line: OnCallLine) -> Mrkdwn:
    what = clip(line.what, 80)
    if line.shift is None:
        return markup("*{what}*: ✖ nobody", what=what)
    said = markup("*{what}*: *{name}* ({why})", what=what, name=clip(line.shift.name, 60), why=clip(line.shift.why, 90))
    return markup("{said} until {ends}", said=said, ends=date(line.shift.ends)) if line.shift.ends else said


def _shifts(mine: Personal) -> Mrkdwn:
    lines = []
    if mine.shift is not None:
        until = markup(" until {ends}", ends=date(mine.shift.ends)) if mine.shift.ends else Mrkdwn("")
        lines.append(markup("● *You are on call now* ({why}){until}", why=clip(mine.shift.why, 120), until=until))
    if mine.paged_first_for:
        systems = ", ".join(clip(one, 60) for one in mine.paged_first_for[:10])
        lines.append(markup("Pages of {systems} come to you first", systems=systems))
    if mine.next_shift is not None and mine.next_shift.starts is not None:
        said = markup("*My next shift*: {why}", why=clip(mine.next_shift.why, 120))
        lines.append(markup("{said}, from {starts}", said=said, starts=date(mine.next_shift.starts)))
        if mine.next_shift.ends is not None:
            lines[-1] = markup("{said} until {ends}", said=lines[-1], ends=date(mine.next_shift.ends))
    else:
        lines.append(Mrkdwn("*My next shift*: none in the coming two months"))
    return join("\n", lines)


def _follow_ups(follow_ups: Sequence[FollowUpLine]) -> list[Block]:
    if not follow_ups:
        return []
    lines = []
    for one in follow_ups[:FOLLOW_UPS]:
        due = f", due {one.due:%Y-%m-%d}" if one.due is not None else ""
        lines.append(f"• {clip(one.text, 400)} (incident {one.incident}, follow-up {one.number}{due})")
    if len(follow_ups) > FOLLOW_UPS:
        lines.append(f"… {len(follow_ups) - FOLLOW_UPS} more")
    return [Header(f"My follow-ups: {len(follow_ups)}"), Section(Plain("\n".join(lines)))]


def _systems(systems: Sequence[HealthLine]) -> list[Block]:
    blocks: list[Block] = [Header("Systems")]
    blocks += [Section(_system(line)) for line in systems[:SYSTEMS]]
    if not systems:
        blocks.append(Section(Mrkdwn("None in the catalog yet.")))
    if len(systems) > SYSTEMS:
        left = count(len(systems) - SYSTEMS, "system")
        blocks.append(Context((markup("{left} more, the healthiest: `/badday status`", left=left),)))
    return blocks


def _system(line: HealthLine) -> Plain:
    armed = "armed" if line.armed else "dry run: it changes nothing until its owner arms it"
    reasons = "; ".join(line.reasons[:4])
    lines = [
        f"{HEALTH[line.health]} · {line.name}" + (f": {reasons}" if reasons else ""),
        f"owner {line.owner} · {armed}",
    ]
    for route in line.routes[:5]:
        away = "" if route.provider == route.primary else f" ⇄ switched away from {route.primary}"
        lines.append(f"{route.name} → {route.provider}{away}")
    return Plain("\n".join(lines))
