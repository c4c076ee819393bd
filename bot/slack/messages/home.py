"""App Home: open incidents, and how the systems stand."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.slack.blocks import (
    Actions,
    Block,
    Button,
    Context,
    Divider,
    Header,
    Home,
    LinkButton,
    Mrkdwn,
    Plain,
    Section,
    Style,
    date,
    markup,
)
from bot.slack.messages.status import SystemLine
from bot.slack.messages.words import SEVERITY, STATE

SHOWN = 10


@dataclass(frozen=True, slots=True)
class HomeIncident:
    number: int
    version: int
    system: str
    title: str
    severity: str
    state: str
    since: datetime
    owner: str
    mine: bool
    thread: str | None = None


@dataclass(frozen=True, slots=True)
class HomeView:
    at: datetime
    incidents: Sequence[HomeIncident]
    systems: Sequence[SystemLine]


def render(view: HomeView) -> Home:
    blocks: list[Block] = [Header("Open incidents")]
    if not view.incidents:
        blocks.append(Section(Mrkdwn("✔ None. Nothing needs you.")))
    for incident in view.incidents[:SHOWN]:
        blocks += _incident(incident)
    if len(view.incidents) > SHOWN:
        blocks.append(Context((markup("{more} more in their channels", more=len(view.incidents) - SHOWN),)))
    blocks += [
        Actions((Button("Open incident", "open_incident", "home", Style.PRIMARY),)),
        Divider(),
        Header("Systems"),
    ]
    blocks += [_system(line) for line in view.systems[:20]] or [Section(Mrkdwn("None in the catalog yet."))]
    blocks.append(Context((markup("As of {at}", at=date(view.at)),)))
    return Home(blocks)


def _incident(incident: HomeIncident) -> list[Block]:
    value = f"inc:{incident.number}:v{incident.version}"
    accessory: Button | LinkButton | None = None
    if incident.state == "triggered":
        spoken = f"Acknowledge incident {incident.number}, {incident.system}"
        accessory = Button("Acknowledge", "acknowledge", value, spoken=spoken)
    elif incident.thread is not None:
        accessory = LinkButton("Open thread", incident.thread)
    owner = f"{incident.owner} (you)" if incident.mine else incident.owner
    line = markup("{state} · since {at} · {owner}", state=STATE[incident.state], at=date(incident.since), owner=owner)
    return [
        Section(Plain(f"{SEVERITY[incident.severity]} · {incident.system}: {incident.title}"), accessory),
        Context((line,)),
    ]


def _system(line: SystemLine) -> Section:
    armed = "armed" if line.armed else "dry run: it changes nothing until its owner arms it"
    first = f"{line.name} · owner {line.owner} · {armed}"
    routes = [
        f"{route.name} → {route.provider}"
        + ("" if route.provider == route.primary else f" (switched away from {route.primary})")
        for route in line.routes
    ]
    return Section(Plain("\n".join([first, *routes])))
