"""Builds decoded spans and records, and sightings and calls of them, without a wire or a database."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

from bot.trail.calls import Facts, Sighting, StoredCall
from bot.trail.identity import id_maker
from bot.trail.mapping.mapper import Mapped, Mapper
from bot.trail.merging.merge import Changes, Known, merge, wanted
from bot.trail.spans import Decoded, Event, LogRecord, Scope, Span

START_US = 1_795_440_000_000_000
RECEIVED_US = START_US + 3_600_000_000
MAPPER = Mapper()


def trace(name: str) -> bytes:
    """A trace id by name."""
    return hashlib.blake2b(name.encode(), digest_size=16).digest()


def span_id(name: str) -> bytes:
    """A span id by name."""
    return hashlib.blake2b(name.encode(), digest_size=8).digest()


def span(
    attributes: dict[str, Any],
    *,
    scope: str = "house.made",
    name: str = "call",
    of: str = "t",
    own: str = "s",
    parent: str | None = None,
    start: int = 0,
    took: int | None = 1_000_000,
    status: int = 0,
    message: str = "",
    events: Sequence[tuple[str, int, dict[str, Any]]] = (),
    dropped: int = 0,
    service: str = "shop",
) -> Span:
    """A span; times are microseconds after START_US."""
    return Span(
        scope=Scope(scope, "1", {"service.name": service}),
        trace_id=trace(of),
        span_id=span_id(own),
        parent_span_id=span_id(parent) if parent else None,
        name=name,
        kind=3,
        start_us=START_US + start,
        end_us=START_US + start + (took or 0),
        status=status,
        status_message=message,
        attributes=attributes,
        events=[Event(name, START_US + start + after, told) for name, after, told in events],
        dropped_attributes=dropped,
    )


def record(
    event: str,
    body: Any = None,
    *,
    of: str = "t",
    own: str = "s",
    after: int = 0,
    scope: str = "house.made",
    **told: Any,
) -> LogRecord:
    """A log record of a span."""
    return LogRecord(
        scope=Scope(scope, "1", {"service.name": "shop"}),
        trace_id=trace(of),
        span_id=span_id(own) if own else b"",
        time_us=START_US + after,
        event_name=event,
        severity=9,
        body=body,
        attributes={name.replace("__", "."): value for name, value in told.items()},
    )


def mapped(*told: Span | LogRecord, system: str | None = None) -> Mapped:
    """What the mapper makes of them."""
    spans = [one for one in told if isinstance(one, Span)]
    logs = [one for one in told if isinstance(one, LogRecord)]
    return MAPPER.map(Decoded(spans=spans, logs=logs), system=system)


def facts_of(*told: Span | LogRecord) -> Facts:
    """The facts of the only call that they tell of."""
    (call,) = calls_of(mapped(*told).sightings)
    return call.facts


def keep(known: Known, changes: Changes) -> None:
    """What a store does with changes."""
    for call in changes.added:
        known.calls[call.id] = call
    for _, call in changes.changed:
        known.calls[call.id] = call
    for call in changes.removed:
        del known.calls[call.id]
    for one in changes.spans:
        known.spans[one.trace_id, one.span_id] = one


def looked_up(known: Known, sightings: Sequence[Sighting]) -> Known:
    """What a store finds for a batch: by trace, by response id, and by the spans seen before."""
    asked = wanted(sightings)
    traces = {trace_id for _, trace_id in asked.traces}
    responses = {response_id for _, response_id in asked.responses}
    ids = {call.id for call in known.calls.values() if call.facts.response_id in responses}
    found = Known()
    for _ in range(2):
        for key, one in known.spans.items():
            if one.trace_id in traces:
                found.spans[key] = one
                ids |= {one.call_id} if one.call_id is not None else set()
        ids |= {call.id for call in known.calls.values() if call.trace_id in traces}
        traces |= {known.calls[id_].trace_id for id_ in ids if id_ in known.calls}
    found.calls = {id_: known.calls[id_] for id_ in ids if id_ in known.calls}
    return found


def played(batches: Iterable[Sequence[Sighting]], received_us: int = RECEIVED_US) -> Known:
    """What is known after batches came one after the other."""
    known, new_id = Known(), id_maker()
    for batch in batches:
        keep(known, merge(batch, looked_up(known, batch), new_id, received_us=received_us))
    return known


def calls_of(*batches: Sequence[Sighting]) -> list[StoredCall]:
    """Calls by their start."""
    return sorted(played(batches).calls.values(), key=lambda call: (call.facts.start_us, call.span_id))
