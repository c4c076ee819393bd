"""Actions that set one value somewhere: read it, set it, read it back, and set what was there before to undo it.

Which system holds the value is the driver's affair; what it should be, and how that is said, the action's.
"""

from abc import abstractmethod
from typing import Any, ClassVar

from bot.actions.contract import Action, ActionContext, ActionError, Arguments, Reading
from bot.actions.driver import Driver, Target
from bot.actions.drivers.http import Http, preset
from bot.actions.drivers.switchboard import Switchboard
from bot.catalog import Catalog, System
from bot.catalog.models import Cap, Feature
from bot.switchboard.keys import Kind, RefusedValueError, Value, known_key, variant


class Restore(Arguments):
    """The arguments of an undo: what was there before, whatever form it had."""

    kind: Kind
    name: str
    value: Any


_BOARD = Switchboard()


def held_by(catalog: Catalog, via: str, remote: str) -> Http:
    """The system of this name in the catalog's `drivers`, for one object there. Raises ActionError."""
    setup = catalog.drivers.get(via)
    if setup is None:
        raise ActionError(f"the catalog has no driver {via!r} any more", permanent=True)
    try:
        description = preset(setup.preset)
    except ValueError as error:
        raise ActionError(f"driver {setup.name}: {error}", permanent=True) from None
    return Http(description, base=setup.base or "", token=setup.token, settings=dict(setup.settings), remote=remote)


class Setting(Action[Any]):
    """An action that sets one value. Subclasses say which and to what."""

    kind: ClassVar[Kind]

    @abstractmethod
    def target_of(self, arguments: Any) -> str:
        """The name of what is set."""

    @abstractmethod
    def wanted(self, arguments: Any, current: Value) -> Value:
        """What it is to be, given what it is now. Raises ActionError for a value that it cannot have."""

    @abstractmethod
    def words(self, target: Target, current: Value, wanted: Value) -> str:
        """The change in the imperative."""

    def driver(self, catalog: Catalog, system: System, target: Target) -> Driver:
        """The system that holds the value. Raises ActionError where it is not set up so that it could."""
        held: Feature | Cap | None = None
        if target.kind is Kind.FEATURE:
            held = system.features.get(target.name)
        elif target.kind is Kind.CAP:
            held = system.caps.get(target.name)
        if held is None or held.via is None:
            return _BOARD
        return held_by(catalog, held.via, held.remote or held.name)

    def check(self, catalog: Catalog, system: System, arguments: Arguments) -> None:
        target = self.target(arguments)
        known = known_key(catalog, target.key)
        if known is None or known.system not in (system.name, None):
            names = self.names(system)
            has = f"it has: {', '.join(names)}" if names else "it has none"
            raise ActionError(f"{system.name} has no {self.kind} {target.name!r}; {has}", permanent=True)
        try:
            known.checked(self._wanted(arguments, known.default))
        except RefusedValueError as error:
            raise ActionError(str(error), permanent=True) from error

    def names(self, system: System) -> list[str]:
        """What of this kind the system has."""
        own = {Kind.FEATURE: system.features, Kind.CAP: system.caps, Kind.BAN: system.providers}
        return list(own.get(self.kind, system.routes))

    def is_local(self, catalog: Catalog, system: System, arguments: Arguments) -> bool:
        return self.driver(catalog, system, self.target(arguments)).local

    def takes_effect(self, catalog: Catalog, system: System, arguments: Arguments) -> str | None:
        target = self.target(arguments)
        return self.driver(catalog, system, target).takes_effect(target)

    async def read(self, context: ActionContext, arguments: Arguments) -> Reading:
        target = self.target(arguments)
        seen = await self.driver(context.catalog, context.system, target).read(context, target)
        return {"value": seen.value, "changed_by": seen.by}

    async def apply(self, context: ActionContext, arguments: Arguments) -> None:
        target = self.target(arguments)
        driver = self.driver(context.catalog, context.system, target)
        current = (await driver.read(context, target)).value
        await driver.put(context, target, self._wanted(arguments, current))

    async def verify(self, context: ActionContext, arguments: Arguments) -> Reading:
        current = await self.read(context, arguments)
        wanted = self._wanted(arguments, current["value"])
        if current["value"] != wanted:
            target = self.target(arguments)
            is_now = variant(target.kind, current["value"])
            raise ActionError(f"{target} was set to {variant(target.kind, wanted)}, but is {is_now}")
        return current

    def reverse(self, arguments: Arguments, previous: Reading) -> Restore:
        target = self.target(arguments)
        return Restore(kind=target.kind, name=target.name, value=previous["value"])

    def describe(self, arguments: Arguments, current: Reading | None) -> str:
        target = self.target(arguments)
        value = current["value"] if current is not None else None
        wanted = self._wanted(arguments, value)
        if current is not None and value == wanted:
            return f"Keep {target} {self.as_is(wanted)}, where it already is"
        if current is None:
            return f"Set {target} to {variant(target.kind, wanted)}"
        return self.words(target, value, wanted)

    def as_is(self, value: Value) -> str:
        """The value after `Keep route chat …`."""
        return f"at {variant(self.kind, value)}"

    def is_ours(self, arguments: Arguments, current: Reading) -> bool:
        return bool(current["value"] == self._wanted(arguments, current["value"]))

    def target(self, arguments: Arguments) -> Target:
        """What the arguments, or those of an undo, are about."""
        if isinstance(arguments, Restore):
            return Target(arguments.kind, arguments.name)
        return Target(self.kind, self.target_of(arguments))

    def _wanted(self, arguments: Arguments, current: Value) -> Value:
        if isinstance(arguments, Restore):
            value: Value = arguments.value
            return value
        return self.wanted(arguments, current)
