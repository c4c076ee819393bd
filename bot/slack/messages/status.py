"""The answer to `/badday status`: systems, routes in force, watches with their age, open incidents."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType

from bot.slack.blocks import (
    Block,
    Context,
    Divider,
    Header,
    Literal,
    Message,
    Mrkdwn,
    RichText,
    Section,
    date,
    join,
    markup,
)
from bot.slack.messages import quiet
from bot.slack.messages.quiet import QuietView
from bot.slack.messages.words import SEVERITY, STATE, count, span

SHOWN = 10


@dataclass(frozen=True, slots=True)
class RouteLine:
    name: str
    provider: str
    primary: str


@dataclass(frozen=True, slots=True)
class SystemLine:
    name: str
    owner: str
    armed: bool
    routes: Sequence[RouteLine] = ()


@dataclass(frozen=True, slots=True)
class WatchLine:
    name: str
    status: str | None
    age: timedelta | None
    """Since the last observation; None when there is none yet."""
    stale: bool = False
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class CallsLine:
    """A system's own calls on one route at one provider; both are None where the system as a whole sends none."""

    system: str
    route: str | None = None
    provider: str | None = None
    state: str = "unknown"
    """good, bad, mixed (some fail), unknown (too few calls to tell), silent (calls are missed) or none (none come)."""
    calls: int = 0
    failed: int = 0
    p95_ms: int | None = None
    minutes: int = 5
    last_at: datetime | None = None
    """When a call last arrived; None when none ever did."""
    stale: bool = False
    """Nobody has looked for too long."""


@dataclass(frozen=True, slots=True)
class IncidentLine:
    number: int
    system: str
    title: str
    severity: str
    state: str
    age: timedelta
    owner: str


@dataclass(frozen=True, slots=True)
class StatusView:
    at: datetime
    systems: Sequence[SystemLine]
    watches: Sequence[WatchLine]
    incidents: Sequence[IncidentLine]
    calls: Sequence[CallsLine] = ()
    quiet: QuietView = field(default_factory=QuietView)


def render(view: StatusView) -> Message:
    unsure = [watch for watch in view.watches if watch.stale or watch.problem]
    silent = [line.system for line in view.calls if line.state == "silent"]
    headline = f"● {count(len(view.incidents), 'open incident')}" if view.incidents else "✔ No open incident"
    blocks: list[Block] = [Header(headline)]
    for incident in view.incidents[:SHOWN]:
        line = (
            f"{SEVERITY[incident.severity]} · {incident.system}: {incident.title}\n"
            f"{STATE[incident.state]} · open for {span(incident.age)} · owner {incident.owner} · "
            f"incident {incident.number}"
        )
        blocks.append(RichText((Literal(line),)))
    if len(view.incidents) > SHOWN:
        blocks.append(Context((markup("{more} more, see App Home", more=len(view.incidents) - SHOWN),)))
    blocks += [Divider(), Section(_listed("Systems", [_system(line) for line in view.systems]))]
    blocks.append(Section(_listed("Watches", [_watch(line) for line in view.watches])))
    if view.calls:
        blocks.append(Section(_listed("Calls", [_calls(line) for line in view.calls])))
    if held_back := quiet.lines(view.quiet):
        blocks.append(Section(_listed("Does not page", held_back)))
    held = view.quiet.held
    text = markup(
        "{incidents}. {watches}.{held}{silence}",
        held=f" {count(held, 'finding')} {'is' if held == 1 else 'are'} held back." if held else "",
        incidents=count(len(view.incidents), "open incident") if view.incidents else "No open incident",
        watches=f"{count(len(unsure), 'watch', 'watches')} cannot be trusted" if unsure else "All watches are fresh",
        silence=f" No calls arrive from {', '.join(silent)}." if silent else "",
    )
    return Message(text, blocks)


def _listed(title: str, lines: Sequence[Mrkdwn]) -> Mrkdwn:
    shown = [*lines[:20], *([markup("… {more} more", more=len(lines) - 20)] if len(lines) > 20 else [])]
    return join("\n", [markup("*{title}*", title=title), *(shown or [Mrkdwn("none in the catalog")])])


def _system(line: SystemLine) -> Mrkdwn:
    routes = [
        markup("{route} → {provider}", route=route.name, provider=route.provider)
        if route.provider == route.primary
        else markup(
            "{route} → *{provider}* ⇄ away from {primary}",
            route=route.name,
            provider=route.provider,
            primary=route.primary,
        )
        for route in line.routes
    ]
    armed = "armed" if line.armed else "dry run"
    return join(" · ", [markup("*{name}* {owner}, {armed}", name=line.name, owner=line.owner, armed=armed), *routes])


def _watch(line: WatchLine) -> Mrkdwn:
    status = (line.status or "not seen yet").replace("_", " ")
    sign = "✖" if line.stale or line.problem else {"operational": "✔", "not seen yet": "○"}.get(status, "●")
    seen = f"seen {span(line.age)} ago" if line.age is not None else "waiting for the first answer"
    parts = [markup("{sign} *{name}* {status}, {seen}", sign=sign, name=line.name, status=status, seen=seen)]
    if line.stale:
        parts.append(Mrkdwn("*stale*: do not trust it"))
    if line.problem:
        parts.append(markup("{problem}", problem=line.problem))
    return join(" · ", parts)


CALLS_SIGN: Mapping[str, str] = MappingProxyType(
    {"good": "✔", "bad": "✖", "silent": "✖", "mixed": "●", "unknown": "○", "none": "○"}
)


def _calls(line: CallsLine) -> Mrkdwn:
    sign = "✖" if line.stale else CALLS_SIGN[line.state]
    name = markup("{sign} *{system}*", sign=sign, system=line.system)
    if line.stale:
        return markup("{name} *not looked at*: the calls watch does not run", name=name)
    if line.route is None and line.provider is None:
        return markup("{name} {what}", name=name, what=_absence(line))
    where = " → ".join(part for part in (line.route, line.provider) if part) or "route and provider unknown"
    words = {"bad": "failing, ", "unknown": "too few to tell, "}.get(line.state, "")
    seen = f"{count(line.calls, 'call')} in {line.minutes} min"
    rest = [f"{words}{seen}"]
    if line.calls:
        rest.append(f"{round(100 * line.failed / line.calls)} % failed")
    if line.p95_ms is not None:
        rest.append(f"95 % within {line.p95_ms / 1000:.1f} s")
    return markup("{name} {where} {rest}", name=name, where=where, rest=", ".join(rest))


def _absence(line: CallsLine) -> Mrkdwn:
    if line.last_at is None:
        return Mrkdwn("no calls yet")
    since = markup("no calls since {at}", at=date(line.last_at))
    return markup("*{since}*", since=since) if line.state == "silent" else since
