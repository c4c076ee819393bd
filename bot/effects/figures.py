"""What the calls of a system add up to in a stretch of time, and whether a change is obeyed. Pure.

A change is obeyed by a call that it cannot be told apart from one that was made because of it: one that goes to the
provider that was set, asks for the model that was pinned, is not of the feature that was pulled.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from bot.catalog import Catalog, System
from bot.trail.queries.answered import Answered
from bot.trail.queries.spending import Spent
from bot.watches.routed import line_of

SHARE = 0.5
"""Of the calls that a change is about, at least so many obey it, or it has no effect."""
ENOUGH = 5
"""Calls below which nothing is concluded."""
_NANO = Decimal(10) ** -9
_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Figures:
    """Calls, failures and money of a stretch; `minutes` is how long it was."""

    calls: int = 0
    failed: int = 0
    cost_nano: int = 0
    minutes: float = 0.0
    providers: Mapping[str, int] = field(default_factory=dict)
    """Calls by provider, most first; by what the call tells where the catalog does not know it."""

    @property
    def error_share(self) -> float | None:
        return self.failed / self.calls if self.calls else None

    @property
    def cost_an_hour(self) -> Decimal | None:
        """US dollars, to the cent; None where there were no calls."""
        if not self.calls or not self.minutes:
            return None
        return (self.cost_nano * _NANO * 60 / Decimal(str(self.minutes))).quantize(_CENT)

    def to_json(self) -> dict[str, Any]:
        return {
            "calls": self.calls,
            "failed": self.failed,
            "cost_nano": self.cost_nano,
            "minutes": self.minutes,
            "providers": dict(self.providers),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any] | None) -> "Figures":
        return cls(**data) if data else cls()


def add_up(catalog: Catalog, system: System, rows: Iterable[Answered], minutes: float) -> Figures:
    """The figures of a stretch of so many minutes."""
    kept = list(rows)
    providers: dict[str, int] = {}
    for row in kept:
        name = catalog.provider_of(system, row.provider, row.model) or "unknown"
        providers[name] = providers.get(name, 0) + row.calls
    return Figures(
        calls=sum(row.calls for row in kept),
        failed=sum(row.calls - row.answered for row in kept),
        cost_nano=sum(row.cost_nano for row in kept),
        minutes=minutes,
        providers=dict(sorted(providers.items(), key=lambda one: -one[1])),
    )


Obeys = Callable[[Spent], bool | None]
"""Whether a call obeys a change; None where the change is not about it."""


def obeys(catalog: Catalog, system: System, action: str, arguments: Mapping[str, Any]) -> Obeys | None:
    """How to tell whether calls obey; None for a change that calls cannot show."""

    def on_route(row: Spent) -> bool:
        return arguments.get("route") in line_of(catalog, system, row).route.split("+")

    match action:
        case "route.set":
            return lambda row: (
                catalog.provider_of(system, row.provider, row.model) == arguments["to"] if on_route(row) else None
            )
        case "feature.off":
            return lambda row: False if row.feature == arguments["feature"] else None
        case "model.pin":
            return lambda row: row.model == arguments["model"] if on_route(row) else None
        case "model.ban":
            return lambda row: (
                row.model != arguments["model"]
                if catalog.provider_of(system, row.provider, row.model) == arguments["provider"]
                else None
            )
    return None


def has_no_effect(rows: Sequence[Spent], rule: Obeys) -> bool:
    """Whether most calls that the change is about go on as if it had not been made."""
    told = [(row.calls, obeyed) for row in rows if (obeyed := rule(row)) is not None]
    calls = sum(count for count, _ in told)
    obeying = sum(count for count, obeyed in told if obeyed)
    return calls >= ENOUGH and obeying < SHARE * calls
