"""What an action has to offer: read, apply, verify, and words for the exact change."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, SecretStr
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.catalog import Catalog, System

if TYPE_CHECKING:
    import httpx

Reading = dict[str, Any]
"""What an action read: plain JSON without secrets, kept in the step's row."""


class ActionError(Exception):
    """The action did not happen, or is not possible; the message says why and what to do, and is shown to people.

    `permanent`: trying again cannot help. `reading`: what was read before it failed, so that conditions of later steps
    may speak of it (`steps.probe.reading.ok_rate`).
    """

    def __init__(self, message: str, *, permanent: bool = False, reading: Reading | None = None) -> None:
        self.permanent = permanent
        self.reading = reading
        super().__init__(message)


class ConsentNeededError(ActionError):
    """The system took the request and waits for a person's consent there, at `url`: a result, not a failure of it."""

    def __init__(self, message: str, *, url: str | None = None) -> None:
        self.url = url
        super().__init__(message, permanent=True)


class UncertainError(Exception):
    """A change was asked for, and whether it was made cannot be known: the answer never came, or was an error of the
    other side. One that must not be repeated is then asked about, never tried again by itself."""


@dataclass(frozen=True)
class Outside:
    """The way to systems outside: `http` is the process's one client, `secret` gives a secret by the name of its
    environment variable and raises ActionError, naming the variable, where it is not set."""

    http: "httpx.AsyncClient"
    secret: Callable[[str], SecretStr]


class Arguments(BaseModel):
    """The `with` of a step. A field's description says what it means in the reference."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


@dataclass(frozen=True)
class ActionContext:
    """What an action may use.

    `reading` opens a view of the store. `transaction` opens a write that fails with LeaseLostError where another
    worker took the step over, so that only one of them changes anything. `clock` gives UTC times. `outside` is None
    where nothing outside may be reached: when a face only looks at a step.
    """

    catalog: Catalog
    system: System
    actor: str
    incident_id: int
    clock: Callable[[], datetime]
    reading: Callable[[], AbstractAsyncContextManager[AsyncSession]]
    transaction: Callable[[], AbstractAsyncContextManager[AsyncSession]]
    outside: Outside | None = field(default=None)


ArgumentsT = TypeVar("ArgumentsT", bound=Arguments)


class Action(ABC, Generic[ArgumentsT]):
    """One thing that a step can do to one real system.

    The engine stores what `read` returned before it calls `apply`; after `apply` it calls `verify`. An undo is the
    same way again with the arguments that `reverse` makes of what was stored.
    """

    name: ClassVar[str]
    """As runbooks write it: `route.set`."""
    With: ClassVar[type[Arguments]]
    idempotent: ClassVar[bool] = True
    """Whether `apply` sets a desired state, so that repeating it after a crash is safe. One that is not is never
    repeated by itself: people are asked whether it happened."""
    reads_only: ClassVar[bool] = False
    """Whether it changes nothing anywhere, so that it is run for real while the system is not armed or all is frozen,
    and there is nothing to undo."""

    def is_local(self, catalog: Catalog, system: System, arguments: ArgumentsT) -> bool:
        """Whether `read` stays within the store, so that a face may call it whenever it shows the step."""
        return True

    def waits(self, arguments: ArgumentsT) -> timedelta | None:
        """How long the step lasts before `verify`, in which no worker is held; None for an action that acts at once."""
        return None

    def within(self, catalog: Catalog, system: System, arguments: ArgumentsT) -> timedelta | None:
        """How long one try may take where the runbook does not say; None: as long as any step."""
        return None

    def takes_effect(self, catalog: Catalog, system: System, arguments: ArgumentsT) -> str | None:
        """When the change is felt, where that is not at once: `up to an hour`; told with the step."""
        return None

    def check(self, catalog: Catalog, system: System, arguments: ArgumentsT) -> None:
        """Raise ActionError where the catalog makes this impossible for the system."""

    @abstractmethod
    async def read(self, context: ActionContext, arguments: ArgumentsT) -> Reading:
        """The state that `apply` would change."""

    @abstractmethod
    async def apply(self, context: ActionContext, arguments: ArgumentsT) -> None:
        """Make the change. Raises ActionError where it certainly did not happen."""

    @abstractmethod
    async def verify(self, context: ActionContext, arguments: ArgumentsT) -> Reading:
        """Read the effect back; raises ActionError where it is not there."""

    @abstractmethod
    def reverse(self, arguments: ArgumentsT, previous: Reading) -> ArgumentsT | None:
        """The arguments that bring `previous` back; None for an action that cannot be undone."""

    @abstractmethod
    def describe(self, arguments: ArgumentsT, current: Reading | None) -> str:
        """The exact change in the imperative, from what to what: `Switch route chat from openai to anthropic`."""

    def is_ours(self, arguments: ArgumentsT, current: Reading) -> bool:
        """Whether the state is as `apply` left it; an undo does not overwrite what somebody else set since."""
        return True
