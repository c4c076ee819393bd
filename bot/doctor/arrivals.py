"""Judges what arrives in the trail: per system and emitter, what is missing and what to set. Pure."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.catalog import Catalog
from bot.catalog.models import System
from bot.detect.silence import expects_calls
from bot.doctor.check import Check, Status
from bot.doctor.emitters import ANTHROPIC_SDK, PAGES, emitter

ACTIVE = timedelta(days=1)
"""An emitter that sent nothing for so long is not in use any more."""
ENOUGH = 0.5
"""Half of the calls may lack their text (sampling, image inputs) before it is told."""
UNMEASURED = 0.1
"""A tenth of the answered calls may lack tokens (abandoned streams)."""
NAMED = 5
NOWHERE = "unknown"
"""The system of calls that name none."""


@dataclass(frozen=True, slots=True)
class Source:
    """What one emitter of a system has sent: since ever, and of late (`recent`, where some calls are)."""

    system: str
    emitter: str
    calls: int
    last: datetime
    twins: int = 0
    unknown_spans: int = 0
    rejected: int = 0
    recent: "Recent | None" = None


@dataclass(frozen=True, slots=True)
class Recent:
    """Of the newest calls: how many there are, and how many lack what. `answered` are those without an error."""

    calls: int
    without_input: int = 0
    answered: int = 0
    without_output: int = 0
    without_tokens: int = 0
    streams_without_tokens: int = 0
    with_prompt_version: int = 0
    truncated: int = 0


@dataclass(frozen=True, slots=True)
class Unpriced:
    """A model of which calls with known tokens have no price."""

    provider: str | None
    model: str
    calls: int


@dataclass(frozen=True, slots=True)
class Token:
    id: str
    system: str


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Everything that the checks of the trail look at."""

    sources: Sequence[Source] = ()
    unpriced: Sequence[Unpriced] = ()
    tokens: Sequence[Token] = ()
    hours: Mapping[str, Collection[int]] = field(default_factory=dict)
    """By system, the hours since 1970 of the last eight days in which it sent calls."""
    by_system: Mapping[str, list[Source]] = field(init=False)

    def __post_init__(self) -> None:
        grouped: defaultdict[str, list[Source]] = defaultdict(list)
        for source in sorted(self.sources, key=lambda source: source.emitter):
            grouped[source.system].append(source)
        object.__setattr__(self, "by_system", dict(grouped))


def judge(arrivals: Arrivals, catalog: Catalog, now: datetime, endpoint: str) -> Iterator[Check]:
    """What arrives, system by system; `endpoint` is where products reach the bot."""
    for system in catalog.systems.values():
        sources = arrivals.by_system.get(system.name, [])
        if any(source.calls for source in sources):
            yield _calls(system, sources, arrivals.hours.get(system.name, ()), now)
        else:
            # Spans that are no calls tell their system only by a token.
            strangers = [*sources, *arrivals.by_system.get(NOWHERE, ())]
            yield Check(f"calls {system.name}", Status.WARN, _no_call(strangers), _how_to_send(system.name, endpoint))
        yield from _emitters(system.name, _active(sources, now))
    yield from _unlisted(arrivals, catalog)
    yield from _prices(arrivals.unpriced, catalog)
    yield from _tokens(arrivals.tokens, catalog)


def _calls(system: System, sources: Sequence[Source], hours: Collection[int], now: datetime) -> Check:
    name = f"calls {system.name}"
    calling = [source for source in sources if source.calls]
    newest = max(source.last for source in calling)
    calls = sum(source.calls for source in calling)
    told = f"{calls:,} {'call' if calls == 1 else 'calls'} by {_listed(source.emitter for source in calling)}"
    if _is_silent(system, hours, newest, now):
        return Check(
            name,
            Status.WARN,
            f"{told}, but none for {_duration(now - newest)}",
            "see whether the product runs and its exporter logs errors (401: the token; 503: it will try again); "
            f"where that is normal, set systems.{system.name}.calls.silence",
        )
    return Check(name, Status.OK, f"{told}, the newest {_duration(now - newest)} ago")


def _is_silent(system: System, hours: Collection[int], newest: datetime, now: datetime) -> bool:
    """None for a day, or for the catalog's `silence` at a time at which it usually sends some."""
    silence = system.calls.silence
    if silence is None or now - newest <= silence:
        return False
    return now - newest > ACTIVE or expects_calls(hours, now, silence)


def _no_call(sources: Sequence[Source]) -> str:
    if strangers := [source for source in sources if source.unknown_spans]:
        count = sum(source.unknown_spans for source in strangers)
        return f"{count:,} spans arrived, none of them a model call ({_listed(s.emitter for s in strangers)})"
    return "no call has arrived"


def _how_to_send(system: str, endpoint: str) -> str:
    return (
        f"give the product OTEL_EXPORTER_OTLP_ENDPOINT={endpoint} and "
        f'OTEL_EXPORTER_OTLP_HEADERS="Authorization=Bearer%20TOKEN" '
        f"(badday token create --system {system}), and see {PAGES}/README.md"
    )


def _active(sources: Sequence[Source], now: datetime) -> list[Source]:
    return [source for source in sources if now - source.last <= ACTIVE]


def _emitters(system: str, sources: Sequence[Source]) -> Iterator[Check]:
    for source in sources:
        if source.recent is not None and source.recent.calls:
            yield from _content(source, source.recent)
        if source.rejected:
            yield Check(
                f"refused {system}/{source.emitter or 'unnamed'}",
                Status.WARN,
                f"{source.rejected:,} spans or records were refused since the first arrived",
                "the reply to the post says why (ids of the wrong length, undecodable); the exporter may log it",
            )
    twins = [source for source in sources if source.twins]
    telling = [source.emitter for source in sources if source.calls or source.twins]
    if twins and len(telling) > 1:
        yield Check(
            f"twins {system}",
            Status.WARN,
            f"calls are told twice, by {_listed(telling)}; they are counted once, but your process pays for both",
            _silence_one(telling),
        )


def _content(source: Source, recent: Recent) -> Iterator[Check]:
    known = emitter(source.emitter)
    where = f"{source.system}/{source.emitter}"
    newest = "the newest call" if recent.calls == 1 else f"the newest {recent.calls:,} calls"
    lacking = [
        kind
        for kind, without, calls in (
            ("input", recent.without_input, recent.calls),
            ("output", recent.without_output, recent.answered),
        )
        if without > ENOUGH * calls
    ]
    if lacking:
        missing = max(recent.without_input, recent.without_output)
        yield Check(
            f"text {where}",
            Status.WARN,
            f"no {' and no '.join(lacking)} in {missing:,} of {newest}",
            _fix(known.text, known.see),
        )
    if recent.without_tokens > UNMEASURED * recent.answered:
        streams = recent.streams_without_tokens
        yield Check(
            f"tokens {where}",
            Status.WARN,
            f"no tokens, and so no cost, in {recent.without_tokens:,} of {newest}"
            + (f"; {streams:,} of them are streams" if streams else ""),
            _fix(known.tokens, known.see),
        )
    if not recent.with_prompt_version:
        yield Check(
            f"prompt-version {where}",
            Status.WARN,
            f"no prompt version in {newest}, so changes of prompts cannot be told apart",
            f"put badday.prompt.version on the calls' spans; see {PAGES}/README.md",
        )
    if recent.truncated:
        yield Check(
            f"attributes {where}",
            Status.WARN,
            f"attributes lost at the SDK's limit in {recent.truncated:,} of {newest}: texts and tokens may be missing",
            _fix("set OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT=10000 in the product's environment", known.see),
        )


def _silence_one(telling: Sequence[str]) -> str:
    """The SDK's own spans are the easiest to switch off; else any may stay."""
    if ANTHROPIC_SDK in telling:
        rest = _listed(name for name in telling if name != ANTHROPIC_SDK)
        known = emitter(ANTHROPIC_SDK)
        return _fix(f"{known.off} in the product's environment, or keep the SDK's own and remove {rest}", known.see)
    ways = "; ".join(f"{name}: {emitter(name).off}" for name in telling)
    return _fix(f"keep one of them ({ways})", emitter(telling[0]).see)


def _unlisted(arrivals: Arrivals, catalog: Catalog) -> Iterator[Check]:
    for name, sources in arrivals.by_system.items():
        if name in catalog.systems or not (calls := sum(source.calls for source in sources)):
            continue
        if name == NOWHERE:
            yield Check(
                "unlisted calls",
                Status.WARN,
                f"{calls:,} calls name no system ({_listed(source.emitter for source in sources)})",
                "set OTEL_SERVICE_NAME to a system of the catalog, or send with a token of the system",
            )
            continue
        yield Check(
            f"unlisted {name}",
            Status.WARN,
            f"{calls:,} calls belong to a system that the catalog does not have, so nobody owns them",
            f"add systems.{name}, or set OTEL_SERVICE_NAME to one of: {_listed(catalog.systems)}",
        )


def _prices(unpriced: Sequence[Unpriced], catalog: Catalog) -> Iterator[Check]:
    if not unpriced:
        return
    worst = sorted(unpriced, key=lambda each: (-each.calls, each.model))
    named = _listed(f"{each.model} of {each.provider or 'an unnamed provider'}" for each in worst)
    first = worst[0]
    provider = first.provider if first.provider in catalog.providers else "<provider>"
    yield Check(
        "prices",
        Status.WARN,
        f"no price is known for {named}: {sum(each.calls for each in worst):,} recent calls have no cost",
        f"add providers.{provider}.prices: {{{first.model}: {{input: …, output: …}}}}, US dollars a million tokens",
    )


def _tokens(tokens: Sequence[Token], catalog: Catalog) -> Iterator[Check]:
    for token in tokens:
        if token.system not in catalog.systems:
            yield Check(
                f"token {token.id}",
                Status.WARN,
                f"it belongs to {token.system}, which the catalog does not have",
                f"add systems.{token.system}, or: badday token revoke {token.id}",
            )


def _fix(what: str, see: str) -> str:
    return f"{what}; {see}"


def _listed(names: Iterable[str]) -> str:
    unique = list(dict.fromkeys(names))
    more = [f"{len(unique) - NAMED} more"] if len(unique) > NAMED else []
    return _joined([*unique[:NAMED], *more])


def _joined(names: Collection[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def _duration(elapsed: timedelta) -> str:
    seconds = max(0, int(elapsed.total_seconds()))
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"
