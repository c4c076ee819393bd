"""`key.block`: switch an API key off where it was made, and on again to undo it."""

from bot.actions.contract import ActionError, Arguments
from bot.actions.driver import Driver, Target
from bot.actions.setting import Setting, held_by
from bot.catalog import Catalog, System
from bot.switchboard.keys import Kind, Value


class KeyArguments(Arguments):
    key: str
    """Name of a key of the incident's system, as the catalog has it under `keys`."""


class KeyBlock(Setting):
    name = "key.block"
    With = KeyArguments
    kind = Kind.KEY

    def check(self, catalog: Catalog, system: System, arguments: Arguments) -> None:
        self.driver(catalog, system, self.target(arguments))

    def driver(self, catalog: Catalog, system: System, target: Target) -> Driver:
        key = system.keys.get(target.name)
        if key is None:
            known = ", ".join(system.keys) or "none"
            raise ActionError(f"{system.name} has no key {target.name!r}; it has: {known}", permanent=True)
        return held_by(catalog, key.via, key.remote)

    def target_of(self, arguments: KeyArguments) -> str:
        return arguments.key

    def wanted(self, arguments: KeyArguments, current: Value) -> Value:
        return True

    def words(self, target: Target, current: Value, wanted: Value) -> str:
        return f"{'Block' if wanted else 'Unblock'} {target}"

    def as_is(self, value: Value) -> str:
        return "blocked" if value else "open"
