"""What the writer's thread does with bodies: decode, map, ingest; and whose fault it is when something fails.

| what fails | what its sender is told | why |
|---|---|---|
| the body is not what it says | 400 | sending it again will not help |
| the database is locked, down or full | 503 | the same body can be written later |
| a span that we fail on (a defect of ours) | 200, rejected | 500 would drop its neighbours, 503 would come again |

Everything heavy that the trail needs is imported with this module, so import it only once something has come.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

import structlog

from bot.catalog import Catalog
from bot.store.turns import Turns
from bot.trail import counters, litellm
from bot.trail.ingest import Arrived, Ingest
from bot.trail.mapping import Mapped, Mapper
from bot.trail.otlp import UndecodableError, decode_logs, decode_traces
from bot.trail.otlp.jsonform import parsed
from bot.trail.otlp.parts import BAD_SHAPE, count
from bot.trail.spans import Decoded
from bot.trail.storing import open_store
from bot.trail.storing.store import StoreUnavailableError, TrailStore
from bot.trail.writer import Failure, Outcome, PathKind, Posted, Receipt, overloaded

log = structlog.get_logger(__name__)
T = TypeVar("T")
DEFECT = "Badday failed on it; its log says why"
NOT_JSON = "the line is not JSON"
_MOST_REASONS = 5


@dataclass(slots=True)
class Read:
    """A body as sightings."""

    arrived: Arrived
    rejected: dict[str, int] = field(default_factory=dict)

    @property
    def size(self) -> int:
        return len(self.arrived.mapped.sightings)


class TrailPipeline:
    """Used by one thread."""

    def __init__(self, store: TrailStore, *, catalog: Callable[[], Catalog], clock: Callable[[], datetime]) -> None:
        self._store = store
        self._ingest = Ingest(store, catalog=catalog, clock=clock)
        self._mapper = Mapper()

    def read(self, posted: Posted) -> Read:
        """Raises UndecodableError."""
        if posted.kind is PathKind.LITELLM:
            mapped = self._map_records(posted)
        else:
            mapped = self._map(_decoded(posted), posted.system)
        counters.UNKNOWN.inc(sum(mapped.unknown.values()))
        return Read(Arrived(mapped, posted.system), dict(mapped.rejected))

    def write(self, readings: Sequence[Read]) -> list[Outcome]:
        """One transaction if all goes well; else a body at a time, so that none suffers from another's defect."""
        try:
            self._ingest.ingest([read.arrived for read in readings])
        except StoreUnavailableError as error:
            return [_unavailable(error)] * len(readings)
        except Exception:
            log.exception("a batch of the trail failed, trying its bodies alone", bodies=len(readings))
            return [self._write_alone(read) for read in readings]
        return [_receipt(read, read.size) for read in readings]

    def close(self) -> None:
        self._store.close()

    def _write_alone(self, read: Read) -> Outcome:
        try:
            defects = self._write_parts(read.arrived)
        except StoreUnavailableError as error:  # what is written already adds nothing when it comes again
            return _unavailable(error)
        if defects:
            read.rejected[DEFECT] = read.rejected.get(DEFECT, 0) + defects
        return _receipt(read, read.size - defects)

    def _write_parts(self, arrived: Arrived) -> int:
        """Write it whole, or in halves until what fails is alone; returns how many sightings failed."""
        try:
            self._ingest.ingest([arrived])
        except StoreUnavailableError:
            raise
        except Exception:
            mapped = arrived.mapped
            size = len(mapped.sightings)
            if size <= 1:
                log.exception("the trail failed on a span, which is rejected", system=arrived.system)
                return size
            halves = (mapped.sightings[: size // 2], mapped.sightings[size // 2 :])
            return sum(self._write_parts(Arrived(Mapped(half), arrived.system)) for half in halves)
        return 0

    def _map(self, decoded: Decoded, system: str | None) -> Mapped:
        try:
            return self._mapper.map(decoded, system=system)
        except Exception:
            log.exception("a body of the trail could not be mapped, trying its parts alone")
        mapped = Mapped(rejected=dict(decoded.rejected))
        _map_alone(decoded.spans, lambda span: self._mapper.map(Decoded(spans=[span]), system=system), mapped)
        _map_alone(decoded.logs, lambda record: self._mapper.map(Decoded(logs=[record]), system=system), mapped)
        return mapped

    def _map_records(self, posted: Posted) -> Mapped:
        mapped = Mapped()
        records = _records(posted.body, mapped.rejected)
        try:
            _join(mapped, litellm.sightings(records, system=posted.system))
        except Exception:
            log.exception("a body of the trail could not be mapped, trying its parts alone")
            _map_alone(records, lambda record: litellm.sightings([record], system=posted.system), mapped)
        return mapped


def make_pipeline(
    database_url: str, turns: Turns, *, catalog: Callable[[], Catalog], clock: Callable[[], datetime]
) -> TrailPipeline:
    """On the database of the settings, with a connection of its own."""
    return TrailPipeline(open_store(database_url, turns), catalog=catalog, clock=clock)


def _decoded(posted: Posted) -> Decoded:
    decode = decode_traces if posted.kind is PathKind.TRACES else decode_logs
    try:
        return decode(posted.body, posted.json)
    except UndecodableError:
        raise
    except Exception:
        log.exception("a body of the trail could not be decoded", system=posted.system)
        return Decoded(rejected={DEFECT: 1})


def _map_alone(parts: Iterable[T], map_one: Callable[[T], Mapped], mapped: Mapped) -> None:
    for part in parts:
        try:
            _join(mapped, map_one(part))
        except Exception:
            log.exception("the trail failed on a span, which is rejected")
            count(mapped.rejected, DEFECT)


def _join(mapped: Mapped, more: Mapped) -> None:
    mapped.sightings += more.sightings
    for name, number in more.unknown.items():
        count(mapped.unknown, name, number)
    for reason, number in more.rejected.items():
        count(mapped.rejected, reason, number)


def _records(body: bytes, rejected: dict[str, int]) -> list[dict[str, Any]]:
    """LiteLLM's records: an array, one alone, or one a line, whatever the content type says."""
    try:
        document = parsed(body)
    except UndecodableError:
        document = _lines(body, rejected)
    if isinstance(document, dict):
        return [document]
    if not isinstance(document, list):
        raise UndecodableError("the body is JSON, but neither a record nor an array of records")
    records = [record for record in document if isinstance(record, dict)]
    if len(records) < len(document):
        count(rejected, BAD_SHAPE, len(document) - len(records))
    return records


def _lines(body: bytes, rejected: dict[str, int]) -> list[Any]:
    found = []
    for line in filter(None, map(bytes.strip, body.splitlines())):
        try:
            found.append(parsed(line))
        except UndecodableError:
            count(rejected, NOT_JSON)
    if not found:
        raise UndecodableError("the body is neither JSON nor lines of JSON")
    return found


def _unavailable(error: StoreUnavailableError) -> Failure:
    log.warning("the trail cannot be written now, senders will try again", error=str(error))
    return Failure(overloaded("database", "the database cannot be written now"))


def _receipt(read: Read, accepted: int) -> Receipt:
    counters.ACCEPTED.inc(accepted)
    rejected = sum(read.rejected.values())
    counters.REJECTED.inc(rejected)
    return Receipt(rejected, _message(read.rejected)) if rejected else Receipt()


def _message(rejected: dict[str, int]) -> str:
    reasons = sorted(rejected.items(), key=lambda each: -each[1])[:_MOST_REASONS]
    return "; ".join(f"{reason} ({number})" for reason, number in reasons)
