"""What the writer's thread does with bodies: decode, map, ingest; and whose fault it is when something fails.

| what fails | what its sender is told | why |
|---|---|---|
| the body is not what it says | 400 | sending it again will not help |
| the database is locked, down or full | 503 | the same body can be written later |
| a span that we fail on (a defect of ours) | 200, rejected | 500 would drop its neighbours, 503 would come again |

Everything heavy that the trail needs is imported with this module, so import it only once something has come.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog

from bot.catalog import Catalog
from bot.store.turns import Turns
from bot.trail.mapping.mapper import Mapped, Mapper
from bot.trail.receiving import counters, defects
from bot.trail.receiving.defects import DEFECT
from bot.trail.receiving.otlp import UndecodableError, decode_logs, decode_traces
from bot.trail.receiving.otlp.jsonform import parsed
from bot.trail.receiving.otlp.parts import BAD_SHAPE, count
from bot.trail.receiving.writer import Failure, Outcome, PathKind, Posted, Receipt, overloaded
from bot.trail.spans import Decoded
from bot.trail.storing import open_store
from bot.trail.storing.ingest import Arrived, Ingest
from bot.trail.storing.store import StoreUnavailableError, TrailStore

log = structlog.get_logger(__name__)
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
            rejected: dict[str, int] = {}
            records = _records(posted.body, rejected)
            mapped = defects.map_litellm(records, system=posted.system)
            defects.join(mapped, Mapped(rejected=rejected))
        else:
            mapped = defects.map_decoded(self._mapper, _decoded(posted), system=posted.system)
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
            failed = defects.write_apart(read.arrived, self._write, no_defects=(StoreUnavailableError,))
        except StoreUnavailableError as error:  # what is written already adds nothing when it comes again
            return _unavailable(error)
        if failed:
            count(read.rejected, DEFECT, failed)
        return _receipt(read, read.size - failed)

    def _write(self, arrived: Arrived) -> None:
        self._ingest.ingest([arrived])


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
