"""The catalog as the bot works with it: who owns which system, what it depends on, what is watched."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from pathlib import Path

from bot.catalog.cover import Contact, Group, Hours, Maintenance, Policy, Rotation


class Engine(StrEnum):
    """Kinds of status page that can be polled."""

    STATUSPAGE = "statuspage"
    INCIDENTIO = "incidentio"


class BadStatus(StrEnum):
    """Component statuses that may count as bad; `unknown` is not among them: not knowing is no outage."""

    DEGRADED = "degraded"
    PARTIAL_OUTAGE = "partial_outage"
    MAJOR_OUTAGE = "major_outage"
    MAINTENANCE = "maintenance"


DEFAULT_CONTACTS = (Contact("slack"), Contact("email"))


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who can own a system; found in Slack by `slack` (a user id), else by e-mail."""

    key: str
    name: str
    email: str
    slack: str | None = None
    timezone: str = "UTC"
    contacts: tuple[Contact, ...] = DEFAULT_CONTACTS
    """In the order in which they are tried."""


@dataclass(frozen=True, slots=True)
class Price:
    """What a contract says a model costs: US dollars for a million tokens. None: charged like ordinary input."""

    input: Decimal
    output: Decimal
    cached_input: Decimal | None = None
    cache_write: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """Where something is held that is not on the switchboard: a driver, and the object's id there."""

    via: str
    remote: str


@dataclass(frozen=True, slots=True)
class Provider:
    """Somebody whose models or services systems call; `status` is the address of its status page.

    `prices` are contract prices by model, which win over the public price list.
    """

    name: str
    status: str | None = None
    engine: Engine = Engine.STATUSPAGE
    prices: Mapping[str, Price] = field(default_factory=dict)
    limit: Held | None = None
    """What can be limited at the provider: a project, a workspace."""


@dataclass(frozen=True, slots=True)
class Route:
    """Where one kind of call goes: the switchboard serves `route.<name>`, one of these providers."""

    name: str
    primary: str
    standbys: tuple[str, ...] = ()

    @property
    def providers(self) -> tuple[str, ...]:
        return (self.primary, *self.standbys)


@dataclass(frozen=True, slots=True)
class Feature:
    """Something that can be switched off: the switchboard serves `feature.<name>`."""

    name: str
    default: bool = True
    via: str | None = None
    """The driver that holds it; None: the built-in switchboard."""
    remote: str | None = None
    """Its name there; None: the same."""


@dataclass(frozen=True, slots=True)
class Cap:
    """What calls of a system, or of one of its features, may cost a day (UTC): the switchboard serves `cap.<name>`."""

    name: str
    amount: Decimal | None = None
    """US dollars; None: no limit until one is set."""
    feature: str | None = None
    when_closed: str = "refuse"
    """`refuse` or `degrade`: what the product does then."""
    via: str | None = None
    """The driver that holds it; None: the built-in switchboard."""
    remote: str | None = None
    """Its name there; None: the same."""


@dataclass(frozen=True, slots=True)
class DriverSetup:
    """A system outside that holds features or caps; `token` is the name of an environment variable."""

    name: str
    preset: str
    base: str | None = None
    token: str | None = None
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EvalSuite:
    """A command whose exit status says whether the system's outputs are good; run without a shell."""

    name: str
    command: tuple[str, ...]
    folder: str = "."
    """As seen from the catalog's folder."""
    timeout: timedelta = timedelta(minutes=10)
    environment: tuple[str, ...] = ()
    """Variables that it gets beside PATH, HOME and LANG."""


@dataclass(frozen=True, slots=True)
class Tickets:
    """A repository on GitHub in which issues are opened; `token` is the name of an environment variable."""

    repository: str
    token: str
    labels: tuple[str, ...] = ()
    api: str = "https://api.github.com"


class FallbackTrigger(StrEnum):
    """Why a call of a dependency may need a fallback."""

    TIMEOUT = "timeout"
    RATE_LIMIT = "rate_limit"
    MALFORMED = "malformed"


@dataclass(frozen=True, slots=True)
class CallsWatch:
    """When a system's own calls are bad: a share of errors or a 95th percentile, over enough calls, for so long.

    `silence` is how long a system that usually sends calls may send none.
    """

    error_share: float = 0.2
    minimum: int = 20
    """Calls in the window below which nothing is concluded."""
    window: timedelta = timedelta(minutes=5)
    p95: timedelta | None = None
    severity: str = "sev2"
    silence: timedelta | None = timedelta(minutes=30)
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class RedactPattern:
    """Text of one system that is never stored: an RE2 pattern, and the mark that stands for it."""

    name: str
    pattern: str


@dataclass(frozen=True, slots=True)
class System:
    """An AI feature in production; until it is armed the bot changes nothing for it."""

    name: str
    owner: str
    channel: str
    deputies: tuple[str, ...] = ()
    armed: bool = False
    routes: Mapping[str, Route] = field(default_factory=dict)
    features: Mapping[str, Feature] = field(default_factory=dict)
    caps: Mapping[str, Cap] = field(default_factory=dict)
    keys: Mapping[str, Held] = field(default_factory=dict)
    evals: Mapping[str, EvalSuite] = field(default_factory=dict)
    depends_on: tuple[str, ...] = ()
    calls: CallsWatch = CallsWatch()
    redact: tuple[RedactPattern, ...] = ()
    rotation: str | None = None
    """Whoever is on call there is paged first, before the owner."""
    policy: str | None = None
    """None: the default one, see bot.paging.policy."""
    business_hours: tuple[Hours, ...] = ()
    """Empty: Monday to Friday, 09:00 to 18:00 where the owner is."""
    updates: timedelta | None = None
    """How often whoever leads an incident is reminded to say how it stands; None: never."""
    fallbacks: Mapping[str, Mapping[FallbackTrigger, str]] = field(default_factory=dict)
    """By dependency and trigger, what should happen: another provider's name, or `retry`, `cached`, `template`,
    `human`, `none`."""

    @property
    def providers(self) -> tuple[str, ...]:
        """Every provider that the system needs, each once: those of its routes, then the others."""
        routed = (name for route in self.routes.values() for name in route.providers)
        return tuple(dict.fromkeys((*routed, *self.depends_on)))


@dataclass(frozen=True, slots=True)
class Hysteresis:
    """Bad after `bad` of the last `of` observations were bad, good again after `good` good ones in a row."""

    bad: int = 2
    of: int = 3
    good: int = 2


@dataclass(frozen=True, slots=True)
class Watch:
    """A status page polled every `interval`; `hold` is how long a recovery must last before it resolves an incident.

    Only the named components decide; with none named, all of the page do.
    """

    name: str
    page: str
    provider: str
    engine: Engine = Engine.STATUSPAGE
    interval: timedelta = timedelta(seconds=60)
    components: tuple[str, ...] = ()
    bad: frozenset[str] = frozenset({BadStatus.PARTIAL_OUTAGE, BadStatus.MAJOR_OUTAGE})
    hysteresis: Hysteresis = Hysteresis()
    hold: timedelta = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Catalog:
    """Everything that `badday.yaml` says, complete: also the watches that providers' status pages imply."""

    people: Mapping[str, Person] = field(default_factory=dict)
    providers: Mapping[str, Provider] = field(default_factory=dict)
    systems: Mapping[str, System] = field(default_factory=dict)
    watches: Mapping[str, Watch] = field(default_factory=dict)
    rotations: Mapping[str, Rotation] = field(default_factory=dict)
    policies: Mapping[str, Policy] = field(default_factory=dict)
    groups: Mapping[str, Group] = field(default_factory=dict)
    maintenance: Mapping[str, Maintenance] = field(default_factory=dict)
    contacts: Mapping[str, Contact] = field(default_factory=dict)
    """How the ways to reach people are set up as a whole, by kind: the mail server, the Twilio account."""
    drivers: Mapping[str, DriverSetup] = field(default_factory=dict)
    http_hosts: tuple[str, ...] = ()
    """Hosts that runbook steps may ask, in lower case, with the port where it is not the usual one."""
    tickets: Tickets | None = None
    folder: Path = Path()
    """Where the file lies."""

    def systems_using(self, provider: str) -> list[System]:
        """The systems that have the provider in a route or depend on it."""
        return [system for system in self.systems.values() if provider in system.providers]

    def provider_of(self, system: System, provider: str | None, model: str | None) -> str | None:
        """Which provider a system's call went to, by the catalog's names; the one that the call tells where none fits.

        An SDK that talks to another company's endpoint reports its own company. Then the model tells, if the contract
        prices of exactly one of the system's providers name it.
        """
        for name in system.providers:
            if provider is not None and name.casefold() == provider.casefold():
                return name
        if model is None:
            return provider
        sold = [name for name in system.providers if self._sells(name, model)]
        return sold[0] if len(sold) == 1 else provider

    def _sells(self, provider: str, model: str) -> bool:
        described = self.providers.get(provider)
        return described is not None and any(model.casefold() == each.casefold() for each in described.prices)

    def route(self, name: str) -> tuple[System, Route] | None:
        for system in self.systems.values():
            if name in system.routes:
                return system, system.routes[name]
        return None

    def feature(self, name: str) -> tuple[System, Feature] | None:
        for system in self.systems.values():
            if name in system.features:
                return system, system.features[name]
        return None

    def cap(self, name: str) -> tuple[System, Cap] | None:
        for system in self.systems.values():
            if name in system.caps:
                return system, system.caps[name]
        return None

    def person_by_email(self, email: str) -> Person | None:
        wanted = email.strip().casefold()
        return next((person for person in self.people.values() if person.email.casefold() == wanted), None)

    def person_by_slack(self, user: str) -> Person | None:
        return next((person for person in self.people.values() if person.slack == user), None)
