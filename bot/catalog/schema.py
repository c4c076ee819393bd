"""What `badday.yaml` may say: the shape and the words of the file. The JSON Schema for editors is made from it."""

from datetime import timedelta
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, PlainSerializer, model_validator

from bot.catalog.models import BadStatus, Engine
from bot.catalog.schema_cover import (
    ContactGiven,
    GroupEntry,
    MaintenanceEntry,
    PolicyEntry,
    RotationEntry,
    SetupGiven,
)
from bot.catalog.strict import Span, SpanOrOff, Strict, Switch
from bot.catalog.times import WeekPart
from bot.catalog.values import (
    CapUsd,
    Channel,
    Email,
    Host,
    Model,
    Name,
    PageUrl,
    Pattern,
    Repository,
    SecretRef,
    Share,
    SlackUser,
    Text,
    TimeZone,
    Usd,
    written,
    written_share,
    wrong,
)
from bot.loopback import is_loopback

SHORTEST_INTERVAL = timedelta(seconds=30)
LONGEST = timedelta(hours=24)


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
    contacts: tuple[ContactGiven, ...] | None = Field(default=None, min_length=1)
    """Ways to reach them, in the order in which they are tried; left out: `[slack, email]`."""


class PriceEntry(Strict):
    """What your contract says a model costs, in US dollars for a million tokens; wins over the public price list."""

    input: Usd
    """Input that was not cached."""
    output: Usd
    """Output, reasoning included."""
    cached_input: Usd | None = None
    """Input read from the provider's cache; costs what `input` costs where it is left out."""
    cache_write: Usd | None = None
    """Input written into the provider's cache; costs what `input` costs where it is left out."""


class HeldEntry(Strict):
    """Where something is held that is not on the switchboard."""

    via: Name
    """The entry of `drivers` that holds it."""
    remote: Text
    """Its id there."""


class ProviderEntry(Strict):
    """A model provider, or another service that systems call."""

    status: PageUrl | None = None
    """Address of its status page; makes the watch `status.<provider>` unless `watches` has one of that name."""
    engine: Engine = Engine.STATUSPAGE
    """Who makes the status page."""
    prices: dict[Model, PriceEntry] = Field(default_factory=dict)
    """Contract prices by model, named with or without its date."""
    limit: HeldEntry | None = None
    """What the step `provider.limit` limits: a project, a workspace."""


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
    via: Name | None = None
    """The entry of `drivers` that holds it; none: the built-in switchboard."""
    remote: Text | None = None
    """Its name there; the same as here where it is left out."""


class CapEntry(Strict):
    """What calls may cost a day (UTC); the product reads `cap.<name>` and obeys when it is closed."""

    amount: CapUsd | None = None
    """US dollars a day in normal times; none: no limit until a runbook sets one."""
    feature: Name | None = None
    """Only calls of this feature count; none: all of the system."""
    when_closed: Literal["refuse", "degrade"] = "refuse"
    """What the product does then; it is told with the cap."""
    via: Name | None = None
    """The entry of `drivers` that holds it; none: the built-in switchboard."""
    remote: Text | None = None
    """Its name there; the same as here where it is left out."""


class RedactEntry(Strict):
    """Text of this system that is never stored, beside the secrets and people's data that never are."""

    name: Name
    """The mark that stands in its place: `order-id` leaves `[order-id]`."""
    pattern: Pattern
    """What to look for, in RE2 syntax; should not take quotes or backslashes, so that JSON stays JSON."""


class FallbackEntry(Strict):
    """What should happen when calls of a dependency fail.

    A provider's name, or one of `retry`, `cached`, `template`, `human`, `none`.
    """

    timeout: Name | None = None
    """When no answer comes in time."""
    rate_limit: Name | None = None
    """When it refuses because of too many calls."""
    malformed: Name | None = None
    """When its answer cannot be used."""


class CallsEntry(Strict):
    """When the system's own calls are bad."""

    errors: Annotated[Share, PlainSerializer(written_share, return_type=str)] = Field(
        default=0.2, json_schema_extra={"default": "20%"}
    )
    """Share of failed calls from which on it is an incident."""
    minimum: int = Field(default=20, ge=1, le=1_000_000, strict=True)
    """Calls within the window below which nothing is concluded."""
    window: Span = Field(default=timedelta(minutes=5), json_schema_extra={"default": "5m"})
    """How long it must be so: whole minutes, 1m to 1h."""
    p95: Span | None = None
    """95th percentile of the durations from which on it is an incident."""
    severity: Literal["sev1", "sev2", "sev3"] = "sev2"
    """Severity of the incident."""
    silence: SpanOrOff = Field(default=timedelta(minutes=30), json_schema_extra={"default": "30m"})
    """How long a system that usually sends calls may send none: 5m to 24h, or `off`."""
    enabled: Switch = True
    """Whether its calls are watched."""

    @model_validator(mode="after")
    def _lengths_fit(self) -> Self:
        if self.window % timedelta(minutes=1) or not timedelta(minutes=1) <= self.window <= timedelta(hours=1):
            raise wrong(f"has a window of {written(self.window)}", "write whole minutes, 1m to 1h")
        if self.silence is not None and not timedelta(minutes=5) <= self.silence <= LONGEST:
            raise wrong(f"has a silence of {written(self.silence)}", "write 5m to 24h, or off")
        if self.p95 == timedelta(0):
            raise wrong("has a p95 of 0s", "write the duration that is too long, for example 8s, or leave it out")
        return self


class DriverEntry(Strict):
    """A system outside that holds features, caps, limits or keys."""

    preset: Literal[
        "anthropic", "flagsmith", "growthbook", "launchdarkly", "litellm", "openai", "openrouter", "unleash"
    ]
    """How it is asked."""
    base: PageUrl | None = None
    """Its address, where it is not the service's usual one."""
    token: SecretRef | None = None
    """Name of the environment variable with the token that may change things there."""
    settings: dict[Name, Text] = Field(default_factory=dict)
    """What the preset wants to know: `project`, `environment`."""


class EvalsEntry(Strict):
    """A suite of evals that the step `evals.run` runs: a command of yours, whose exit status decides."""

    command: tuple[Text, ...] = Field(min_length=1, max_length=50)
    """The program and its arguments, without a shell: `[npx, promptfoo, eval, -c, smoke.yaml]`."""
    folder: Text = "."
    """Where it runs, as seen from the catalog's folder."""
    timeout: Span = Field(default=timedelta(minutes=10), json_schema_extra={"default": "10m"})
    """How long it may take, at most 1h."""
    environment: tuple[SecretRef, ...] = ()
    """Names of the environment variables that it gets beside PATH, HOME and LANG."""

    @model_validator(mode="after")
    def _ends(self) -> Self:
        if not timedelta(0) < self.timeout <= timedelta(hours=1):
            raise wrong(f"has a timeout of {written(self.timeout)}", "write more than 0s, at most 1h")
        return self


class TicketsEntry(Strict):
    """Where the step `ticket.open` opens issues: a repository on GitHub."""

    repository: Repository
    """`owner/name`."""
    token: SecretRef
    """Name of the environment variable with a token that may write issues there."""
    labels: tuple[Text, ...] = ()
    """Labels of every issue that is opened."""
    api: PageUrl = "https://api.github.com"
    """Address of the API, for GitHub Enterprise."""


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
    caps: dict[Name, CapEntry] = Field(default_factory=dict)
    """What it may spend, by name; a name is used by one system only."""
    keys: dict[Name, HeldEntry] = Field(default_factory=dict)
    """API keys that the step `key.block` can switch off, by name; never the keys themselves."""
    evals: dict[Name, EvalsEntry] = Field(default_factory=dict)
    """Its suites of evals, by name."""
    depends_on: tuple[Name, ...] = ()
    """Providers that it needs beside those of its routes."""
    calls: CallsEntry = CallsEntry()
    """When its calls, as the trail sees them, are an incident."""
    redact: tuple[RedactEntry, ...] = ()
    """Texts that the trail must not keep."""
    fallbacks: dict[Name, FallbackEntry] = Field(default_factory=dict)
    """What should happen by dependency, to be compared with what the trail shows."""
    rotation: Name | None = None
    """Whoever is on call there is paged first, before the owner."""
    policy: Name | None = None
    """How its pages climb; left out: rotation, owner, deputies, then all of them and the channel."""
    business_hours: tuple[WeekPart, ...] = ()
    """When steps with `when: business_hours` count; none: mon-fri 09:00-18:00 where the owner is."""
    updates: Span | None = None
    """How often whoever leads an incident is reminded to say how it stands; none: never."""


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
    """The catalog of Badday: people, providers, systems, watches, and who is reached when."""

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
    contacts: dict[Name, SetupGiven] = Field(default_factory=dict)
    """What ways to reach people need once for all, by kind: the mail server, the Twilio account."""
    rotations: dict[Name, RotationEntry] = Field(default_factory=dict)
    """People who take turns, by name."""
    policies: dict[Name, PolicyEntry] = Field(default_factory=dict)
    """How pages climb, by name."""
    groups: dict[Name, GroupEntry] = Field(default_factory=dict)
    """People who are paged together, by name."""
    maintenance: dict[Name, MaintenanceEntry] = Field(default_factory=dict)
    """Planned times in which nobody is paged, by name."""
    drivers: dict[Name, DriverEntry] = Field(default_factory=dict)
    """Systems outside that hold features or caps, by name."""
    http_hosts: tuple[Host, ...] = ()
    """Hosts that the step `http.request` may ask, `example.com` or `example.com:8443`."""
    tickets: TicketsEntry | None = None
    """Where the step `ticket.open` opens issues."""


def too_often(interval: timedelta, page: str) -> bool:
    """Whether polling that page so often would be rude: public pages bear 30 s at the fastest."""
    try:
        host = urlsplit(page).hostname
    except ValueError:  # not an address at all, which is said elsewhere
        return False
    return interval < SHORTEST_INTERVAL and not is_loopback(host)
