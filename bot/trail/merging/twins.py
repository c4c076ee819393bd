"""Which calls a span's call may already be known as: twins, told by other emitters or seen from further out."""

from collections.abc import Iterator

from bot.trail.calls import Facts, Kind, Outcome, SeenSpan, Sighting, StoredCall
from bot.trail.merging.joining import Ranks
from bot.trail.merging.surroundings import SpanKey, Surroundings

SAME_MOMENT_US = 5_000
"""How far a span may stick out of the one around it."""
SAME_ANSWER_US = 10_000_000
"""How far apart spans of one provider response may be: a gateway's clock is another's, a record has no duration."""
MEETING_US = 100_000
"""How far apart the two halves of a call may be that share neither trace nor id."""
END = "end"
TAKEN = "taken"
HALVED = "halved"
"""Names among the hints of a span at a meeting point: when it ended; that it is a half; that its half is found."""


def twins(sighting: Sighting, own: int | None, around: Surroundings) -> list[int]:
    """Calls that the sighting tells of. `own` is the call that its span is known to be of.

    In this order: the same span, the same provider response, the call right around it, calls right inside it, a call
    beside it that differs in nothing but the emitter, and the same call in another trace.
    """
    found: dict[int, None] = {}
    if own is not None:
        found[own] = None
    found.update(dict.fromkeys(of_answer(sighting, around)))
    if sighting.span_id:
        found.update(dict.fromkeys(_outside(sighting, around)))
        found.update(dict.fromkeys(_inside(sighting, around)))
        if not found:
            beside = _beside(sighting, around)
            if beside is None:
                beside = _elsewhere(sighting, around)
            if beside is not None:
                found[beside] = None
    return list(found)


def of_answer(sighting: Sighting, around: Surroundings) -> list[int]:
    """Calls with the same provider response at the same time.

    A response that comes again later is another call: caches and stand-ins for providers repeat ids.
    """
    facts = sighting.facts
    if not facts.response_id:
        return []
    known = around.of_response(facts.system, facts.response_id)
    return [call_id for call_id in known if _is_answer(around.calls[call_id], sighting, around)]


def _is_answer(call: StoredCall, sighting: Sighting, around: Surroundings) -> bool:
    if not _meet(call.facts, sighting.facts):
        return False
    if sighting.kind is Kind.PART or not sighting.span_id or not call.span_id:  # records may belong to no span
        return True
    if around.is_in(call.id, sighting.trace_id) or sighting.facts.emitter not in around.emitters(call.id):
        return True
    mine, yours = _interval(call.facts), _interval(sighting.facts)
    return _contains(mine, yours) or _contains(yours, mine)


def _outside(sighting: Sighting, around: Surroundings) -> Iterator[int]:
    """The call right around this one, unless this emitter told already of one in there."""
    if sighting.kind is Kind.ATTEMPT or not sighting.parent_span_id:
        return
    parent = (sighting.trace_id, sighting.parent_span_id)
    call_id = around.owner(parent)
    if call_id is None or not _is_within(around.calls[call_id].facts, sighting.facts):
        return
    key = (sighting.trace_id, sighting.span_id)
    for sibling in around.under(parent):
        if sibling != key and around.owner(sibling) == call_id and around.emitter(sibling) == sighting.facts.emitter:
            return
    yield call_id


def _inside(sighting: Sighting, around: Surroundings) -> Iterator[int]:
    """Calls right inside this one: of each emitter the first."""
    heard: set[str] = set()
    for key in around.under((sighting.trace_id, sighting.span_id)):
        call_id = around.owner(key)
        if call_id is None or around.kind(key) is not Kind.CALL:
            continue
        emitter = around.emitter(key)
        if emitter not in heard and _is_within(sighting.facts, around.calls[call_id].facts):
            heard.add(emitter)
            yield call_id


def _beside(sighting: Sighting, around: Surroundings) -> int | None:
    """A call of the same parent that another emitter told of, and that differs in nothing."""
    if sighting.kind is Kind.ATTEMPT:
        return None
    facts = sighting.facts
    best: tuple[int, int] | None = None
    for call_id in around.beside(sighting.trace_id, sighting.parent_span_id, facts.emitter):
        call = around.calls[call_id]
        if call.kind is Kind.ATTEMPT or facts.emitter in around.emitters(call_id):
            continue
        if not _look_same(call.facts, facts, native=sighting.native or is_native(call.facts)):
            continue
        distance = abs(call.facts.start_us - facts.start_us)
        if best is None or (distance, call_id) < best:
            best = (distance, call_id)
    return best[1] if best else None


def _elsewhere(sighting: Sighting, around: Surroundings) -> int | None:
    """The same call in another trace: told by the provider's own SDK and by an instrumentation that tells no id."""
    if sighting.halved or not sighting.links:
        return None
    facts = sighting.facts
    best: tuple[int, int] | None = None
    for point in around.at(sighting.links, native=not sighting.native):
        call = around.calls.get(point.call_id) if point.call_id is not None else None
        if call is None:
            continue
        if facts.emitter in around.emitters(call.id) or not _may_be_one(call.facts, facts):
            continue
        if call.facts.outcome is not facts.outcome or not _contain(sighting, point):
            continue
        distance = abs(point.start_us - facts.start_us)
        if best is None or (distance, call.id) < best:
            best = (distance, call.id)
    return best[1] if best else None


def _contain(sighting: Sighting, point: SeenSpan) -> bool:
    """Whether the SDK's own span lies within the instrumentation's."""
    mine = _interval(sighting.facts)
    theirs = (point.start_us, int((point.hints or {}).get(END, point.start_us)))
    return _contains(theirs, mine) if sighting.native else _contains(mine, theirs)


def nearest_half(sighting: Sighting, around: Surroundings) -> SeenSpan | None:
    """The first half of the call that a part is the rest of, or the waiting rest of a call's first half."""
    wanted = Kind.CALL if sighting.kind is Kind.PART else Kind.PART
    best: tuple[int, SpanKey] | None = None
    for point in around.at(sighting.links):
        if point.kind is not wanted or (point.hints or {}).get(TAKEN):
            continue
        if (point.call_id is None) is (wanted is Kind.CALL):
            continue
        distance = abs(point.start_us - sighting.anchor_us)
        key = (point.trace_id, point.span_id)
        if distance <= MEETING_US and (best is None or (distance, key) < best):
            best = (distance, key)
    return around.spans[best[1]] if best else None


def is_native(facts: Facts) -> bool:
    """Whether only the provider's own SDK told of a call."""
    return not Ranks(facts.ranks).instrumented


def _interval(facts: Facts) -> tuple[int, int]:
    return (facts.start_us, facts.start_us + (facts.duration_us or 0))


def _meet(one: Facts, other: Facts) -> bool:
    mine, yours = _interval(one), _interval(other)
    return mine[0] - SAME_ANSWER_US <= yours[1] and yours[0] - SAME_ANSWER_US <= mine[1]


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
    return not mine or not yours or any(a.startswith(b) or b.startswith(a) for a in mine for b in yours)


def _is_within(outer: Facts, inner: Facts) -> bool:
    """Whether a call inside a call's span is that call: not a failed try before the answer."""
    if not _may_be_one(outer, inner):
        return False
    answered = outer.response_id is not None or outer.finish_reason is not None
    return not (inner.outcome is Outcome.ERROR and outer.outcome is Outcome.OK and answered)


def _look_same(one: Facts, other: Facts, *, native: bool) -> bool:
    if not _may_be_one(one, other) or one.outcome is not other.outcome:
        return False
    mine, yours = _interval(one), _interval(other)
    if not _contains(mine, yours) and not _contains(yours, mine):
        return False
    if one.input_tokens is not None and other.input_tokens is not None:
        return one.input_tokens == other.input_tokens or (native and not _counts(one).isdisjoint(_counts(other)))
    return native


def _counts(facts: Facts) -> set[int]:
    """The input with its cached part and without: not everybody counts it."""
    whole = facts.input_tokens or 0
    return {whole, whole - (facts.cached_tokens or 0) - (facts.cache_write_tokens or 0)}
