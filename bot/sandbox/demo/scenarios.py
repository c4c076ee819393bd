"""The bad days that the demo can begin by itself; a scenario is one fault, never more."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from bot.sandbox.demo.health import Event


@dataclass(frozen=True)
class Night:
    """How soon a page climbs when nobody answers, in seconds; minutes in earnest."""

    owner_has: int
    """Until the deputy is paged."""
    mail_after: int
    """From the deputy's page in Slack to the mail."""
    deputy_has: int
    """Until everybody is paged."""


@dataclass(frozen=True)
class Scenario:
    """What happens to whom, and how many seconds after the product has started."""

    provider: str
    event: Event
    after: float
    night: Night | None = None
    """None: the owner is there, and a page climbs as slowly as anywhere."""
    checked: Night | None = None
    """The same with a scripted person, who needs no time to read."""
    hints: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """What a person may do next, where that is another thing than usual; see bot.sandbox.demo.narrator."""


SCENARIOS: Mapping[str, Scenario] = {
    "outage": Scenario(provider="northwind", event=Event.FAIL, after=4.0),
    "escalation": Scenario(
        provider="northwind",
        event=Event.FAIL,
        after=4.0,
        night=Night(owner_has=10, mail_after=4, deputy_has=180),
        checked=Night(owner_has=4, mail_after=2, deputy_has=8),
        hints=MappingProxyType(
            {
                "opened": "Maria is asleep: leave her page alone, and watch it climb to Sam.",
                "escalated": "Sam gets a mail as well: open it in the World panel, and press Acknowledge there as Sam.",
                "acknowledged": "Look at Maria's and Sam's direct messages, and at the thread: everybody sees it.",
            }
        ),
    ),
}
