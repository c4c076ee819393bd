"""`model.pin`, `model.ban`: ask a route for one model only; keep a model of a provider from being asked for."""

from bot.actions.contract import Arguments
from bot.actions.driver import Target
from bot.actions.setting import Setting
from bot.switchboard.keys import Kind, Value

OFF = "off"


class PinArguments(Arguments):
    route: str
    """Name of a route of the incident's system."""
    model: str
    """The model to ask for; `off` leaves it to the product again."""


class ModelPin(Setting):
    name = "model.pin"
    With = PinArguments
    kind = Kind.MODEL

    def target_of(self, arguments: PinArguments) -> str:
        return arguments.route

    def wanted(self, arguments: PinArguments, current: Value) -> Value:
        return None if arguments.model == OFF else arguments.model

    def words(self, target: Target, current: Value, wanted: Value) -> str:
        if wanted is None:
            return f"Leave {target} to the product again, which is pinned to {current}"
        return f"Pin {target} to {wanted}" + (f", from {current}" if current is not None else "")


class BanArguments(Arguments):
    provider: str
    """A provider of the incident's system."""
    model: str
    """The model that is not to be asked for."""


class ModelBan(Setting):
    name = "model.ban"
    With = BanArguments
    kind = Kind.BAN

    def target_of(self, arguments: BanArguments) -> str:
        return arguments.provider

    def wanted(self, arguments: BanArguments, current: Value) -> Value:
        banned = current if isinstance(current, list) else []
        return sorted({*banned, arguments.model})

    def words(self, target: Target, current: Value, wanted: Value) -> str:
        before, after = set(_models(current)), set(_models(wanted))
        if after >= before:
            return f"Ban {', '.join(sorted(after - before))} of {target.name}"
        return f"Allow {', '.join(sorted(before - after))} of {target.name} again"


def _models(value: Value) -> list[str]:
    return value if isinstance(value, list) else []
