"""How a store finds all that a batch may belong to: by trace, by response id, and by the spans seen before."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from bot.trail.calls import StoredCall
from bot.trail.merging.merge import Wanted
from bot.trail.storing.rows import read_span
from bot.trail.storing.store import Found, StoredRow

MOST_CALLS = 5_000
"""Calls of one batch's traces that are looked at: some programs put all that they ever do into one trace."""


@dataclass(slots=True, frozen=True)
class Looker:
    """The questions; each takes days and many values at once."""

    spans: Callable[[Sequence[int], Sequence[bytes]], Iterable[Sequence[Any]]]
    call_ids: Callable[[Sequence[int], str, Sequence[Any]], Iterable[int]]
    calls: Callable[[Sequence[int]], Iterable[tuple[StoredCall, StoredRow]]]

    def look_up(self, wanted: Wanted, days: Sequence[int]) -> Found:
        """All that is wanted, and the traces of the calls that were found only by their response id."""
        found = Found()
        traces = list({trace for _, trace in wanted.traces})
        ids = set(self.call_ids(days, "response_id", list({response for _, response in wanted.responses})))
        self._of_traces(found, traces, ids, days)
        others = {call.trace_id for call in found.known.calls.values() if call.trace_id}.difference(traces)
        if others:
            self._of_traces(found, list(others), set(), days)
        return found

    def _of_traces(self, found: Found, traces: Sequence[bytes], ids: set[int], days: Sequence[int]) -> None:
        for row in self.spans(days, traces):
            span = read_span(row)
            found.known.spans[span.trace_id, span.span_id] = span
            if span.call_id is not None:
                ids.add(span.call_id)
        ids.update(self.call_ids(days, "trace_id", traces))
        for call, stored in self.calls(list(ids.difference(found.known.calls))):
            found.known.calls[call.id] = call
            found.rows[call.id] = stored
