"""The bad days that the demo can begin by itself; a scenario is one fault, never more."""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.sandbox.demo.health import Event


@dataclass(frozen=True)
class Scenario:
    """What happens to whom, and how many seconds after the product has started."""

    provider: str
    event: Event
    after: float


SCENARIOS: Mapping[str, Scenario] = {
    "outage": Scenario(provider="northwind", event=Event.FAIL, after=4.0),
}
