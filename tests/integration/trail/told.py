"""Calls as a trail holds them, written straight into a store, for tests of what is made of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.trail.calls import ErrorClass, Facts, Kind, Outcome, SeenSpan, StoredCall
from bot.trail.identity import id_maker
from bot.trail.storing import open_store
from bot.trail.storing.rollups import Counted
from bot.trail.storing.series import series_of
from bot.trail.storing.store import CallWrite, Plan, SourceDelta

ANSWERED = frozenset({None, ErrorClass.MALFORMED_OUTPUT, ErrorClass.TRUNCATED, ErrorClass.FILTERED})
_new_id = id_maker()


@dataclass
class Told:
    """One call that a test tells of; `system`, `provider` and so on are fields of Facts."""

    at: datetime
    error: ErrorClass | None = None
    milliseconds: int = 100
    trace: bytes = b""
    span: bytes = b""
    parent: bytes | None = None
    kind: Kind = Kind.CALL
    input_hash: int | None = None
    facts: dict[str, Any] | None = None

    def stored(self, received_us: int) -> StoredCall:
        facts = Facts(
            **{
                "system": "support-bot",
                "provider": "northwind",
                "model_asked": "nw-large",
                "emitter": "test",
                "start_us": micro(self.at),
                "duration_us": self.milliseconds * 1000,
                "outcome": Outcome.OK if self.error in ANSWERED else Outcome.ERROR,
                "error_class": self.error,
                **(self.facts or {}),
            }
        )
        call_id = _new_id(facts.start_us)
        span = self.span or call_id.to_bytes(8, "big")
        return StoredCall(call_id, self.trace, span, self.parent, facts, self.kind, received_us)


def tell(database_url: str, told: Sequence[Told], *, received: datetime, twins: Sequence[SeenSpan] = ()) -> list[int]:
    """Write the calls as the trail's writer does; returns their ids."""
    store = open_store(database_url)
    try:
        calls = [one.stored(micro(received)) for one in told]
        series = store.series_ids([series_of(call.facts) for call in calls])
        plan = Plan(micro(received), spans=list(twins))
        for one, call, series_id in zip(told, calls, series, strict=True):
            plan.added.append(CallWrite(call, series_id, None, None, None, one.input_hash))
            plan.delta.add(Counted(call.id, series_id, call.facts, None), minutes_since_us=0)
            source = plan.sources.setdefault((call.facts.system, call.facts.emitter), SourceDelta())
            source.calls += 1
        with store.transaction():
            store.write(plan)
        return [call.id for call in calls]
    finally:
        store.close()


def micro(at: datetime) -> int:
    return round(at.timestamp() * 1_000_000)
