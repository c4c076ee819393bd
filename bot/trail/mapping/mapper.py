"""From spans and log records of any instrumentation to sightings of calls, by the vocabularies."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b

from bot.trail.calls import Facts, Kind, Outcome, Sighting
from bot.trail.mapping import errors, messages
from bot.trail.mapping.collecting import Talk, collect, read_documents, read_events, read_told_events
from bot.trail.mapping.telling import (
    Told,
    microseconds,
    put_content,
    put_likely_provider,
    put_names,
    put_outcome,
    put_said,
    put_timing,
    put_unsure_model,
    put_usage,
    word,
)
from bot.trail.mapping.vocabulary import HINTS, Vocabularies, Vocabulary, load_vocabularies
from bot.trail.spans import Decoded, LogRecord, Scope, Span

UNKNOWN_SYSTEM = "unknown"
HALF_WINDOW_US = 10_000_000
TWIN_WINDOW_US = 1_000_000
"""Twins without an id meet by the window of time they fall into, and the windows beside it."""
_UNCOUNTED = "uncounted"
_ENVIRONMENT = ("deployment.environment.name", "deployment.environment")


@dataclass(slots=True)
class Mapped:
    """What a request body told."""

    sightings: list[Sighting] = field(default_factory=list)
    unknown: dict[str, int] = field(default_factory=dict)
    """Spans and records that tell of no call, by the name of their instrumentation."""
    rejected: dict[str, int] = field(default_factory=dict)
    """Spans and records that could not be used, by reason."""


@dataclass(slots=True)
class _Place:
    """What a resource tells of everything in it."""

    system: str
    environment: str | None
    release: str | None


class Mapper:
    """Reads spans and records by the vocabularies. Keeps nothing between bodies but look-up tables."""

    def __init__(self, vocabularies: Vocabularies | None = None) -> None:
        self._vocabularies = vocabularies or load_vocabularies()
        self._native = self._vocabularies.native_providers
        self._nameless = self._vocabularies.nameless_providers
        self._hints = frozenset(
            name
            for name, targets in self._vocabularies.general.targets.items()
            if name.startswith(("badday.", "app.")) and any(told in HINTS for told, _ in targets)
        )

    def map(self, decoded: Decoded, *, system: str | None) -> Mapped:
        """Sightings of everything that was decoded. `system` is the token's; else `service.name` tells."""
        mapped = Mapped(rejected=dict(decoded.rejected))
        places: dict[int, _Place] = {}
        for span in decoded.spans:
            sighting = self._span(span, _place_of(span.scope, system, places), mapped)
            if sighting is not None:
                mapped.sightings.append(sighting)
        if decoded.logs:
            self._logs(decoded.logs, system, places, mapped)
        return mapped

    def _span(self, span: Span, place: _Place, mapped: Mapped) -> Sighting | None:
        vocabulary = self._vocabularies.spoken(span.scope.name, span.attributes)
        decided, kind = vocabulary.kind(span)
        if not decided and vocabulary is not self._vocabularies.general:  # it may have taken over the conventions
            vocabulary = self._vocabularies.general
            decided, kind = vocabulary.kind(span)
        if not decided:
            if not self._hints.isdisjoint(span.attributes):
                return self._around(span, vocabulary, place)
            name = span.scope.name or "unnamed"
            mapped.unknown[name] = mapped.unknown.get(name, 0) + 1
            return None
        if kind is None:
            return None
        if kind is Kind.WRAPPER:
            return self._around(span, vocabulary, place)
        return self._call(span, vocabulary, kind, place)

    def _around(self, span: Span, vocabulary: Vocabulary, place: _Place) -> Sighting:
        """A span around calls: only what it hints at."""
        told = Told(vocabulary)
        collect(told, span.attributes)
        read_documents(told, span.attributes)
        told.raw = {name: value for name, value in told.raw.items() if name in HINTS}
        told.extra = {}
        facts = _begin(vocabulary, span.scope, place)
        facts.start_us = max(0, span.start_us)
        put_names(told, facts)
        return Sighting(Kind.WRAPPER, span.trace_id, span.span_id, span.parent_span_id, facts)

    def _call(self, span: Span, vocabulary: Vocabulary, kind: Kind, place: _Place) -> Sighting:
        told = Told(vocabulary)
        collect(told, span.attributes)
        exception: tuple[str | None, str | None] = (None, None)
        facts = _begin(vocabulary, span.scope, place)
        if span.events:
            exception = read_events(told, facts, span)
        if "events" in told.raw:
            read_told_events(told)
        read_documents(told, span.attributes)
        put_names(told, facts)
        _read_name(span, vocabulary, facts)
        put_usage(told, facts)
        put_content(told, facts, span.dropped_attributes > 0)
        put_timing(told, facts)
        failed = True if span.status == 2 else (False if span.status == 1 else None)
        put_outcome(told, facts, failed=failed, message=span.status_message, exception=exception)
        put_unsure_model(told, facts)
        put_likely_provider(facts)
        _drop_echo(vocabulary, facts)
        facts.start_us = max(0, span.start_us)
        if span.end_us >= span.start_us > 0:
            facts.duration_us = span.end_us - span.start_us
        if facts.first_token_us is not None and facts.stream is None:
            facts.stream = True
        facts.truncated = span.dropped_attributes > 0
        sighting = Sighting(kind, span.trace_id, span.span_id, span.parent_span_id, facts)
        sighting.native = vocabulary.native_of is not None
        self._link(sighting, vocabulary, told)
        put_said(told, facts)
        return sighting

    def _link(self, sighting: Sighting, vocabulary: Vocabulary, told: Told) -> None:
        """Where a twin without a common trace, parent or id can be met."""
        facts = sighting.facts
        if vocabulary.continued is not None and facts.outcome is Outcome.OK:
            self._link_half(sighting, vocabulary, told)
        if sighting.halved or facts.provider not in self._native:
            return
        if not (sighting.native or facts.response_id is None or facts.provider in self._nameless):
            return
        sighting.anchor_us = facts.start_us
        places = [
            _links(f"twin\0{facts.system}\0{facts.provider}\0{likeness}", sighting.anchor_us, TWIN_WINDOW_US)
            for likeness in _likenesses(sighting)
        ]
        sighting.links = tuple(link for links in places for link in links)
        sighting.stands = tuple(links[0] for links in places)

    def _link_half(self, sighting: Sighting, vocabulary: Vocabulary, told: Told) -> None:
        facts = sighting.facts
        key = f"half\0{facts.system}\0{vocabulary.name}\0{facts.model_asked}\0{facts.input}"
        if sighting.kind is Kind.PART:
            duration = microseconds(told.raw.get("duration_seconds")) or 0
            facts.start_us = max(0, facts.start_us - duration)
            facts.duration_us = duration
            facts.stream = True
        elif facts.output is not None or facts.output_tokens is not None:
            return
        sighting.halved = True
        sighting.anchor_us = facts.start_us + (0 if sighting.kind is Kind.PART else facts.duration_us or 0)
        sighting.links = _links(key, sighting.anchor_us, HALF_WINDOW_US)

    def _logs(self, logs: Iterable[LogRecord], system: str | None, places: dict[int, _Place], mapped: Mapped) -> None:
        talks: dict[tuple[bytes, bytes], tuple[Talk, Facts]] = {}
        for record in logs:
            vocabulary = self._vocabularies.spoken(record.scope.name, record.attributes)
            event = record.event_name or record.attributes.get("event.name") or record.attributes.get("event_name")
            rule = None
            if isinstance(event, str):
                rule = next((rule for pattern, rule in vocabulary.records if pattern.match(event)), None)
            if rule is None:
                name = record.scope.name or "unnamed"
                mapped.unknown[name] = mapped.unknown.get(name, 0) + 1
                continue
            place = _place_of(record.scope, system, places)
            if rule.kind == "call":
                mapped.sightings.append(self._record(record, vocabulary, place))
                continue
            if not record.span_id:
                mapped.unknown[record.scope.name] = mapped.unknown.get(record.scope.name, 0) + 1
                continue
            key = (record.trace_id, record.span_id)
            if key not in talks:
                talks[key] = (Talk(), _begin(vocabulary, record.scope, place))
            talks[key][0].add(record.time_us, record.body, record.attributes, rule.role, answer=rule.answer)
        mapped.sightings.extend(_of_talk(*key, talk, facts) for key, (talk, facts) in talks.items())

    def _record(self, record: LogRecord, vocabulary: Vocabulary, place: _Place) -> Sighting:
        told = Told(vocabulary)
        attributes = record.attributes
        if isinstance(record.body, Mapping):
            attributes = {**record.body, **attributes}
        collect(told, attributes)
        read_documents(told, attributes)
        facts = _begin(vocabulary, record.scope, place)
        put_names(told, facts)
        put_usage(told, facts)
        put_content(told, facts, record.dropped_attributes > 0)
        put_timing(told, facts)
        put_outcome(told, facts, failed=None, message=None, exception=errors.exception_of(attributes))
        _drop_echo(vocabulary, facts)
        facts.start_us = max(0, record.time_us)
        facts.truncated = record.dropped_attributes > 0
        put_said(told, facts)
        return Sighting(
            Kind.CALL, record.trace_id, record.span_id, None, facts, native=vocabulary.native_of is not None
        )


def _place_of(scope: Scope, system: str | None, places: dict[int, _Place]) -> _Place:
    place = places.get(id(scope.resource))
    if place is None:
        resource = scope.resource
        named = system or word(resource.get("service.name")) or UNKNOWN_SYSTEM
        environment = next((found for name in _ENVIRONMENT if (found := word(resource.get(name)))), None)
        place = _Place(named, environment, word(resource.get("service.version")))
        places[id(scope.resource)] = place
    return place


def _of_talk(trace_id: bytes, span_id: bytes, talk: Talk, facts: Facts) -> Sighting:
    """What records of one span, one a message, tell together."""
    facts.start_us = talk.first_us
    facts.input = messages.input_text([one for _, one in sorted(talk.asked, key=lambda pair: pair[0])])
    facts.output = messages.output_text(talk.answers)
    facts.finish_reason = talk.finish
    return Sighting(Kind.PART, trace_id, span_id, None, facts)


def _begin(vocabulary: Vocabulary, scope: Scope, place: _Place) -> Facts:
    facts = Facts(system=place.system, environment=place.environment, release=place.release)
    facts.emitter = vocabulary.name
    facts.emitter_version = scope.version[:64]
    facts.ranks = vocabulary.ranks
    return facts


def _read_name(span: Span, vocabulary: Vocabulary, facts: Facts) -> None:
    """What attributes do not tell, from the names of the span (`chat gpt-4.1-mini`) and of its instrumentation."""
    if facts.model_asked is None and facts.model_answered is None:
        operation, _, model = span.name.partition(" ")
        if operation == facts.operation and model and " " not in model:
            facts.model_asked = word(model)
    if facts.provider is None:
        providers = vocabulary.values.get("provider", {})
        parts = reversed(span.scope.name.lower().replace("-", ".").split("."))
        facts.provider = next((found for part in parts if (found := providers.get(part))), vocabulary.native_of)


def _drop_echo(vocabulary: Vocabulary, facts: Facts) -> None:
    """Where nobody answered, or nobody says who did, the asked model's name is no answered one."""
    if facts.response_id is not None or facts.model_answered != facts.model_asked:
        return
    failed = facts.outcome is Outcome.ERROR and facts.output is None
    if failed or (vocabulary.answered_may_echo and facts.operation != "embeddings"):
        facts.model_answered = None


def _likenesses(sighting: Sighting) -> list[str]:
    """What a twin is known by. The SDK itself knows its counts; others leave the cached part out, or know none."""
    facts = sighting.facts
    if facts.outcome is Outcome.ERROR:
        return [str(facts.error_class)]
    if facts.input_tokens is None:
        return [] if sighting.native else [_UNCOUNTED]
    told = [str(facts.input_tokens)]
    if sighting.native:
        beside = (facts.cached_tokens or 0) + (facts.cache_write_tokens or 0)
        told += [str(facts.input_tokens - beside)] if 0 < beside < facts.input_tokens else []
        told += [_UNCOUNTED] if facts.stream or facts.response_id is None else []
    return told


def _links(key: str, anchor_us: int, window_us: int) -> tuple[bytes, ...]:
    """The meeting point of this moment first, then those beside it that a twin's moment may fall into."""
    window, margin_us = anchor_us // window_us, window_us // 4
    windows = [window]
    if anchor_us % window_us < margin_us:
        windows.append(window - 1)
    if anchor_us % window_us > window_us - margin_us:
        windows.append(window + 1)
    return tuple(blake2b(f"{key}\0{one}".encode(), digest_size=16).digest() for one in windows)
