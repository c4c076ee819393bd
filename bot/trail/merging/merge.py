"""From sightings to calls: which of them tell about the same call, and what is known about it then."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from bot.trail.calls import Facts, Kind, SeenSpan, Sighting, StoredCall
from bot.trail.identity import day_of
from bot.trail.merging import pending
from bot.trail.merging.joining import Ranks, copied, hint, hints_of, join, outranked, settle
from bot.trail.merging.surroundings import EMITTER, NATIVE, SpanKey, Surroundings
from bot.trail.merging.twins import END, HALVED, TAKEN, is_native, nearest_half, of_answer, twins

LATEST_START_US = 86_400_000_000
"""A call that claims to start later than this after its arrival starts at its arrival."""
_DEEPEST = 64
"""Spans above a call that are looked at for hints."""


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
    """Join a batch with what is known (see `twins`). Gives the same calls in any order and any batches.

    What is known stays as it was. The sightings' facts are settled in place, which a second time changes nothing.
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
    """One batch while it is being joined."""

    def __init__(self, known: Known, new_id: Callable[[int], int], received_us: int) -> None:
        self._known = known
        self._new_id = new_id
        self._received_us = received_us
        self._around = Surroundings(known.calls, known.spans)
        self._wrapped: set[bytes] = set()
        self._standing: list[SpanKey] = []

    def _settled(self, told: Sighting) -> Sighting:
        """A sighting to work with; what claims to lie in the future is remembered under today."""
        settle(told.facts)
        if told.anchor_us <= self._received_us + LATEST_START_US:
            return told
        return replace(told, anchor_us=self._received_us)

    def _is_time(self, time_us: int) -> bool:
        return 0 < time_us <= self._received_us + LATEST_START_US

    # calls

    def take_call(self, told: Sighting) -> None:
        """A span that is a call."""
        sighting = self._settled(told)
        if self._around.is_alone(sighting) and self._is_time(sighting.facts.start_us):  # as nearly all are
            self._around.put_call(self._call(self._new_id(sighting.facts.start_us), sighting))
            return
        own = self._around.owner((sighting.trace_id, sighting.span_id)) if sighting.span_id else None
        sighting = self._at_a_time(sighting, own)
        found = twins(sighting, own, self._around)
        if found:
            call_id = self._unite(found)
            call, sighting = self._give_way(call_id, sighting)
            self._around.put_call(self._joined(call, self._call(call_id, sighting)))
        else:
            call_id = self._new_id(sighting.facts.start_us)
            self._around.put_call(self._call(call_id, sighting))
        self._adopt(call_id, sighting)
        if sighting.links:
            self._stand(sighting)

    def _give_way(self, call_id: int, sighting: Sighting) -> tuple[StoredCall, Sighting]:
        """Of two spans of one emitter, one in the other, the outer may add up several calls: the inner one counts."""
        around = self._around
        call, emitter = around.calls[call_id], sighting.facts.emitter
        key = (sighting.trace_id, sighting.span_id)
        for child in around.under(key):
            if around.owner(child) == call_id and child != key and around.emitter(child) == emitter:
                return call, replace(sighting, facts=outranked(sighting.facts))
        parent = (sighting.trace_id, sighting.parent_span_id or b"")
        if (call.trace_id, call.span_id) == parent and call.facts.emitter == emitter and not around.spans_of(call_id):
            return replace(call, facts=outranked(call.facts)), sighting
        return call, sighting

    def _at_a_time(self, sighting: Sighting, own: int | None) -> Sighting:
        """With a start that can be believed: what the call is known to have started at, else the arrival."""
        if self._is_time(sighting.facts.start_us):
            return sighting
        facts = copied(sighting.facts)
        facts.start_us = self._around.calls[own].facts.start_us if own is not None else self._received_us
        return replace(sighting, facts=facts)

    def _call(self, call_id: int, sighting: Sighting) -> StoredCall:
        return StoredCall(
            id=call_id,
            trace_id=sighting.trace_id,
            span_id=sighting.span_id,
            parent_span_id=sighting.parent_span_id,
            facts=sighting.facts,
            kind=sighting.kind,
            received_us=self._received_us,
        )

    def _joined(self, call: StoredCall, other: StoredCall) -> StoredCall:
        """The call with everything that the other tells, under the id of the first."""
        facts = join(call.facts, other.facts)
        same = (call.trace_id, call.span_id) == (other.trace_id, other.span_id)
        first, second = (call, other) if same or _primacy(call) >= _primacy(other) else (other, call)
        facts.emitter, facts.emitter_version = first.facts.emitter, first.facts.emitter_version
        if second.span_id and not same:
            self._around.put_span(_as_twin(second, call.id))
        return StoredCall(
            id=call.id,
            trace_id=first.trace_id,
            span_id=first.span_id,
            parent_span_id=first.parent_span_id or (second.parent_span_id if same else None),
            facts=facts,
            kind=Kind.ATTEMPT if Kind.ATTEMPT in (call.kind, other.kind) else Kind.CALL,
            received_us=min(call.received_us, other.received_us),
        )

    def _unite(self, ids: list[int]) -> int:
        """Of several calls that turn out to be one, the earliest stays."""
        kept, *others = sorted(set(ids))
        for call_id in others:
            other = self._around.take_out(call_id, kept)
            self._around.put_call(self._joined(self._around.calls[kept], replace(other, id=kept)))
        return kept

    def _fill(self, call_id: int, facts: Facts) -> int:
        """Add what a part tells to its call; gives the call's id, which may become another's."""
        call = self._around.calls[call_id]
        joined = join(call.facts, facts)
        joined.emitter, joined.emitter_version = call.facts.emitter, call.facts.emitter_version
        if joined != call.facts:
            self._around.put_call(replace(call, facts=joined))
        if facts.response_id is None:
            return call_id
        call = self._around.calls[call_id]
        told = Sighting(Kind.PART, call.trace_id, call.span_id, call.parent_span_id, call.facts)
        return self._unite([call_id, *of_answer(told, self._around)])

    # parts

    def take_part(self, told: Sighting) -> None:
        """More about a call that is known, or may come."""
        sighting = self._settled(told)
        facts = sighting.facts
        if not self._is_time(facts.start_us):
            facts = copied(facts)
            facts.start_us, facts.duration_us = self._received_us, None
            sighting = replace(sighting, facts=facts)
        call_id = self._whole(sighting)
        if call_id is not None:
            self._fill(call_id, facts)
            return
        trace_id = sighting.links[0] if sighting.links else sighting.trace_id
        waiting = self._around.spans.get((trace_id, sighting.span_id))
        if waiting is not None and waiting.kind is not Kind.PART:
            return
        if waiting is not None and pending.waits(waiting):
            facts = join(pending.unpack(waiting), facts)
        start = sighting.anchor_us or facts.start_us
        parent = None if sighting.links else sighting.parent_span_id
        span = SeenSpan(trace_id, sighting.span_id, parent, Kind.PART, None, start, pending.pack(facts))
        self._around.put_span(span)

    def _whole(self, sighting: Sighting) -> int | None:
        """The call that a part belongs to."""
        around = self._around
        found = around.owner((sighting.trace_id, sighting.span_id))
        if found is None and sighting.parent_span_id:
            found = around.owner((sighting.trace_id, sighting.parent_span_id))
        if found is None:
            found = next(iter(of_answer(sighting, around)), None)
        if found is not None or not sighting.links:
            return found
        found = around.owner((sighting.links[0], sighting.span_id))
        point = None if found is not None else nearest_half(sighting, around)
        if point is None:
            return found
        around.put_span(replace(point, hints={**(point.hints or {}), TAKEN: True}))
        here = SeenSpan(sighting.links[0], sighting.span_id, None, Kind.PART, point.call_id, sighting.anchor_us)
        around.put_span(here)
        return point.call_id

    def _adopt(self, call_id: int, sighting: Sighting) -> None:
        """Parts that came before their call: of the same span, of spans in it, or the rest of it in another trace."""
        key = (sighting.trace_id, sighting.span_id)
        waiting = [key, *self._around.under(key)] if sighting.span_id else []
        if sighting.halved:
            rest = nearest_half(sighting, self._around)
            waiting += [(rest.trace_id, rest.span_id)] if rest is not None else []
        for part in waiting:
            span = self._around.spans.get(part)
            if span is None or not pending.waits(span):
                continue
            if part == key and part not in self._known.spans:
                self._around.forget_span(part)
            else:
                self._around.put_span(replace(span, call_id=call_id, hints=None))
            call_id = self._fill(call_id, pending.unpack(span))

    # meeting points

    def _stand(self, sighting: Sighting) -> None:
        """Stand where a twin that shares neither trace nor id can find the call."""
        for link in sighting.stands or sighting.links[:1]:
            self._stand_at((link, sighting.span_id), sighting)

    def _stand_at(self, key: SpanKey, sighting: Sighting) -> None:
        call_id = self._around.owner((sighting.trace_id, sighting.span_id))
        before = self._around.spans.get(key)
        hints: dict[str, Any]
        if sighting.halved:
            points = self._around.at(sighting.links)
            rest = any(point.kind is Kind.PART and point.call_id == call_id for point in points)
            hints = {HALVED: True, TAKEN: rest or bool(before is not None and (before.hints or {}).get(TAKEN))}
        else:
            facts = sighting.facts
            hints = {NATIVE: sighting.native, END: facts.start_us + (facts.duration_us or 0)}
        point = SeenSpan(*key, None, Kind.CALL, call_id, sighting.anchor_us, hints)
        if point != before:
            self._around.put_span(point)
            self._standing.append(key)

    def _is_complete(self, call_id: int | None) -> bool:
        """Whether both the provider's own SDK and an instrumentation told of a call: nobody else will look for it."""
        if call_id is None or is_native(self._around.calls[call_id].facts):
            return False
        points = (span.hints for span in self._around.spans_of(call_id) if span.hints)
        return any(hints.get(NATIVE) for hints in points)

    # spans around calls

    def take_wrapper(self, sighting: Sighting) -> None:
        """A span around calls: remembered with what it hints at."""
        key = (sighting.trace_id, sighting.span_id)
        if not sighting.span_id or self._around.owner(key) is not None:
            return
        before = self._around.spans.get(key)
        start = sighting.facts.start_us
        if not self._is_time(start):
            start = before.start_us if before is not None else self._received_us
        hints = hints_of(sighting.facts) or None
        span = SeenSpan(*key, sighting.parent_span_id, Kind.WRAPPER, None, start, hints)
        self._wrapped.add(sighting.trace_id)
        if span != before:
            self._around.put_span(span)

    def take_hints(self) -> None:
        """Give calls what the spans around them hint at."""
        if not any(span.kind is Kind.WRAPPER for span in self._around.spans.values()):
            return
        touched = set(self._around.touched)
        for trace_id in self._wrapped:
            touched.update(self._around.of_trace(trace_id))
        roots: dict[bytes, dict[str, Any]] = {}
        for key, span in self._around.spans.items():
            if span.kind is Kind.WRAPPER and span.parent_span_id is None and span.hints:
                roots.setdefault(key[0], {}).update(span.hints)
        for call_id in sorted(touched & self._around.calls.keys()):
            call = self._around.calls[call_id]
            near, far = self._hints_near(call), roots.get(call.trace_id, {})
            if near or far:
                facts = hint(call.facts, near, far)
                if facts is not call.facts:
                    self._around.put_call(replace(call, facts=facts))

    def _hints_near(self, call: StoredCall) -> dict[str, Any]:
        """What the spans around a call hint at; the nearest counts."""
        hints: dict[str, Any] = {}
        parent = call.parent_span_id
        for _ in range(_DEEPEST):
            if not parent:
                break
            key = (call.trace_id, parent)
            span, owner = self._around.spans.get(key), self._around.owner(key)
            if span is not None:
                parent = span.parent_span_id
                if span.kind is Kind.WRAPPER:
                    hints = {**(span.hints or {}), **hints}
            elif owner is not None:
                parent = self._around.calls[owner].parent_span_id
            else:
                break
        return hints

    # the result

    def changes(self) -> Changes:
        """What the store has to write."""
        around, known = self._around, self._known
        for key in self._standing:
            span = around.spans.get(key)
            if span is None or key in known.spans or (span.hints or {}).get(HALVED):
                continue
            if self._is_complete(span.call_id):
                around.forget_span(key)
        changes = Changes()
        for call_id, call in around.calls.items():
            before = known.calls.get(call_id)
            if before is None:
                changes.added.append(call)
            elif call is not before and call != before:
                changes.changed.append((before, call))
        changes.removed = [call for call_id, call in known.calls.items() if call_id not in around.calls]
        changes.spans = [span for key, span in around.spans.items() if known.spans.get(key) != span]
        return changes


def _as_twin(call: StoredCall, call_id: int) -> SeenSpan:
    hints: dict[str, Any] = {EMITTER: call.facts.emitter}
    if is_native(call.facts):
        hints[NATIVE] = True
    return SeenSpan(call.trace_id, call.span_id, call.parent_span_id, call.kind, call_id, call.facts.start_us, hints)


def _primacy(call: StoredCall) -> tuple[int, int, bytes]:
    """Whose span stands for the call: an instrumentation's before the SDK's own, then the outer one."""
    return (Ranks(call.facts.ranks).instrumented, -call.facts.start_us, call.span_id)
