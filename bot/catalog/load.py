"""`badday.yaml` -> Catalog, or every mistake of the file at once."""

from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from bot.catalog import explain, load_cover, references
from bot.catalog.cover import Contact, Group
from bot.catalog.models import (
    DEFAULT_CONTACTS,
    CallsWatch,
    Cap,
    Catalog,
    DriverSetup,
    EvalSuite,
    FallbackTrigger,
    Feature,
    Held,
    Hysteresis,
    Person,
    Price,
    Provider,
    RedactPattern,
    Route,
    System,
    Tickets,
    Watch,
)
from bot.catalog.problems import CatalogError, Problem
from bot.catalog.reading import Document, read, read_text
from bot.catalog.schema import (
    CallsEntry,
    CatalogFile,
    FallbackEntry,
    PersonEntry,
    ProviderEntry,
    SystemEntry,
    TicketsEntry,
    WatchEntry,
)
from bot.catalog.times import in_zone

_ADVICE = "make one with `badday init`, or name another with BADDAY_CONFIG"


def load_catalog(path: Path) -> Catalog:
    """Read and check the file; raises CatalogError."""
    return parse_catalog(read_text(path, advice=_ADVICE), str(path))


def parse_catalog(text: str, file: str = "badday.yaml") -> Catalog:
    """The catalog that the text describes; raises CatalogError with all problems. `file` only names it in them."""
    document = read(text, file)
    if not document.complete:
        raise CatalogError(document.problems)
    if document.data is None and not document.unread:
        nothing = Problem(file, 1, 1, "", "the catalog is empty", "make one with `badday init`")
        raise CatalogError([*document.problems, nothing])
    checked = _checked(document)
    if checked is None or document.problems:
        raise CatalogError(document.problems)
    return _catalog(checked, Path(document.file).parent)


def _checked(document: Document) -> CatalogFile | None:
    """The file's entries; None where there are problems, which are then in the document."""
    document.problems += references.problems(document)
    try:
        return CatalogFile.model_validate(document.data)
    except ValidationError as error:
        document.problems += explain.problems(error, document, CatalogFile)
        return None


def _catalog(file: CatalogFile, folder: Path) -> Catalog:
    providers = {name: _provider(name, entry) for name, entry in file.providers.items()}
    watches = {name: _watch(name, entry, providers[entry.provider]) for name, entry in file.watches.items()}
    return Catalog(
        people={
            key: Person(
                key=key,
                name=entry.name,
                email=entry.email,
                slack=entry.slack,
                timezone=entry.timezone,
                contacts=entry.contacts or DEFAULT_CONTACTS,
            )
            for key, entry in file.people.items()
        },
        providers=providers,
        systems={name: _system(name, entry, file.people) for name, entry in file.systems.items()},
        watches=watches | _implied(providers, watches),
        rotations={name: load_cover.rotation(name, entry) for name, entry in file.rotations.items()},
        policies={name: load_cover.policy(name, entry) for name, entry in file.policies.items()},
        groups={name: Group(name, entry.people, entry.slack) for name, entry in file.groups.items()},
        maintenance={name: load_cover.maintenance(name, entry) for name, entry in file.maintenance.items()},
        contacts={kind: Contact(kind, setup) for kind, setup in file.contacts.items()},
        drivers={
            name: DriverSetup(name, entry.preset, entry.base, entry.token, entry.settings)
            for name, entry in file.drivers.items()
        },
        http_hosts=file.http_hosts,
        tickets=_tickets(file.tickets),
        folder=folder,
    )


def _tickets(entry: TicketsEntry | None) -> Tickets | None:
    return None if entry is None else Tickets(entry.repository, entry.token, entry.labels, entry.api)


def _provider(name: str, entry: ProviderEntry) -> Provider:
    prices = {
        model: Price(price.input, price.output, price.cached_input, price.cache_write)
        for model, price in entry.prices.items()
    }
    limit = None if entry.limit is None else Held(entry.limit.via, entry.limit.remote)
    return Provider(name=name, status=entry.status, engine=entry.engine, prices=prices, limit=limit)


def _system(name: str, entry: SystemEntry, people: Mapping[str, PersonEntry]) -> System:
    zone = people[entry.owner].timezone
    return System(
        name=name,
        owner=entry.owner,
        channel=entry.channel,
        deputies=entry.deputies,
        armed=entry.armed,
        routes={
            key: Route(name=key, primary=route.primary, standbys=route.standbys) for key, route in entry.routes.items()
        },
        features={
            key: Feature(name=key, default=feature.default, via=feature.via, remote=feature.remote)
            for key, feature in entry.features.items()
        },
        caps={
            key: Cap(key, cap.amount, cap.feature, cap.when_closed, cap.via, cap.remote)
            for key, cap in entry.caps.items()
        },
        keys={key: Held(held.via, held.remote) for key, held in entry.keys.items()},
        evals={
            key: EvalSuite(key, suite.command, suite.folder, suite.timeout, suite.environment)
            for key, suite in entry.evals.items()
        },
        depends_on=entry.depends_on,
        calls=_calls(entry.calls),
        redact=tuple(RedactPattern(each.name, each.pattern) for each in entry.redact),
        rotation=entry.rotation,
        policy=entry.policy,
        business_hours=tuple(in_zone(part, zone) for part in entry.business_hours),
        updates=entry.updates,
        fallbacks={dependency: _fallbacks(each) for dependency, each in entry.fallbacks.items()},
    )


def _calls(entry: CallsEntry) -> CallsWatch:
    return CallsWatch(
        error_share=entry.errors,
        minimum=entry.minimum,
        window=entry.window,
        p95=entry.p95,
        severity=entry.severity,
        silence=entry.silence,
        enabled=entry.enabled,
    )


def _fallbacks(entry: FallbackEntry) -> dict[FallbackTrigger, str]:
    told = {
        FallbackTrigger.TIMEOUT: entry.timeout,
        FallbackTrigger.RATE_LIMIT: entry.rate_limit,
        FallbackTrigger.MALFORMED: entry.malformed,
    }
    return {trigger: what for trigger, what in told.items() if what is not None}


def _watch(name: str, entry: WatchEntry, provider: Provider) -> Watch:
    page = entry.page or provider.status
    assert page is not None  # the references were checked
    return Watch(
        name=name,
        page=page,
        provider=entry.provider,
        engine=entry.engine or provider.engine,
        interval=entry.interval,
        components=entry.components,
        bad=frozenset(entry.bad),
        hysteresis=Hysteresis(bad=entry.hysteresis.bad, of=entry.hysteresis.of, good=entry.hysteresis.good),
        hold=entry.hold,
    )


def _implied(providers: dict[str, Provider], watches: dict[str, Watch]) -> dict[str, Watch]:
    """A watch for each status page that no watch of the file polls for its provider."""
    polled = {(watch.provider, watch.page) for watch in watches.values()}
    return {
        name: Watch(name=name, page=provider.status, provider=provider.name, engine=provider.engine)
        for provider in providers.values()
        if provider.status and (provider.name, provider.status) not in polled
        for name in [f"status.{provider.name}"]
        if name not in watches
    }
