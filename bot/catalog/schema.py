"""What `badday.yaml` may say: the shape and the words of the file. The JSON Schema for editors is made from it."""

from datetime import timedelta
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema, model_validator

from bot.catalog.models import BadStatus, Engine
from bot.catalog.values import (
    Channel,
    Duration,
    Email,
    Name,
    PageUrl,
    SlackUser,
    Text,
    TimeZone,
    shown,
    written,
    wrong,
)
from bot.loopback import is_loopback

SHORTEST_INTERVAL = timedelta(seconds=30)
LONGEST = timedelta(hours=24)

Span = Annotated[Duration, PlainSerializer(written, return_type=str)]


def _true_or_false(value: Any) -> Any:
    if not isinstance(value, bool):
        raise wrong(f"must be true or false, not {shown(value)}", "write true or false, without quotes")
    return value


Switch = Annotated[bool, BeforeValidator(_true_or_false), WithJsonSchema({"type": "boolean"})]


class Strict(BaseModel):
    """A mapping of the file in which an unknown key is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, title=None)


class PersonEntry(Strict):
    """Somebody who can own a system."""

    name: Text
    """Full name, as people know it."""
    email: Email
    """The e-mail address of the Slack profile; it finds the person in Slack."""
    slack: SlackUser | None = None
    """Slack member id (U…), where the e-mail does not find the person."""
    timezone: TimeZone = "UTC"
    """IANA time zone, for example Europe/Madrid."""


class ProviderEntry(Strict):
    """A model provider, or another service that systems call."""

    status: PageUrl | None = None
    """Address of its status page; makes the watch `status.<provider>` unless `watches` has one of that name."""
    engine: Engine = Engine.STATUSPAGE
    """Who makes the status page."""


class RouteEntry(Strict):
    """Where one kind of call goes; the product reads `route.<name>`."""

    primary: Name
    """The provider in normal times."""
    standbys: tuple[Name, ...] = ()
    """Providers to switch to, best first."""


class FeatureEntry(Strict):
    """Something that can be switched off; the product reads `feature.<name>`."""

    default: Switch = True
    """Its value in normal times."""


class SystemEntry(Strict):
    """An AI feature in production."""

    owner: Name
    """The person responsible for its drift, who is paged."""
    channel: Channel
    """Slack channel of its incidents, by name or id."""
    deputies: tuple[Name, ...] = ()
    """People who stand behind the owner, in order."""
    armed: Switch = False
    """Whether runbook steps change anything; false is a dry run."""
    routes: dict[Name, RouteEntry] = Field(default_factory=dict)
    """Its routes by name; a name is used by one system only."""
    features: dict[Name, FeatureEntry] = Field(default_factory=dict)
    """Its features by name; a name is used by one system only."""
    depends_on: tuple[Name, ...] = ()
    """Providers that it needs beside those of its routes."""


class HysteresisEntry(Strict):
    """How many observations it takes to change one's mind."""

    bad: int = Field(default=2, ge=1, le=20, strict=True)
    """So many bad observations …"""
    of: int = Field(default=3, ge=1, le=20, strict=True)
    """… of the last so many open an incident."""
    good: int = Field(default=2, ge=1, le=20, strict=True)
    """So many good observations in a row are a recovery."""

    @model_validator(mode="after")
    def _bad_fits(self) -> Self:
        if self.bad > self.of:
            raise wrong(f"asks for {self.bad} bad of {self.of} observations", "make `bad` at most `of`")
        return self


class WatchEntry(Strict):
    """A status page that is polled."""

    provider: Name
    """The provider whose page it is."""
    page: PageUrl | None = None
    """Address of the page; the provider's `status` where it is left out."""
    engine: Engine | None = None
    """Who makes the page; the provider's `engine` where it is left out."""
    interval: Span = Field(default=timedelta(seconds=60), json_schema_extra={"default": "60s"})
    """Time between two polls, at least 30s (shorter only for a page on this machine)."""
    components: tuple[Text, ...] = ()
    """Names of the components that decide; none: all of the page."""
    bad: frozenset[BadStatus] = Field(
        default=frozenset({BadStatus.PARTIAL_OUTAGE, BadStatus.MAJOR_OUTAGE}), min_length=1
    )
    """Component statuses that are bad."""
    hysteresis: HysteresisEntry = HysteresisEntry()
    """How many observations it takes to open and to recover."""
    hold: Span = Field(default=timedelta(minutes=5), json_schema_extra={"default": "5m"})
    """How long a recovery must last before the incident resolves by itself."""


class CatalogFile(Strict):
    """The catalog of Badday: people, providers, systems and watches."""

    badday: Literal[1]
    """Version of this format; 1."""
    people: dict[Name, PersonEntry] = Field(min_length=1)
    """People by a short key, which systems refer to."""
    providers: dict[Name, ProviderEntry] = Field(default_factory=dict)
    """Model providers and other services by name."""
    systems: dict[Name, SystemEntry] = Field(min_length=1)
    """AI features in production by name."""
    watches: dict[Name, WatchEntry] = Field(default_factory=dict)
    """Status pages to poll, beside those that `providers` imply."""


def too_often(interval: timedelta, page: str) -> bool:
    """Whether polling that page so often would be rude: public pages bear 30 s at the fastest."""
    try:
        host = urlsplit(page).hostname
    except ValueError:  # not an address at all, which is said elsewhere
        return False
    return interval < SHORTEST_INTERVAL and not is_loopback(host)
