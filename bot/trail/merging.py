"""From sightings to calls: which of them tell about the same call, and what is known about it then."""

from collections.abc import Callable, Iterable, Iterator
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any

from bot.trail import pending
from bot.trail.calls import Facts, Kind, Outcome, SeenSpan, Sighting, StoredCall
from bot.trail.identity import day_of
from bot.trail.joining import Ranks, hint, hints_of, join, settle

SpanKey = tuple[bytes, bytes]
LATEST_START_US = 86_400_000_000
"""A call that claims to start later than this after its arrival starts at its arrival."""
SAME_MOMENT_US = 5_000
"""How far a span may stick out of the one around it."""
MEETING_US = 1_000_000
"""How far apart the two halves of a call may be that share neither trace nor id."""
_DEEPEST = 64
_EMITTER = "emitter"
_NATIVE = "native"
_END = "end"
_TAKEN = "taken"
"""Names in the hints of spans that are not around calls."""


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
    """Join a batch with what is known. Gives the same calls in whatever order and batches the sightings come.

    Twins are spans of one call: the same span, the same provider response, a call right inside a call, calls side by
    side that cannot be told apart, or a failed call and the one that the provider's own SDK reports. `known` is not
    changed.
    """
    batch = _Batch(known, new_id, received_us)
    for sighting in sorted(sightings, key=_order):
        if sighting.kind is Kind.WRAPPER:
            batch.take_wrapper(sighting)
        elif sighting.kind is Kind.PART:
            batch.take_part(sighting)
        else:
            batch.take_call(sighting)
    batch.take_hints()
    return batch.changes()


_KIND_ORDER = {Kind.CALL: 0, Kind.ATTEMPT: 0, Kind.PART: 1, Kind.WRAPPER: 2}


def _order(sighting: Sighting) -> tuple[int, int, bytes]:
    return (_KIND_ORDER[sighting.kind], sighting.facts.start_us, sighting.span_id)


class _Batch:
    """The calls and spans around one batch while it is being joined."""

    def __init__(self, known: Known, new_id: Callable[[int], int], received_us: int) -> None:
        self._known = known
        self._new_id = new_id
        self._received_us = received_us
        self._calls = dict(known.calls)
        self._spans = dict(known.spans)
        self._owner: dict[SpanKey, int] = {}
        self._by_response: dict[tuple[str, str], int] = {}
        self._by_trace: dict[bytes, set[int]] = {}
        self._under: dict[SpanKey, set[SpanKey]] = {}
        self._points: dict[bytes, list[SpanKey]] = {}
        self._touched: set[int] = set()
        self._wrapped: set[bytes] = set()
        for key, span in known.spans.items():
            self._note_span(key, span)
        for call in known.calls.values():
            self._note_call(call)

    # indexes

    def _note_call(self, call: StoredCall) -> None:
        if call.span_id:
            key = (call.trace_id, call.span_id)
            self._owner[key] = call.id
            self._by_trace.setdefault(call.trace_id, set()).add(call.id)
            if call.parent_span_id:
                self._under.setdefault((call.trace_id, call.parent_span_id), set()).add(key)
        if call.facts.response_id:
            self._by_response[call.facts.system, call.facts.response_id] = call.id

    def _note_span(self, key: SpanKey, span: SeenSpan) -> None:
        if span.call_id is not None and span.call_id in self._calls:
            self._owner[key] = span.call_id
            self._by_trace.setdefault(key[0], set()).add(span.call_id)
        if span.parent_span_id:
            self._under.setdefault((key[0], span.parent_span_id), set()).add(key)
        points = self._points.setdefault(key[0], [])
        if key not in points:
            points.append(key)

    def _put_span(self, span: SeenSpan) -> None:
        key = (span.trace_id, span.span_id)
        self._spans[key] = span
        self._note_span(key, span)

    def _put_call(self, call: StoredCall) -> None:
        self._calls[call.id] = call
        self._touched.add(call.id)
        self._note_call(call)

    # calls

    def take_call(self, sighting: Sighting) -> None:
        """A span that is a call."""
        facts = sighting.facts = settle(copy(sighting.facts))
        key = (sighting.trace_id, sighting.span_id)
        own = self._owner.get(key) if sighting.span_id else None
        self._correct_start(facts, own)
        twins = list(dict.fromkeys(self._twins(sighting, own)))
        if twins:
            call_id = self._unite(twins)
            self._attach(call_id, sighting)
        else:
            call_id = self._begin(sighting)
        self._adopt(call_id, sighting)
        if sighting.links:
            self._stand_at(sighting, call_id)

    def _correct_start(self, facts: Facts, own: int | None) -> None:
        if 0 < facts.start_us <= self._received_us + LATEST_START_US:
            return
        facts.start_us = self._calls[own].facts.start_us if own is not None else self._received_us

    def _begin(self, sighting: Sighting) -> int:
        call = StoredCall(
            id=self._new_id(sighting.facts.start_us),
            trace_id=sighting.trace_id,
            span_id=sighting.span_id,
            parent_span_id=sighting.parent_span_id,
            facts=sighting.facts,
            kind=sighting.kind,
            received_us=self._received_us,
        )
        self._put_call(call)
        return call.id

    def _attach(self, call_id: int, sighting: Sighting) -> None:
        """Join a sighting with its call, whose own span is the outermost of the best told."""
        call = self._calls[call_id]
        theirs = StoredCall(
            id=call_id,
            trace_id=sighting.trace_id,
            span_id=sighting.span_id,
            parent_span_id=sighting.parent_span_id,
            facts=sighting.facts,
            kind=sighting.kind,
            received_us=self._received_us,
        )
        self._put_call(self._joined(call, theirs))

    def _joined(self, call: StoredCall, other: StoredCall) -> StoredCall:
        """The call with everything that the other tells, under the id of the first."""
        facts = join(call.facts, other.facts)
        same = (call.trace_id, call.span_id) == (other.trace_id, other.span_id)
        first, second = (call, other) if same or _primacy(call) >= _primacy(other) else (other, call)
        facts.emitter, facts.emitter_version = first.facts.emitter, first.facts.emitter_version
        if second.span_id and not same:
            self._put_span(
                SeenSpan(
                    second.trace_id,
                    second.span_id,
                    second.parent_span_id,
                    second.kind,
                    call.id,
                    second.facts.start_us,
                    {_EMITTER: second.facts.emitter},
                )
            )
        kind = Kind.ATTEMPT if Kind.ATTEMPT in (call.kind, other.kind) else Kind.CALL
        return StoredCall(
            id=call.id,
            trace_id=first.trace_id,
            span_id=first.span_id,
            parent_span_id=first.parent_span_id or (second.parent_span_id if same else None),
            facts=facts,
            kind=kind,
            received_us=min(call.received_us, other.received_us),
        )

    def _unite(self, twins: list[int]) -> int:
        """Of several calls that turn out to be one, the earliest stays."""
        kept, *others = sorted(twins)
        for call_id in others:
            other = self._calls.pop(call_id)
            for span in list(self._spans.values()):
                if span.call_id == call_id:
                    self._put_span(replace(span, call_id=kept))
            self._put_call(self._joined(self._calls[kept], replace(other, id=kept)))
            if other.span_id:
                self._owner[other.trace_id, other.span_id] = kept
            for ids in self._by_trace.values():
                if call_id in ids:
                    ids.discard(call_id)
                    ids.add(kept)
        return kept

    # who is whose twin

    def _twins(self, sighting: Sighting, own: int | None) -> Iterator[int]:
        if own is not None:
            yield own
        facts = sighting.facts
        if facts.response_id:
            found = self._by_response.get((facts.system, facts.response_id))
            if found is not None:
                yield found
        if not sighting.span_id:
            return
        yield from self._around(sighting)
        yield from self._inside(sighting)
        if own is None:
            beside = self._beside(sighting)
            if beside is None:
                beside = self._failed_elsewhere(sighting)
            if beside is not None:
                yield beside

    def _around(self, sighting: Sighting) -> Iterator[int]:
        """The call right around this one."""
        if sighting.kind is Kind.ATTEMPT or not sighting.parent_span_id:
            return
        parent = (sighting.trace_id, sighting.parent_span_id)
        call_id = self._owner.get(parent)
        if call_id is None or not _is_within(self._calls[call_id].facts, sighting.facts):
            return
        key = (sighting.trace_id, sighting.span_id)
        for sibling in self._under.get(parent, ()):
            if (
                sibling != key
                and self._owner.get(sibling) == call_id
                and self._emitter(sibling) == sighting.facts.emitter
            ):
                return
        yield call_id

    def _inside(self, sighting: Sighting) -> Iterator[int]:
        """Calls right inside this one: of each emitter the first."""
        heard: set[str] = set()
        children = self._under.get((sighting.trace_id, sighting.span_id), ())
        for key in sorted(children, key=self._start_of):
            call_id = self._owner.get(key)
            if call_id is None or self._kind_of(key) is not Kind.CALL:
                continue
            call = self._calls[call_id]
            emitter = self._emitter(key)
            if emitter not in heard and _is_within(sighting.facts, call.facts):
                heard.add(emitter)
                yield call_id

    def _beside(self, sighting: Sighting) -> int | None:
        """A call of the same parent that another emitter told of, and that differs in nothing."""
        if sighting.kind is Kind.ATTEMPT:
            return None
        best: tuple[int, int] | None = None
        for call_id in self._by_trace.get(sighting.trace_id, ()):
            call = self._calls[call_id]
            if call.kind is Kind.ATTEMPT or not self._shares_parent(call, sighting):
                continue
            if not _looks_same(call.facts, sighting.facts, native=sighting.native or _is_native(call.facts)):
                continue
            if sighting.facts.emitter in self._emitters(call_id):
                continue
            distance = abs(call.facts.start_us - sighting.facts.start_us)
            if best is None or (distance, call_id) < best:
                best = (distance, call_id)
        return best[1] if best else None

    def _shares_parent(self, call: StoredCall, sighting: Sighting) -> bool:
        if call.trace_id == sighting.trace_id and call.parent_span_id == sighting.parent_span_id:
            return True
        if not sighting.parent_span_id:
            return False
        siblings = self._under.get((sighting.trace_id, sighting.parent_span_id), ())
        return any(self._owner.get(key) == call.id for key in siblings)

    def _failed_elsewhere(self, sighting: Sighting) -> int | None:
        """A failed call in another trace that is this one, seen by the provider's own SDK or around it."""
        facts = sighting.facts
        if not sighting.links or facts.outcome is not Outcome.ERROR:
            return None
        best: tuple[int, int] | None = None
        for point in self._met(sighting):
            call = self._calls.get(point.call_id) if point.call_id is not None else None
            if call is None or not point.hints or point.hints.get(_NATIVE) is sighting.native:
                continue
            if facts.emitter in self._emitters(call.id) or not _may_be_one(call.facts, facts):
                continue
            end = facts.start_us + (facts.duration_us or 0)
            theirs = (point.start_us, point.hints.get(_END, point.start_us))
            inner, outer = ((facts.start_us, end), theirs) if sighting.native else (theirs, (facts.start_us, end))
            if not _contains(outer, inner) or call.facts.error_class is not facts.error_class:
                continue
            distance = abs(point.start_us - facts.start_us)
            if best is None or (distance, call.id) < best:
                best = (distance, call.id)
        return best[1] if best else None

    def _emitter(self, key: SpanKey) -> str:
        span = self._spans.get(key)
        if span is not None and span.hints and _EMITTER in span.hints:
            return str(span.hints[_EMITTER])
        call_id = self._owner.get(key)
        return self._calls[call_id].facts.emitter if call_id is not None else ""

    def _emitters(self, call_id: int) -> set[str]:
        found = {self._calls[call_id].facts.emitter}
        for span in self._spans.values():
            if span.call_id == call_id and span.hints and _EMITTER in span.hints:
                found.add(str(span.hints[_EMITTER]))
        return found

    def _kind_of(self, key: SpanKey) -> Kind:
        span = self._spans.get(key)
        if span is not None:
            return span.kind
        return self._calls[self._owner[key]].kind

    def _start_of(self, key: SpanKey) -> tuple[int, bytes]:
        span = self._spans.get(key)
        if span is not None:
            return (span.start_us, key[1])
        call_id = self._owner.get(key)
        return (self._calls[call_id].facts.start_us if call_id is not None else 0, key[1])

    # parts

    def take_part(self, sighting: Sighting) -> None:
        """More about a call that may be known, or may come."""
        facts = sighting.facts = settle(copy(sighting.facts))
        if facts.start_us <= 0 or facts.start_us > self._received_us + LATEST_START_US:
            facts.start_us, facts.duration_us = self._received_us, None
        call_id = self._whole_of(sighting)
        if call_id is not None:
            self._fill(call_id, facts)
            return
        trace_id = sighting.links[0] if sighting.links else sighting.trace_id
        key = (trace_id, sighting.span_id)
        waiting = self._spans.get(key)
        if waiting is not None and waiting.kind is not Kind.PART:
            return
        if waiting is not None and waiting.hints and pending.FACTS in waiting.hints:
            facts = join(pending.unpack(waiting.hints), facts)
        start = sighting.anchor_us or facts.start_us
        parent = None if sighting.links else sighting.parent_span_id
        self._put_span(SeenSpan(trace_id, sighting.span_id, parent, Kind.PART, None, start, pending.pack(facts)))

    def _whole_of(self, sighting: Sighting) -> int | None:
        """The call that a part belongs to."""
        facts = sighting.facts
        found = self._owner.get((sighting.trace_id, sighting.span_id))
        if found is None and sighting.parent_span_id:
            found = self._owner.get((sighting.trace_id, sighting.parent_span_id))
        if found is None and facts.response_id:
            found = self._by_response.get((facts.system, facts.response_id))
        if found is not None or not sighting.links:
            return found
        own = self._spans.get((sighting.links[0], sighting.span_id))
        if own is not None and own.call_id in self._calls:
            return own.call_id
        points = [
            point for point in self._met(sighting) if point.kind is Kind.CALL and not (point.hints or {}).get(_TAKEN)
        ]
        points = [point for point in points if abs(point.start_us - sighting.anchor_us) <= MEETING_US]
        if not points:
            return None
        point = min(points, key=lambda one: (abs(one.start_us - sighting.anchor_us), one.span_id))
        self._put_span(replace(point, hints={**(point.hints or {}), _TAKEN: True}))
        self._put_span(
            SeenSpan(sighting.links[0], sighting.span_id, None, Kind.PART, point.call_id, sighting.anchor_us, None)
        )
        return point.call_id

    def _fill(self, call_id: int, facts: Facts) -> None:
        call = self._calls[call_id]
        joined = join(call.facts, facts)
        joined.emitter, joined.emitter_version = call.facts.emitter, call.facts.emitter_version
        if joined != call.facts:
            self._put_call(replace(call, facts=joined))
            if joined.response_id and joined.response_id != call.facts.response_id:
                self._unite_by_response(call_id)

    def _unite_by_response(self, call_id: int) -> None:
        facts = self._calls[call_id].facts
        others = [
            other.id
            for other in self._calls.values()
            if other.id != call_id
            and (other.facts.system, other.facts.response_id) == (facts.system, facts.response_id)
        ]
        if others:
            self._unite([call_id, *others])

    def _adopt(self, call_id: int, sighting: Sighting) -> None:
        """Parts that came before their call."""
        key = (sighting.trace_id, sighting.span_id)
        waiting = [key] if sighting.span_id else []
        waiting += [child for child in self._under.get(key, ()) if self._owner.get(child) is None]
        if sighting.links and sighting.facts.outcome is Outcome.OK:
            waiting += self._nearest_waiting(sighting)
        for part in waiting:
            span = self._spans.get(part)
            if span is None or span.kind is not Kind.PART or span.call_id is not None:
                continue
            if not span.hints or pending.FACTS not in span.hints:
                continue
            facts = pending.unpack(span.hints)
            if part == key and part not in self._known.spans:
                del self._spans[part]
            else:
                self._put_span(replace(span, call_id=call_id, hints=None))
            self._fill(call_id, facts)
            call_id = self._owner.get(key, call_id)

    def _nearest_waiting(self, sighting: Sighting) -> list[SpanKey]:
        points = [
            point
            for point in self._met(sighting)
            if point.kind is Kind.PART and point.call_id is None
            if abs(point.start_us - sighting.anchor_us) <= MEETING_US
        ]
        if not points:
            return []
        point = min(points, key=lambda one: (abs(one.start_us - sighting.anchor_us), one.span_id))
        return [(point.trace_id, point.span_id)]

    # meeting points

    def _met(self, sighting: Sighting) -> list[SeenSpan]:
        return [self._spans[key] for link in sighting.links for key in self._points.get(link, ()) if key in self._spans]

    def _stand_at(self, sighting: Sighting, call_id: int) -> None:
        """Be found by a twin that shares neither trace nor id."""
        link = sighting.links[0]
        hints: dict[str, Any] = {
            _NATIVE: sighting.native,
            _END: sighting.facts.start_us + (sighting.facts.duration_us or 0),
        }
        standing = self._spans.get((link, sighting.span_id))
        taken = any(point.kind is Kind.PART and point.call_id == call_id for point in self._met(sighting)) or bool(
            standing is not None and (standing.hints or {}).get(_TAKEN)
        )
        if taken:
            hints[_TAKEN] = True
        point = SeenSpan(link, sighting.span_id, None, Kind.CALL, call_id, sighting.anchor_us, hints)
        if point != standing:
            self._put_span(point)

    # spans around calls

    def take_wrapper(self, sighting: Sighting) -> None:
        """A span around calls: remembered with what it hints at."""
        key = (sighting.trace_id, sighting.span_id)
        if not sighting.span_id or key in self._owner:
            return
        start = sighting.facts.start_us
        if start <= 0 or start > self._received_us + LATEST_START_US:
            known = self._spans.get(key)
            start = known.start_us if known is not None else self._received_us
        hints = hints_of(sighting.facts) or None
        span = SeenSpan(*key, sighting.parent_span_id, Kind.WRAPPER, None, start, hints)
        self._wrapped.add(sighting.trace_id)
        if self._spans.get(key) != span:
            self._put_span(span)

    def take_hints(self) -> None:
        """Give calls what the spans around them hint at."""
        touched = set(self._touched)
        for trace_id in self._wrapped:
            touched |= self._by_trace.get(trace_id, set())
        roots: dict[bytes, dict[str, Any]] = {}
        for key, span in self._spans.items():
            if span.kind is Kind.WRAPPER and span.parent_span_id is None and span.hints:
                roots.setdefault(key[0], {}).update(span.hints)
        for call_id in sorted(touched & self._calls.keys()):
            call = self._calls[call_id]
            near = self._hints_around(call)
            far = roots.get(call.trace_id, {})
            if near or far:
                facts = hint(call.facts, near, far)
                if facts is not call.facts:
                    self._calls[call_id] = replace(call, facts=facts)

    def _hints_around(self, call: StoredCall) -> dict[str, Any]:
        """What the spans around a call hint at, the nearest first."""
        hints: dict[str, Any] = {}
        key: SpanKey = (call.trace_id, call.span_id)
        parent = call.parent_span_id
        for _ in range(_DEEPEST):
            if not parent:
                break
            key = (key[0], parent)
            span = self._spans.get(key)
            owner = self._owner.get(key)
            if span is not None:
                parent = span.parent_span_id
                if span.kind is Kind.WRAPPER:
                    hints = {**(span.hints or {}), **hints}
            elif owner is not None:
                parent = self._calls[owner].parent_span_id
            else:
                break
        return hints

    # the result

    def changes(self) -> Changes:
        """What the store has to write."""
        changes = Changes()
        for call_id, call in self._calls.items():
            before = self._known.calls.get(call_id)
            if before is None:
                changes.added.append(call)
            elif call is not before and call != before:
                changes.changed.append((before, call))
        changes.removed = [call for call_id, call in self._known.calls.items() if call_id not in self._calls]
        changes.spans = [span for key, span in self._spans.items() if self._known.spans.get(key) != span]
        return changes


def _primacy(call: StoredCall) -> tuple[int, int, bytes]:
    """Whose span stands for the call: an instrumentation's before the SDK's own, then the outer one."""
    return (Ranks(call.facts.ranks).instrumented, -call.facts.start_us, call.span_id)


def _is_native(facts: Facts) -> bool:
    return not Ranks(facts.ranks).instrumented


def _contains(outer: tuple[int, int], inner: tuple[int, int]) -> bool:
    return outer[0] - SAME_MOMENT_US <= inner[0] and inner[1] <= outer[1] + SAME_MOMENT_US


def _models(facts: Facts) -> list[str]:
    return [name.rsplit("/", 1)[-1].lower() for name in (facts.model_asked, facts.model_answered) if name is not None]


def _may_be_one(one: Facts, other: Facts) -> bool:
    """Whether nothing says that these are two calls."""
    if one.system != other.system:
        return False
    if one.response_id and other.response_id and one.response_id != other.response_id:
        return False
    if (one.operation == "embeddings") is not (other.operation == "embeddings"):
        return False
    mine, yours = _models(one), _models(other)
    if not mine or not yours:
        return True
    return any(a.startswith(b) or b.startswith(a) for a in mine for b in yours)


def _is_within(outer: Facts, inner: Facts) -> bool:
    """Whether a call inside a call's span is that call: not a failed try before the answer."""
    if not _may_be_one(outer, inner):
        return False
    answered = outer.response_id is not None or outer.output_tokens is not None or Ranks(outer.ranks).output_length > 0
    return not (inner.outcome is Outcome.ERROR and outer.outcome is Outcome.OK and answered)


def _looks_same(one: Facts, other: Facts, *, native: bool) -> bool:
    if not _may_be_one(one, other) or one.outcome is not other.outcome:
        return False
    mine = (one.start_us, one.start_us + (one.duration_us or 0))
    yours = (other.start_us, other.start_us + (other.duration_us or 0))
    if not _contains(mine, yours) and not _contains(yours, mine):
        return False
    if one.input_tokens is not None and other.input_tokens is not None:
        return one.input_tokens == other.input_tokens
    return native
