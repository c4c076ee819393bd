"""A defect of ours costs the span that shows it: what came with it is mapped and written all the same."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import structlog

from bot.trail.mapping import litellm
from bot.trail.mapping.mapper import Mapped, Mapper
from bot.trail.receiving.otlp.parts import count
from bot.trail.spans import Decoded
from bot.trail.storing.ingest import Arrived

log = structlog.get_logger(__name__)
T = TypeVar("T")
DEFECT = "Badday failed on it; its log says why"


def map_decoded(mapper: Mapper, decoded: Decoded, *, system: str | None) -> Mapped:
    """What spans and records tell; those that we fail on are rejected."""
    try:
        return mapper.map(decoded, system=system)
    except Exception:
        log.exception("a body of the trail could not be mapped, trying its parts alone")
    mapped = Mapped(rejected=dict(decoded.rejected))
    _map_alone(decoded.spans, lambda span: mapper.map(Decoded(spans=[span]), system=system), mapped)
    _map_alone(decoded.logs, lambda record: mapper.map(Decoded(logs=[record]), system=system), mapped)
    return mapped


def map_litellm(records: Sequence[dict[str, Any]], *, system: str | None) -> Mapped:
    """What LiteLLM's records tell; those that we fail on are rejected."""
    try:
        return litellm.sightings(records, system=system)
    except Exception:
        log.exception("a body of the trail could not be mapped, trying its parts alone")
    mapped = Mapped()
    _map_alone(records, lambda record: litellm.sightings([record], system=system), mapped)
    return mapped


def _map_alone(parts: Iterable[T], map_one: Callable[[T], Mapped], mapped: Mapped) -> None:
    for part in parts:
        try:
            join(mapped, map_one(part))
        except Exception:
            log.exception("the trail failed on a span, which is rejected")
            count(mapped.rejected, DEFECT)


def join(mapped: Mapped, more: Mapped) -> None:
    """Add what another body told."""
    mapped.sightings += more.sightings
    for name, number in more.unknown.items():
        count(mapped.unknown, name, number)
    for reason, number in more.rejected.items():
        count(mapped.rejected, reason, number)


def write_apart(arrived: Arrived, write: Callable[[Arrived], None], *, no_defects: tuple[type[Exception], ...]) -> int:
    """Write it whole, or in halves until what fails is alone; returns how many sightings failed.

    Errors of `no_defects` are raised: nothing is wrong with what was to be written.
    """
    try:
        write(arrived)
    except no_defects:
        raise
    except Exception:
        if len(arrived.mapped.sightings) <= 1:
            log.exception("the trail failed on a span, which is rejected", system=arrived.system)
            return len(arrived.mapped.sightings)
        return sum(write_apart(half, write, no_defects=no_defects) for half in arrived.halves())
    return 0
