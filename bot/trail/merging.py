"""From sightings to calls: which of them tell about the same call, and what is known about it then."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields, replace

from bot.trail.calls import Facts, Kind, SeenSpan, Sighting, StoredCall
from bot.trail.identity import day_of

SpanKey = tuple[bytes, bytes]
LATEST_START_US = 86_400_000_000
"""A call that claims to start later than this after its arrival starts at its arrival."""


@dataclass(slots=True)
class Known:
    """What the store already has of a batch's traces and response ids."""

    calls: dict[int, StoredCall] = field(default_factory=dict)
    spans: dict[SpanKey, SeenSpan] = field(default_factory=dict)


@dataclass(slots=True)
class Changes:
    """What a batch changes in the store."""

    added: list[StoredCall] = field(default_factory=list)
    changed: list[tuple[StoredCall, StoredCall]] = field(default_factory=list)
    """Before and after."""
    removed: list[StoredCall] = field(default_factory=list)
    """Found to be another call's twin."""
    spans: list[SeenSpan] = field(default_factory=list)
    """To be inserted or replaced."""


@dataclass(slots=True)
class Wanted:
    """What `merge` has to know of a batch: by day (see identity), and the days before and after."""

    traces: set[tuple[int, bytes]] = field(default_factory=set)
    """Spans with these trace ids, calls whose own trace it is, and the calls that those spans name."""
    responses: set[tuple[int, str]] = field(default_factory=set)
    """Calls with these response ids."""


def wanted(sightings: Iterable[Sighting]) -> Wanted:
    """What has to be looked up before `merge`. A sighting without a time is looked for today."""
    result = Wanted()
    for sighting in sightings:
        facts = sighting.facts
        day = day_of(facts.start_us or sighting.anchor_us)
        if sighting.trace_id:
            result.traces.add((day, sighting.trace_id))
        for link in sighting.links:
            result.traces.add((day, link))
        if facts.response_id:
            result.responses.add((day, facts.response_id))
    return result


def merge(sightings: Iterable[Sighting], known: Known, new_id: Callable[[int], int], *, received_us: int) -> Changes:
    """Join a batch with what is known."""
    changes = Changes()
    current = dict(known.calls)
    by_span: dict[SpanKey, int] = {(c.trace_id, c.span_id): c.id for c in current.values()}
    by_span.update({key: span.call_id for key, span in known.spans.items() if span.call_id is not None})
    by_response: dict[tuple[str, str | None], int] = {
        (c.facts.system, c.facts.response_id): c.id for c in current.values() if c.facts.response_id
    }
    for sighting in sightings:
        if sighting.kind not in (Kind.CALL, Kind.ATTEMPT):
            continue
        key = (sighting.trace_id, sighting.span_id)
        response = (sighting.facts.system, sighting.facts.response_id)
        call_id = by_span.get(key) or (by_response.get(response) if response[1] else None)
        if call_id is None:
            call = _begin(sighting, new_id, received_us)
            current[call.id] = call
            by_span[key] = call.id
            if response[1]:
                by_response[response] = call.id
            continue
        call = current[call_id]
        joined = _fill(call.facts, sighting.facts)
        if joined != call.facts:
            current[call_id] = replace(call, facts=joined)
        if key not in by_span:
            by_span[key] = call_id
            changes.spans.append(
                SeenSpan(*key, sighting.parent_span_id, sighting.kind, call_id, sighting.facts.start_us)
            )
    for call_id, call in current.items():
        before = known.calls.get(call_id)
        if before is None:
            changes.added.append(call)
        elif before is not call:
            changes.changed.append((before, call))
    return changes


def _begin(sighting: Sighting, new_id: Callable[[int], int], received_us: int) -> StoredCall:
    facts = replace(sighting.facts, start_us=_start(sighting.facts.start_us, received_us))
    return StoredCall(
        id=new_id(facts.start_us),
        trace_id=sighting.trace_id,
        span_id=sighting.span_id,
        parent_span_id=sighting.parent_span_id,
        facts=facts,
        kind=sighting.kind,
        received_us=received_us,
    )


def _start(start_us: int, received_us: int) -> int:
    return received_us if start_us <= 0 or start_us > received_us + LATEST_START_US else start_us


def _fill(facts: Facts, more: Facts) -> Facts:
    """What the first does not tell is taken from the second."""
    filled = {
        f.name: getattr(more, f.name)
        for f in fields(Facts)
        if getattr(facts, f.name) is None and getattr(more, f.name) is not None
    }
    return replace(facts, **filled) if filled else facts
