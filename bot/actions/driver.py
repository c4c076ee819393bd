"""What a driver has to offer: to read and to set one value in the system that holds it."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime

from bot.actions.contract import ActionContext
from bot.switchboard.keys import Kind, Value


@dataclass(frozen=True, slots=True)
class Target:
    """What is set: `kind` and `name` as on the switchboard (`route` `chat`)."""

    kind: Kind
    name: str

    @property
    def key(self) -> str:
        return f"{self.kind}.{self.name}"

    def __str__(self) -> str:
        words = {Kind.MODEL: "the model of route", Kind.BAN: "the banned models of"}
        return f"{words.get(self.kind, self.kind.value)} {self.name}"


@dataclass(frozen=True, slots=True)
class Seen:
    """A value that was read, and who set it when, where the system tells."""

    value: Value
    by: str | None = None
    at: datetime | None = None


class Driver(ABC):
    """One system that holds values. Setting a value that is in force must be harmless: it is repeated after a crash."""

    local: bool = False
    """Whether it is read within the bot's own store."""

    @abstractmethod
    async def read(self, context: ActionContext, target: Target) -> Seen:
        """What is in force. Raises ActionError where the system does not have the target, or cannot be read."""

    @abstractmethod
    async def put(self, context: ActionContext, target: Target, value: Value) -> None:
        """Put the value in force. Raises ActionError where it certainly did not happen."""

    def takes_effect(self, target: Target) -> str | None:
        """When a change is felt, where that is not at once: `up to an hour`."""
        return None
