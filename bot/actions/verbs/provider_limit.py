"""`provider.limit`: what the provider itself lets calls cost a month, in case products do not obey our own caps."""

from decimal import Decimal, InvalidOperation

from bot.actions.contract import ActionError, Arguments
from bot.actions.driver import Driver, Target
from bot.actions.setting import Setting, held_by
from bot.catalog import Catalog, System
from bot.switchboard.keys import Kind, Value, limit_value

OFF = "off"


class LimitArguments(Arguments):
    provider: str
    """A provider of the incident's system, whose entry in the catalog has a `limit`."""
    amount: str | int
    """US dollars a month, to the cent; `off` takes the limit away where the provider can."""


class ProviderLimit(Setting):
    name = "provider.limit"
    With = LimitArguments
    kind = Kind.LIMIT

    def check(self, catalog: Catalog, system: System, arguments: Arguments) -> None:
        self.driver(catalog, system, self.target(arguments))
        if isinstance(arguments, LimitArguments):
            self.wanted(arguments, None)

    def driver(self, catalog: Catalog, system: System, target: Target) -> Driver:
        provider = catalog.providers.get(target.name)
        if provider is None or target.name not in system.providers:
            known = ", ".join(system.providers) or "none"
            raise ActionError(f"{system.name} has no provider {target.name!r}; it has: {known}", permanent=True)
        if provider.limit is None:
            fix = f"add `limit: {{via: …, remote: …}}` to providers.{target.name}"
            raise ActionError(f"the catalog does not say where {target.name} is limited; {fix}", permanent=True)
        return held_by(catalog, provider.limit.via, provider.limit.remote)

    def target_of(self, arguments: LimitArguments) -> str:
        return arguments.provider

    def wanted(self, arguments: LimitArguments, current: Value) -> Value:
        amount = str(arguments.amount).strip().removeprefix("$")
        if amount == OFF:
            return None
        try:
            exact = Decimal(amount)
        except InvalidOperation:
            exact = Decimal(0)
        if not exact.is_finite() or exact <= 0 or exact != exact.quantize(Decimal("0.01")):
            fix = "write US dollars a month to the cent, for example 1500.00"
            raise ActionError(f"the limit cannot be {arguments.amount!r}; {fix}", permanent=True)
        return limit_value(exact)

    def words(self, target: Target, current: Value, wanted: Value) -> str:
        if not isinstance(wanted, dict):
            return f"Take the limit at {target.name} away, which is {_shown(current)}"
        before = f"from {_shown(current)} to " if isinstance(current, dict) else "at "
        return f"Limit spend at {target.name} {before}{_shown(wanted)}"

    def as_is(self, value: Value) -> str:
        return f"at {_shown(value)}"


def _shown(value: Value) -> str:
    return f"${value['amount']} a month" if isinstance(value, dict) else "no limit"
