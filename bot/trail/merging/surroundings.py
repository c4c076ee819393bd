"""Calls and spans around a batch that is being joined, found by span, response id, trace, parent and meeting point."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TypeVar

from bot.trail.calls import Kind, SeenSpan, Sighting, StoredCall

K = TypeVar("K")
V = TypeVar("V")
SpanKey = tuple[bytes, bytes]
"""Trace id and span id."""
EMITTER = "emitter"
"""Who emitted a span: a name among the hints of a twin."""
NATIVE = "native"
"""Whether the provider's own SDK did: a name among the hints of a twin, and of a span at a meeting point."""


class Surroundings:
    """What is known, with what the batch adds to it. What was given stays as it was."""

    def __init__(self, calls: Mapping[int, StoredCall], spans: Mapping[SpanKey, SeenSpan]) -> None:
        self.calls = dict(calls)
        self.spans = dict(spans)
        self.touched: set[int] = set()
        """Calls that the batch told something of."""
        self._owner: dict[SpanKey, int] = {}
        self._by_response: dict[tuple[str, str], set[int]] = {}
        self._by_trace: dict[bytes, set[int]] = {}
        self._under: dict[SpanKey, set[SpanKey]] = {}
        self._beside: dict[SpanKey, dict[str, set[int]]] = {}
        self._points: dict[tuple[bytes, bool | None], set[SpanKey]] = {}
        self._spans_of: dict[int, set[SpanKey]] = {}
        for key, span in self.spans.items():
            self._note_span(key, span)
        for call in self.calls.values():
            self._note_call(call)

    # writing

    def put_call(self, call: StoredCall) -> None:
        """Add a call, or put it in the place of the one with its id."""
        self.calls[call.id] = call
        self.touched.add(call.id)
        self._note_call(call)

    def put_span(self, span: SeenSpan) -> None:
        """Remember a span."""
        key = (span.trace_id, span.span_id)
        before = self.spans.get(key)
        if before is not None and before.call_id is not None:
            self._spans_of.get(before.call_id, set()).discard(key)
        self.spans[key] = span
        self._note_span(key, span)

    def forget_span(self, key: SpanKey) -> None:
        """A span that need not be remembered after all."""
        span = self.spans.pop(key)
        if span.call_id is not None:
            self._spans_of.get(span.call_id, set()).discard(key)

    def take_out(self, call_id: int, kept: int) -> StoredCall:
        """Take out a call whose spans are those of the kept one from now on."""
        call = self.calls.pop(call_id)
        for key in list(self._spans_of.pop(call_id, ())):
            self.put_span(replace(self.spans[key], call_id=kept))
        if call.span_id:
            self._owner[call.trace_id, call.span_id] = kept
        for trace_id in {call.trace_id, *(key[0] for key in self._spans_of.get(kept, ()))}:
            ids = self._by_trace.setdefault(trace_id, set())
            ids.discard(call_id)
            ids.add(kept)
        return call

    def _note_call(self, call: StoredCall) -> None:
        if call.span_id:
            key = (call.trace_id, call.span_id)
            self._owner[key] = call.id
            _note(self._by_trace, call.trace_id, call.id)
            self._note_beside(call.trace_id, call.parent_span_id, call.facts.emitter, call.id)
            if call.parent_span_id:
                _note(self._under, (call.trace_id, call.parent_span_id), key)
        if call.facts.response_id:
            _note(self._by_response, (call.facts.system, call.facts.response_id), call.id)

    def _note_span(self, key: SpanKey, span: SeenSpan) -> None:
        if span.call_id is not None and span.call_id in self.calls:
            self._owner[key] = span.call_id
            _note(self._spans_of, span.call_id, key)
            _note(self._by_trace, key[0], span.call_id)
            if span.hints and EMITTER in span.hints:
                self._note_beside(key[0], span.parent_span_id, str(span.hints[EMITTER]), span.call_id)
        if span.parent_span_id:
            _note(self._under, (key[0], span.parent_span_id), key)
        _note(self._points, (key[0], (span.hints or {}).get(NATIVE)), key)

    def _note_beside(self, trace_id: bytes, parent: bytes | None, emitter: str, call_id: int) -> None:
        place = (trace_id, parent or b"")
        told = self._beside.get(place)
        if told is None:
            self._beside[place] = {emitter: {call_id}}
        else:
            _note(told, emitter, call_id)

    # reading

    def is_alone(self, sighting: Sighting) -> bool:
        """Whether nothing is known that a span's call could be joined with, or that waits for it.

        Every question of `twins` and of the parts that wait is answered by one of these tables.
        """
        trace_id, parent, facts = sighting.trace_id, sighting.parent_span_id, sighting.facts
        key = (trace_id, sighting.span_id)
        return not (
            sighting.links
            or key in self._owner
            or key in self.spans
            or key in self._under
            or (trace_id, parent or b"") in self._beside
            or (parent and (trace_id, parent) in self._owner)
            or (facts.response_id and (facts.system, facts.response_id) in self._by_response)
        )

    def owner(self, key: SpanKey) -> int | None:
        """The call that a span is of."""
        call_id = self._owner.get(key)
        return call_id if call_id in self.calls else None

    def of_response(self, system: str, response_id: str) -> list[int]:
        """Calls with a provider's response id; caches and stand-ins for providers give one several times."""
        found = self._by_response.get((system, response_id))
        return sorted(found & self.calls.keys()) if found else []

    def of_trace(self, trace_id: bytes) -> list[int]:
        """Calls with a span in a trace, the oldest first."""
        return sorted(call_id for call_id in self._by_trace.get(trace_id, ()) if call_id in self.calls)

    def is_in(self, call_id: int, trace_id: bytes) -> bool:
        """Whether a call has a span in a trace."""
        return call_id in self._by_trace.get(trace_id, ())

    def under(self, key: SpanKey) -> list[SpanKey]:
        """Spans of calls, parts and spans around calls that have this parent, by their start."""
        found = self._under.get(key)
        if not found:
            return []
        return sorted(found, key=lambda child: (self.start(child), child))

    def beside(self, trace_id: bytes, parent: bytes | None, emitter: str) -> list[int]:
        """Calls with a span of the same parent that somebody else told of."""
        told = self._beside.get((trace_id, parent or b""))
        if not told:
            return []
        ids = {call_id for other, some in told.items() if other != emitter for call_id in some}
        return sorted(ids & self.calls.keys())

    def at(self, links: Iterable[bytes], *, native: bool | None = None) -> list[SeenSpan]:
        """Spans that stand at meeting points: twins of the provider's own SDK, of others, or (None) halves."""
        keys = (key for link in links for key in sorted(self._points.get((link, native), ())))
        return [self.spans[key] for key in keys if key in self.spans]

    def spans_of(self, call_id: int) -> list[SeenSpan]:
        """Remembered spans of a call, its own not among them."""
        return [self.spans[key] for key in sorted(self._spans_of.get(call_id, ()))]

    def start(self, key: SpanKey) -> int:
        """When a span began."""
        span = self.spans.get(key)
        if span is not None:
            return span.start_us
        call_id = self.owner(key)
        return self.calls[call_id].facts.start_us if call_id is not None else 0

    def kind(self, key: SpanKey) -> Kind | None:
        """What a span is."""
        span = self.spans.get(key)
        if span is not None:
            return span.kind
        call_id = self.owner(key)
        return self.calls[call_id].kind if call_id is not None else None

    def emitter(self, key: SpanKey) -> str:
        """Who emitted a call's span."""
        span = self.spans.get(key)
        if span is not None and span.hints and EMITTER in span.hints:
            return str(span.hints[EMITTER])
        call_id = self.owner(key)
        return self.calls[call_id].facts.emitter if call_id is not None else ""

    def emitters(self, call_id: int) -> set[str]:
        """Everybody who told of a call."""
        told = {str(span.hints[EMITTER]) for span in self.spans_of(call_id) if span.hints and EMITTER in span.hints}
        return told | {self.calls[call_id].facts.emitter}


def _note(sets: dict[K, set[V]], key: K, value: V) -> None:
    """Put a value into the set at a key."""
    found = sets.get(key)
    if found is None:
        sets[key] = {value}
    else:
        found.add(value)
