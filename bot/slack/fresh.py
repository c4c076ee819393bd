"""What an incident's first messages show, from what its opening has in hand: the same as the views read of the rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.catalog import Catalog
from bot.incidents.life import State
from bot.incidents.opening import Batch, Letter, Opened, Paged
from bot.paging import ways
from bot.paging.life import State as Climbing
from bot.slack.blocks import Message
from bot.slack.messages import incident_root, page
from bot.slack.messages.incident_root import CallsImpact, Climb, IncidentRootView, Paging
from bot.slack.messages.page import PagedIncident, PageView
from bot.slack.messages.words import Source

FIRST = 1
"""The version of an incident that nothing has happened to yet."""
CLIMBED = 2
"""That of an escalation after its first step."""


@dataclass(frozen=True)
class Fresh:
    """A batch by the numbers that its messages name."""

    incidents: Mapping[int, Opened]
    pages: Mapping[int, tuple[Opened, Paged]]

    @classmethod
    def of(cls, batch: Batch) -> "Fresh":
        pages = {paged.id: (one, paged) for one in batch.opened for paged in one.pages}
        return cls({one.id: one for one in batch.opened}, pages)

    def root_of(self, message: Letter) -> Opened:
        return self.incidents[message.subject["incident"]]

    def render(self, catalog: Catalog, message: Letter, impact: CallsImpact | None) -> Message:
        """The message as it stands at birth; `impact` is what happened to the calls of a root's system."""
        if message.kind == "page":
            return page.render(PageView([paged(catalog, *self.pages[number]) for number in message.subject["pages"]]))
        return incident_root.render(root(catalog, self.root_of(message), impact))


def root(catalog: Catalog, one: Opened, impact: CallsImpact | None) -> IncidentRootView:
    finding, step = one.new.finding, one.new.step
    # The newest page comes first, as in bot.slack.views.escalation.
    paging = [Paging(_name(catalog, each.call.person), _outcome(each)) for each in reversed(one.pages)]
    after = _names(catalog, step.after) if step is not None else ""
    return IncidentRootView(
        number=one.id,
        version=FIRST,
        system=one.new.system,
        title=finding["title"],
        severity=finding["severity"],
        state=State.TRIGGERED,
        owner=_name(catalog, one.owner),
        since=one.at,
        opened_by="Badday",
        known=one.new.known,
        paging=paging[0] if paging else None,
        more_paging=paging[1:],
        climb=Climb(str(Climbing.PAGING), CLIMBED, step.next_at, after) if step is not None else None,
        impact=impact,
        sources=[_source(one)],
    )


def paged(catalog: Catalog, one: Opened, each: Paged) -> PagedIncident:
    finding, step, call = one.new.finding, one.new.step, each.call
    assert step is not None
    others = [f"Also going out by {ways.name(kind)}" for kind in call.kinds if kind not in ways.IN_SLACK]
    return PagedIncident(
        number=one.id,
        version=FIRST,
        system=one.new.system,
        title=finding["title"],
        severity=finding["severity"],
        state=State.TRIGGERED,
        since=one.at,
        why=f"{call.why} of {one.new.system}" if call.why in ("owner", "deputy") else call.why,
        known=one.new.known,
        escalation=CLIMBED,
        deadline=step.next_at,
        next_name=_names(catalog, step.after),
        told=list(dict.fromkeys(others)),
        sources=[_source(one)],
    )


def _source(one: Opened) -> Source:
    return Source(f"{one.new.finding['kind'].replace('_', ' ')} {one.new.finding['subject']}")


def _outcome(each: Paged) -> str:
    kinds = each.call.kinds
    return "sending" if kinds[-1] in ways.IN_SLACK else "pending"


def _names(catalog: Catalog, people: Sequence[str]) -> str:
    return " and ".join([_name(catalog, one) for one in people[:4]]) + (" and others" if people[4:] else "")


def _name(catalog: Catalog, person: str) -> str:
    return catalog.people[person].name if person in catalog.people else person
