"""Which calls are tries of one and the same request: retries, fallbacks, repeated outputs. Pure.

A failed call is followed by the call that was made in its stead. What ties the two, in this order:

1. the emitter says so: an attempt span belongs to the call of its parent span;
2. they stand under the same parent in one trace;
3. they share a group key (LiteLLM's trace id);
4. the same system sent the same input within two minutes after the failure; where one of them has a chain of attempts
   by the rules above already, only to another model.

The follower starts when the failed call has ended: calls that run side by side are a fan-out, not attempts. A call
that succeeded is followed by nobody, so the rounds of a tool loop are calls of their own.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from bot.trail.calls import ErrorClass, Kind, Outcome

SAME_INPUT_WITHIN_US = 120_000_000
"""How long after a failure the same input, or the same group key, counts as another try."""
SAME_PARENT_WITHIN_US = 600_000_000
"""How long after a failure a call under the same parent counts as another try: no back-off is longer."""
OVERLAP_US = 5_000
"""Clocks of spans are read a little late; a follower may seem to start so long before the failed call's end."""

LOOKED_AT = 200
"""How many later calls of a bucket are looked at for one failed call, so that a huge bucket takes no huge time."""

_SNAPSHOT = re.compile(r"[-@](\d{4}-\d{2}-\d{2}|\d{8}|latest)$")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sighting of a call stands in a trace."""

    trace_id: bytes
    span_id: bytes
    parent_span_id: bytes | None


@dataclass(frozen=True, slots=True)
class Try:
    """What grouping looks at in a call. Times are microseconds since 1970 UTC."""

    id: int
    system: str
    start_us: int
    end_us: int
    kind: Kind = Kind.CALL
    places: tuple[Place, ...] = ()
    """Where it was seen: its own span, then its twins."""
    outcome: Outcome = Outcome.OK
    error_class: ErrorClass | None = None
    provider: str | None = None
    model: str | None = None
    """The model asked for; the one that answered where nobody says what was asked for."""
    input_hash: int | None = None
    group_key: str | None = None

    @property
    def failed(self) -> bool:
        """Whether its caller had a reason to try again."""
        return self.outcome is Outcome.ERROR or self.error_class is ErrorClass.MALFORMED_OUTPUT

    @property
    def name(self) -> str:
        """`provider/model`, as far as known; routers' model names have the provider in front already."""
        if self.provider and self.model and self.model.startswith(f"{self.provider}/"):
            return self.model
        return "/".join(part for part in (self.provider, self.model) if part)


@dataclass(frozen=True, slots=True)
class Attempt:
    """What a call is within its group."""

    id: int
    group: int
    """Id of the first call."""
    attempt: int
    """From 1."""
    is_final: bool
    fell_back_from: str | None = None
    """`provider/model` of the attempt before it, where that asked another model."""
    trigger: ErrorClass | None = None
    """What the attempt before it failed of."""


@dataclass(frozen=True, slots=True)
class Group:
    """Two or more attempts at one request, in order."""

    attempts: tuple[Attempt, ...]


def group(calls: Iterable[Try]) -> list[Group]:
    """The groups among the calls, ordered by their first call; a call that stands alone is in none."""
    links = _Links(calls)
    links.tie_attempts()
    links.tie_siblings(_parents, within_us=SAME_PARENT_WITHIN_US)
    links.tie_siblings(_group_keys, within_us=SAME_INPUT_WITHIN_US)
    links.tie_same_input()
    return [_group(chain) for chain in links.chains()]


def is_other_model(one: Try, other: Try) -> bool:
    """Whether another provider or model was asked; snapshots of one model, and what is unknown, are no difference."""
    if one.provider and other.provider and one.provider.casefold() != other.provider.casefold():
        return True
    return bool(one.model and other.model) and _plain(one.model or "") != _plain(other.model or "")


_Keys = Callable[[Try], Iterable[Hashable]]
_Fits = Callable[[Try, Try], bool]


class _Links:
    """Who follows whom: nobody follows two calls, and nobody is followed by two."""

    def __init__(self, calls: Iterable[Try]) -> None:
        unique = {call.id: call for call in calls}
        self._calls = sorted(unique.values(), key=lambda call: (call.start_us, call.id))
        self._by_id = unique
        self._next: dict[int, int] = {}
        self._previous: dict[int, int] = {}

    def tie_attempts(self) -> None:
        """Attempt spans and the call of their parent span, which answered after them or failed with the last."""
        owners = {(place.trace_id, place.span_id): call for call in self._calls for place in call.places}
        tries: defaultdict[int, list[Try]] = defaultdict(list)
        for call in self._calls:
            if call.kind is not Kind.ATTEMPT:
                continue
            parents = [owners.get((place.trace_id, place.parent_span_id or b"")) for place in call.places]
            owner = next((each for each in parents if each is not None and each.id != call.id), None)
            if owner is not None:
                tries[owner.id].append(call)
        for owner_id, attempts in tries.items():
            for one, other in pairwise([*attempts, self._by_id[owner_id]]):
                self._tie(one, other)

    def tie_siblings(self, keys: _Keys, *, within_us: int) -> None:
        """Calls of one bucket: a failed one and the next, the same input first."""
        buckets: defaultdict[Hashable, list[Try]] = defaultdict(list)
        for call in self._calls:
            for key in set(keys(call)):
                buckets[key].append(call)
        for bucket in buckets.values():
            if len(bucket) > 1:
                self._tie_bucket(bucket, within_us)

    def tie_same_input(self) -> None:
        """Calls with the same input; a chain that better evidence made goes on with another model alone.

        Somebody who asks the same again begins a chain of his own.
        """
        chained = self._next.keys() | self._previous.keys()

        def fits(failed: Try, later: Try) -> bool:
            return is_other_model(failed, later) or not {failed.id, later.id} & chained

        buckets: defaultdict[Hashable, list[Try]] = defaultdict(list)
        for call in self._calls:
            if call.input_hash is not None:
                buckets[call.system, call.input_hash].append(call)
        for bucket in buckets.values():
            self._tie_each(bucket, SAME_INPUT_WITHIN_US, fits)

    def chains(self) -> Iterator[list[Try]]:
        for call in self._calls:
            if call.id in self._previous or call.id not in self._next:
                continue
            chain = [call]
            while (following := self._next.get(chain[-1].id)) is not None:
                chain.append(self._by_id[following])
            yield chain

    def _tie_bucket(self, bucket: Sequence[Try], within_us: int) -> None:
        self._tie_each(bucket, within_us, _has_same_input)
        self._tie_each(bucket, within_us, lambda failed, later: _may_stand_in(failed, later, bucket))

    def _tie_each(self, bucket: Sequence[Try], within_us: int, fits: _Fits) -> None:
        """Give every failed call of the bucket (in order of start) the first later one that is free and fits."""
        for place, failed in enumerate(bucket):
            if not failed.failed or failed.id in self._next:
                continue
            for later in bucket[place + 1 : place + 1 + LOOKED_AT]:
                if later.start_us > failed.end_us + within_us:
                    break
                if later.id not in self._previous and _starts_after(failed, later) and fits(failed, later):
                    self._tie(failed, later)
                    break

    def _tie(self, one: Try, other: Try) -> None:
        if one.id in self._next or other.id in self._previous or self._leads_to(other, one):
            return
        self._next[one.id] = other.id
        self._previous[other.id] = one.id

    def _leads_to(self, start: Try, goal: Try) -> bool:
        """Whether following from `start` comes to `goal`: tying the ends would make a ring."""
        here: int | None = start.id
        while here is not None and here != goal.id:
            here = self._next.get(here)
        return here is not None


def _parents(call: Try) -> Iterator[Hashable]:
    return ((place.trace_id, place.parent_span_id) for place in call.places if place.trace_id)


def _group_keys(call: Try) -> Iterator[Hashable]:
    if call.group_key:
        yield call.system, call.group_key


def _has_same_input(failed: Try, later: Try) -> bool:
    return failed.input_hash is not None and failed.input_hash == later.input_hash


def _may_stand_in(failed: Try, later: Try, bucket: Sequence[Try]) -> bool:
    """Whether a call without the same input can be the next try of a failed one in its bucket.

    Another model asked after a failure is a fallback, whose messages may be written differently. With the same model,
    a different input is the next item of a loop, unless the output was malformed: that is asked for again with more
    messages. And where the input is unknown, several calls side by side leave it open whose try it is.
    """
    if is_other_model(failed, later):
        return True
    known = failed.input_hash is not None and later.input_hash is not None
    if known and failed.error_class is not ErrorClass.MALFORMED_OUTPUT:
        return False
    return not any(_overlap(failed, other) for other in bucket if other.id not in (failed.id, later.id))


def _starts_after(failed: Try, later: Try) -> bool:
    slack = min(OVERLAP_US, (failed.end_us - failed.start_us) // 2)
    return later.start_us >= failed.end_us - slack and (later.start_us, later.id) > (failed.start_us, failed.id)


def _overlap(one: Try, other: Try) -> bool:
    return one.start_us < other.end_us and other.start_us < one.end_us


def _group(chain: Sequence[Try]) -> Group:
    first, last = chain[0], chain[-1]
    attempts = [Attempt(first.id, first.id, 1, is_final=False)]
    for place, (before, call) in enumerate(pairwise(chain), 2):
        left = before.name or None if is_other_model(before, call) else None
        attempts.append(Attempt(call.id, first.id, place, call is last, left, before.error_class))
    return Group(tuple(attempts))


def _plain(model: str) -> str:
    """A model's name without its provider's prefix and the date of its snapshot."""
    return _SNAPSHOT.sub("", model.casefold().rpartition("/")[2])
