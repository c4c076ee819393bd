"""`wait`: let some time go by before the next step; nothing holds on to it meanwhile."""

from datetime import timedelta

from pydantic import Field

from bot.actions.contract import Action, ActionContext, ActionError, Arguments, Reading
from bot.catalog import Catalog, System
from bot.catalog.strict import Span
from bot.catalog.values import written

LONGEST = timedelta(hours=24)


class WaitArguments(Arguments):
    time: Span = Field(alias="for")
    """How long: 1s to 24h."""


class Wait(Action[WaitArguments]):
    name = "wait"
    With = WaitArguments
    reads_only = True

    def check(self, catalog: Catalog, system: System, arguments: WaitArguments) -> None:
        if not timedelta(0) < arguments.time <= LONGEST:
            raise ActionError(f"for is {written(arguments.time)}; write 1s to 24h", permanent=True)

    def waits(self, arguments: WaitArguments) -> timedelta:
        return arguments.time

    async def read(self, context: ActionContext, arguments: WaitArguments) -> Reading:
        return {}

    async def apply(self, context: ActionContext, arguments: WaitArguments) -> None:
        return None

    async def verify(self, context: ActionContext, arguments: WaitArguments) -> Reading:
        return {}

    def reverse(self, arguments: WaitArguments, previous: Reading) -> None:
        return None

    def describe(self, arguments: WaitArguments, current: Reading | None) -> str:
        return f"Wait {written(arguments.time)}"
