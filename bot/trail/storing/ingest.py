"""From sightings to committed calls: redact, look up, merge, price, compress, and write it all in one transaction."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from bot.catalog import Catalog
from bot.trail.calls import Facts, Sighting, StoredCall
from bot.trail.identity import id_maker, microseconds
from bot.trail.merging import merge as merging
from bot.trail.merging.merge import Changes, Known
from bot.trail.merging.surroundings import EMITTER
from bot.trail.pricing.pricer import Pricer
from bot.trail.redaction.fingerprint import input_hash
from bot.trail.redaction.tidying import Tidier
from bot.trail.storing.bodies import Codec
from bot.trail.storing.rollups import Counted
from bot.trail.storing.rows import extra_text, pack_extra, words_of
from bot.trail.storing.series import series_of
from bot.trail.storing.store import BodyWrite, CallWrite, Found, IdTakenError, Plan, SourceDelta, TrailStore
from bot.trail.storing.words import Document

if TYPE_CHECKING:
    from bot.trail.mapping.mapper import Mapped

MINUTES_KEPT = timedelta(days=2)
"""How far back roll-ups by minute reach."""
ID_ATTEMPTS = 3


@dataclass(slots=True)
class Arrived:
    """What one request brought. `system` is the one that its token speaks for, if it speaks for one."""

    mapped: "Mapped"
    system: str | None = None
    tidy: bool = field(default=False, init=False)
    """Whether its texts are redacted already: what could not be written is tried again, whole or in halves."""

    def halves(self) -> tuple["Arrived", "Arrived"]:
        """The same in two; what was counted stays with the first."""
        middle = len(self.mapped.sightings) // 2
        first, second = replace(self.mapped), replace(self.mapped, unknown={}, rejected={})
        first.sightings, second.sightings = self.mapped.sightings[:middle], self.mapped.sightings[middle:]
        halves = Arrived(first, self.system), Arrived(second, self.system)
        for half in halves:
            half.tidy = self.tidy
        return halves


@dataclass(slots=True, frozen=True)
class Result:
    """What became of one commit."""

    calls_added: int
    calls_changed: int
    accepted: int
    """Sightings that were understood."""
    calls_removed: int
    """Calls that were found to be twins of another."""


class Ingest:
    """Used from one thread at a time. Raises StoreUnavailableError when nothing of the batches was written."""

    def __init__(
        self,
        store: TrailStore,
        *,
        catalog: Callable[[], Catalog],
        clock: Callable[[], datetime],
        redact: bool = True,
        full_text: bool = True,
    ) -> None:
        """Redaction and the search by words are only ever off to measure what they cost."""
        self._store = store
        self._catalog = catalog
        self._clock = clock
        self._redact = redact
        self._full_text = full_text
        self._new_id = id_maker()
        self._seen_catalog: Catalog | None = None
        self._seen_dictionaries: dict[int, bytes] | None = None

    def ingest(self, batches: Sequence[Arrived]) -> Result:
        """Write everything that the batches tell, in one transaction."""
        self._renew()
        received_us = microseconds(self._clock())
        for batch in batches:
            if not batch.tidy:
                self._tidier.tidy(batch.mapped.sightings)
                batch.tidy = True
        for attempt in range(1, ID_ATTEMPTS + 1):
            try:
                changes = self._write(batches, received_us)
            except IdTakenError:  # another process gave the same id to another call; the next ones are different
                if attempt == ID_ATTEMPTS:
                    raise
                continue
            accepted = sum(len(batch.mapped.sightings) for batch in batches)
            return Result(len(changes.added), len(changes.changed), accepted, len(changes.removed))
        raise AssertionError

    def _renew(self) -> None:
        """Follow changes of the catalog and of the dictionaries."""
        catalog = self._catalog()
        if catalog is not self._seen_catalog:
            self._seen_catalog = catalog
            self._pricer = Pricer(catalog)
            self._tidier = Tidier(catalog, redact=self._redact)
        dictionaries, current = self._store.dictionaries()
        if dictionaries is not self._seen_dictionaries:
            self._seen_dictionaries = dictionaries
            self._codec, self._dictionary = Codec(dictionaries, current), current

    def _write(self, batches: Sequence[Arrived], received_us: int) -> Changes:
        sightings = [sighting for batch in batches for sighting in batch.mapped.sightings]
        wanted = merging.wanted(sightings)
        # All of the work is done on what is read without a lock. The lock is held for the writing alone, unless
        # somebody else wrote in between: then for reading and working it out again as well.
        found = self._store.look_up(wanted, received_us=received_us)
        changes, plan = self._plan(batches, sightings, found, received_us)
        with self._store.transaction() as version:
            if version != found.version:
                found = self._store.look_up(wanted, received_us=received_us)
                changes, plan = self._plan(batches, sightings, found, received_us)
            self._store.write(plan)
        return changes

    def _plan(
        self, batches: Sequence[Arrived], sightings: Sequence[Sighting], found: Found, received_us: int
    ) -> tuple[Changes, Plan]:
        changes = merging.merge(sightings, found.known, self._new_id, received_us=received_us)
        plan = Plan(received_us, removed=[call.id for call in changes.removed], spans=changes.spans)
        minutes_since_us = received_us - MINUTES_KEPT // timedelta(microseconds=1)
        sources = _Sources()
        written = [*changes.added, *(after for _, after in changes.changed)]
        series = self._store.series_ids([series_of(call.facts) for call in written])
        for place, (call, series_id) in enumerate(zip(written, series, strict=True)):
            write = self._call(call, series_id)
            before = None if place < len(changes.added) else changes.changed[place - len(changes.added)][0]
            fell_back = False if before is None else found.rows[before.id].fell_back
            counted = Counted(call.id, series_id, call.facts, write.cost_nano, fell_back)
            if before is None:
                plan.added.append(write)
            else:
                plan.changed.append(write)
                plan.delta.remove(_as_stored(before, found), minutes_since_us=minutes_since_us)
                sources.count(before.facts, -1)
            plan.delta.add(counted, minutes_since_us=minutes_since_us)
            sources.count(call.facts, 1)
            self._body(plan, before, call)
            if self._full_text:
                gone = None if before is None else _document(before, found.rows[before.id].series_id)
                _put_words(plan, gone, _document(call, series_id))
        for call in changes.removed:
            plan.delta.remove(_as_stored(call, found), minutes_since_us=minutes_since_us)
            sources.count(call.facts, -1)
            if self._full_text:
                _put_words(plan, _document(call, found.rows[call.id].series_id), None)
        sources.count_arrivals(batches)
        sources.count_twins(changes, found.known)
        plan.sources = sources.deltas
        return changes, plan

    def _call(self, call: StoredCall, series_id: int) -> CallWrite:
        priced = self._pricer.price(call.facts)
        return CallWrite(call, series_id, priced.cost_nano, priced.source, priced.version, input_hash(call.facts.input))

    def _body(self, plan: Plan, before: StoredCall | None, call: StoredCall) -> None:
        texts = _texts(call.facts)
        if texts == (_texts(before.facts) if before is not None else (None, None, None)):
            return
        told, answered, extra = texts
        pack = self._codec.pack
        body = BodyWrite(
            call.id,
            self._dictionary,
            None if told is None else pack(told),
            None if answered is None else pack(answered),
            None if extra is None else pack_extra(extra, pack),
        )
        (plan.new_bodies if before is None else plan.changed_bodies).append(body)


def _document(call: StoredCall, series_id: int) -> Document | None:
    output = words_of(call.facts.output)
    return None if output is None else Document(call.id, output, series_id, call.facts.error_class is not None)


def _put_words(plan: Plan, gone: Document | None, new: Document | None) -> None:
    if gone == new:
        return
    if gone is not None:
        plan.words_gone.append(gone)
    if new is not None:
        plan.words_new.append(new)


def _texts(facts: Facts) -> tuple[str | None, str | None, str | None]:
    return facts.input, facts.output, extra_text(facts)


def _as_stored(call: StoredCall, found: Found) -> Counted:
    """A stored call as it was counted: by the series and the cost that it had then."""
    row = found.rows[call.id]
    return Counted(call.id, row.series_id, call.facts, row.cost_nano, row.fell_back)


class _Sources:
    """Adds up what each emitter of each system sent."""

    def __init__(self) -> None:
        self.deltas: defaultdict[tuple[str, str], SourceDelta] = defaultdict(SourceDelta)

    def count(self, facts: Facts, by: int) -> None:
        delta = self.deltas[facts.system, facts.emitter]
        delta.calls += by
        if facts.input is not None:
            delta.with_input += by
        if facts.output is not None:
            delta.with_output += by
        if facts.input_tokens is not None or facts.output_tokens is not None:
            delta.with_usage += by
        if facts.prompt_version is not None:
            delta.with_prompt_version += by
        if facts.truncated:
            delta.truncated += by

    def count_arrivals(self, batches: Iterable[Arrived]) -> None:
        """Everything that arrived shows that its emitter lives, also what was known or is no call."""
        for batch in batches:
            system, emitter = batch.system, ""
            for sighting in batch.mapped.sightings:
                facts = sighting.facts
                system, emitter = facts.system, facts.emitter
                self.deltas[system, emitter].emitter_version = facts.emitter_version
            for scope, count in batch.mapped.unknown.items():
                self.deltas[system or "unknown", scope].unknown_spans += count
            rejected = sum(batch.mapped.rejected.values())
            if rejected:
                self.deltas[system or "unknown", emitter].rejected += rejected

    def count_twins(self, changes: Changes, known: Known) -> None:
        """Spans that turned out to tell of a call that another span told of, each the first time."""
        twins = [
            (span.call_id, span.hints[EMITTER])
            for span in changes.spans
            if span.hints and EMITTER in span.hints and (span.trace_id, span.span_id) not in known.spans
        ]
        if twins:
            systems = {
                call.id: call.facts.system for call in (*changes.added, *(after for _, after in changes.changed))
            }
            for call_id, emitter in twins:
                if call_id in systems:
                    self.deltas[systems[call_id], emitter].twins += 1
