"""Sightings and writers for tests that need calls in the store."""

import itertools
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from bot.catalog import Catalog
from bot.trail.calls import ErrorClass, Facts, Kind, Outcome, Sighting
from bot.trail.mapping.mapper import Mapped
from bot.trail.storing import open_store
from bot.trail.storing.ingest import Arrived, Ingest, Result

_numbers = itertools.count(1)


def microseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000_000)


def sighting(at: datetime, *, kind: Kind = Kind.CALL, trace: bytes | None = None, **facts: Any) -> Sighting:
    """A call that started then, with a span of its own; `facts` are those of Facts."""
    number = next(_numbers)
    told: dict[str, Any] = {
        "system": "support-bot",
        "provider": "openai",
        "model_asked": "gpt-4.1-mini",
        "emitter": "openllmetry",
        "start_us": microseconds(at),
        "duration_us": 800_000,
        "input_tokens": 1_000,
        "output_tokens": 100,
    }
    return Sighting(kind, trace or number.to_bytes(16, "big"), number.to_bytes(8, "big"), None, Facts(**(told | facts)))


def failed(at: datetime, error_class: ErrorClass = ErrorClass.TIMEOUT, **facts: Any) -> Sighting:
    """A call that got no answer."""
    return sighting(at, **({"outcome": Outcome.ERROR, "error_class": error_class, "output_tokens": None} | facts))


class Writing:
    """An ingest of its own on the database, as a process of the bot has one."""

    def __init__(self, database_url: str, clock: Callable[[], datetime], catalog: Catalog | None = None) -> None:
        self.store = open_store(database_url)
        known = catalog or Catalog()
        self.ingest = Ingest(self.store, catalog=lambda: known, clock=clock)

    def __call__(self, *sightings: Sighting, unknown: dict[str, int] | None = None) -> Result:
        return self.ingest.ingest([Arrived(Mapped(sightings=list(sightings), unknown=unknown or {}))])

    def close(self) -> None:
        self.store.close()


def minutes_apart(start: datetime, many: int, step: timedelta = timedelta(minutes=1)) -> Sequence[datetime]:
    return [start + step * number for number in range(many)]
