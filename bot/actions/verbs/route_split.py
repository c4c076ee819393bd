"""`route.split`: send a share of a route's users to another provider, to see how it does before all go there."""

from typing import Any

from bot.actions.contract import ActionError, Arguments
from bot.actions.driver import Target
from bot.actions.setting import Setting
from bot.switchboard.keys import Kind, Value


class SplitArguments(Arguments):
    route: str
    """Name of a route of the incident's system."""
    shares: dict[str, int | str]
    """Whole percents by provider, which make 100: `{northwind: 90, cirrus: 10}`."""


class RouteSplit(Setting):
    name = "route.split"
    With = SplitArguments
    kind = Kind.ROUTE

    def target_of(self, arguments: SplitArguments) -> str:
        return arguments.route

    def wanted(self, arguments: SplitArguments, current: Value) -> Value:
        shares: dict[str, Any] = {}
        for provider, share in arguments.shares.items():
            text = str(share).strip().removesuffix("%")
            if not text.isdecimal():
                raise ActionError(f"the share of {provider} is {share!r}; write a whole percent", permanent=True)
            shares[provider] = int(text)
        return {"split": {name: shares[name] for name in sorted(shares) if shares[name]}}

    def words(self, target: Target, current: Value, wanted: Value) -> str:
        return f"Split {target} from {_shown(current)} to {_shown(wanted)}"

    def as_is(self, value: Value) -> str:
        return f"at {_shown(value)}"


def _shown(value: Value) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {share} %" for name, share in sorted(value["split"].items(), key=lambda one: -one[1]))
    return str(value)
