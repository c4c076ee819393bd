"""What a contact is: a description of what it wants to know, and one method that sends; the base words what went wrong.

A contact is a file of `bot.paging.contacts` and knows no sibling. Nothing here, nor there at import, does any I/O: the
catalog is checked with the models of the contacts (see bot.catalog.contact_kinds).
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, TypeVar

from pydantic import SecretStr

from bot.catalog.strict import Strict
from bot.settings import SettingsError, secret

if TYPE_CHECKING:
    import httpx

LONGEST_RETRY_AFTER = timedelta(minutes=5)
_SECRETIVE = re.compile(r"[^\s<>@]+@[^\s<>@]+|https?://\S+|\+?\d[\d ()-]{5,}\d|[A-Za-z0-9_+/=-]{24,}")
"""What may be an address, a number or a key in a sentence of somebody else."""


class ContactOptions(Strict):
    """What one person's way wants to know. Its main option has the kind as its key in the file, as an alias."""


class ContactSetup(Strict):
    """What a kind wants to know once for all; the catalog's `contacts.<kind>`. Secrets stand here by name."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """Whom a notice is for."""

    person: str
    name: str
    email: str


@dataclass(frozen=True, slots=True)
class Notice:
    """What is to be told, in plain text: whoever sends it escapes what has to be escaped."""

    to: Recipient
    title: str
    text: str
    """What is known, in one or several sentences; may be empty."""
    severity: str
    """sev1, sev2 or sev3"""
    system: str
    incident: int
    """0 for a test."""
    why: str
    """Why this person: `owner of support-bot`."""
    since: datetime
    sent_at: datetime
    dedup_key: str
    """The same one for everything that is told about the incident; never made of the time of sending."""
    message_id: str
    """What this try is called, the same when it is repeated: the other side drops a second one by it."""
    ack_url: str | None = field(default=None, repr=False)
    """Where the person acknowledges; holds a token."""
    reply_url: str | None = field(default=None, repr=False)
    """Where the other side tells what came of it; holds the same token."""
    thread_url: str | None = None
    page: int | None = None
    """None for a test."""
    test: bool = False

    @property
    def heading(self) -> str:
        """The whole matter in one line."""
        if self.test:
            return f"Test: {self.title}"
        return f"{self.severity.upper()} {self.system}: {' '.join(self.title.split())}"


@dataclass(frozen=True, slots=True)
class Sent:
    """The other side has taken it."""

    external_id: str | None = None
    """What the other side calls it."""
    detail: str = ""
    heard_within: timedelta | None = None
    """It was taken, and whether it reached the person is told within so long; None: it is delivered now."""


class Ended(StrEnum):
    """What the other side is told about something that it was sent."""

    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class ContactError(Exception):
    """It was not delivered; the message says why in words that people see, without secrets and addresses.

    `permanent`: trying again will not help. `uncertain`: it may have arrived all the same.
    """

    def __init__(
        self, why: str, *, permanent: bool = False, uncertain: bool = False, retry_after: timedelta | None = None
    ) -> None:
        super().__init__(why)
        self.permanent = permanent
        self.uncertain = uncertain
        self.retry_after = retry_after


class Secrets:
    """Secrets by the name of their environment variable, looked up when they are used, and never shown."""

    def __init__(self, lookup: Callable[[str], SecretStr | None]) -> None:
        self._lookup = lookup

    @classmethod
    def beside(cls, config: Path) -> Self:
        """Of the environment, and of the `.env` beside this catalog; what is changed there counts at once."""
        return cls(partial(secret, config=config))

    def read(self, name: str) -> str:
        """The secret itself. Raises ContactError where there is none."""
        try:
            found = self._lookup(name)
        except SettingsError as error:
            raise ContactError(str(error)) from None
        if found is None:
            raise ContactError(f"{name} is not set; put it into .env beside the catalog", permanent=True)
        return found.get_secret_value()

    def has(self, name: str) -> bool:
        try:
            return self._lookup(name) is not None
        except SettingsError:
            return False


OptionsT = TypeVar("OptionsT", bound=ContactOptions)
SetupT = TypeVar("SetupT", bound=ContactSetup)


class Contact(ABC, Generic[OptionsT, SetupT]):
    """One way to reach people. A subclass in a file of `contacts` is found by its `kind`."""

    kind: ClassVar[str]
    repeatable: ClassVar[bool]
    """Whether the other side (or the person's own program) knows a repetition by the notice's ids. One that is not is
    never repeated when nobody knows whether it was sent: the next way is taken instead."""
    tells_end: ClassVar[bool] = False
    """Whether `ended` has something to do."""
    Options: ClassVar[type[ContactOptions]]
    Setup: ClassVar[type[ContactSetup]] = ContactSetup

    def __init_subclass__(cls, *, kind: str, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.kind = kind

    @abstractmethod
    async def send(
        self, notice: Notice, options: OptionsT, setup: SetupT, secrets: Secrets, web: "httpx.AsyncClient"
    ) -> Sent:
        """Send it once. Raises ContactError."""

    async def ended(
        self,
        external_id: str,
        what: Ended,
        options: OptionsT,
        setup: SetupT,
        secrets: Secrets,
        web: "httpx.AsyncClient",
    ) -> None:
        """Tell the other side that somebody acknowledged, or that it is over. Raises ContactError."""

    @abstractmethod
    def shown(self, options: OptionsT, recipient: Recipient) -> str:
        """Where it goes to, as people may see it: never an address in full, never a secret."""

    def missing(self, options: OptionsT, setup: SetupT, secrets: Secrets) -> list[str]:
        """The environment variables that it needs and that are not set."""
        return []

    async def post(
        self,
        web: "httpx.AsyncClient",
        url: str,
        *,
        name: str,
        permanent: Callable[[int], bool] = lambda status: 400 <= status < 500,
        **request: Any,
    ) -> "httpx.Response":
        """POST, and take nothing but 2xx for an answer. `name` is what people call the other side.

        Raises ContactError: what 429 and 408 mean passes, other 4xx will not; after a 5xx or a time-out the other side
        may have it.
        """
        # A tenth of a second to import, which whoever only checks a catalog does without.
        import httpx

        try:
            answer = await web.post(url, follow_redirects=False, **request)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise ContactError(f"{name} cannot be reached ({type(error).__name__})") from error
        except httpx.HTTPError as error:
            raise ContactError(f"{name} did not answer ({type(error).__name__})", uncertain=True) from error
        except httpx.InvalidURL as error:
            raise ContactError(f"{name}: the address cannot be used", permanent=True) from error
        status = answer.status_code
        if answer.is_success:
            return answer
        why = f"{name} answered {status}"
        if status in (408, 425, 429):
            raise ContactError(why, retry_after=_retry_after(answer.headers))
        if 300 <= status < 400:
            raise ContactError(f"{why}, a redirect, which is not followed; write the new address", permanent=True)
        if permanent(status):
            raise ContactError(f"{why}{_reason(answer)}", permanent=True)
        raise ContactError(why, uncertain=status >= 500, retry_after=_retry_after(answer.headers))


def _reason(answer: "httpx.Response") -> str:
    """The sentence by which many APIs say what is wrong."""
    try:
        body = answer.json()
    except ValueError:
        return ""
    told = body if isinstance(body, dict) else {}
    said = next((told[key] for key in ("message", "detail", "error") if isinstance(told.get(key), str)), "")
    return f": {_SECRETIVE.sub('(…)', ' '.join(said.split()))[:200]}" if said else ""


def _retry_after(headers: Mapping[str, str]) -> timedelta | None:
    value = headers.get("Retry-After", "").strip()
    if value.isdigit():
        return min(timedelta(seconds=int(value[:6])), LONGEST_RETRY_AFTER)
    try:
        moment, sent = parsedate_to_datetime(value), parsedate_to_datetime(headers.get("Date", ""))
    except (TypeError, ValueError):
        return None
    return min(max(moment - sent, timedelta()), LONGEST_RETRY_AFTER)
