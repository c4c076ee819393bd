"""Actions that only look: what they read is the result, so there is nothing to apply and nothing to undo."""

from abc import abstractmethod
from typing import Generic

from bot.actions.contract import Action, ActionContext, ArgumentsT, Reading


class Looking(Action[ArgumentsT], Generic[ArgumentsT]):
    """Run for real while the system is not armed, and while all is frozen."""

    reads_only = True

    @abstractmethod
    def tell(self, arguments: ArgumentsT, reading: Reading) -> str:
        """What was read, in one sentence."""

    @abstractmethod
    def intent(self, arguments: ArgumentsT) -> str:
        """What will be looked at, in the imperative."""

    async def apply(self, context: ActionContext, arguments: ArgumentsT) -> None:
        return None

    async def verify(self, context: ActionContext, arguments: ArgumentsT) -> Reading:
        return await self.read(context, arguments)

    def reverse(self, arguments: ArgumentsT, previous: Reading) -> None:
        return None

    def describe(self, arguments: ArgumentsT, current: Reading | None) -> str:
        return self.intent(arguments) if current is None else self.tell(arguments, current)

    def is_local(self, *_: object) -> bool:
        # What is shown before the click is what will be looked at, not what is there now.
        return False
