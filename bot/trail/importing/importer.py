"""`badday trail import`: logs of calls from files, through the same steps as what is posted."""

import asyncio
import json
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

import click

from bot import logs
from bot.catalog import Catalog, load_catalog
from bot.settings import Settings
from bot.store import migrate
from bot.store.database import Database
from bot.trail.calls import Sighting
from bot.trail.importing import files
from bot.trail.importing.files import Found
from bot.trail.importing.pieces import Form, Piece, UnreadableError, pieces
from bot.trail.retention import jobs

if TYPE_CHECKING:
    from bot.trail.mapping.mapper import Mapped, Mapper
    from bot.trail.spans import Decoded
    from bot.trail.storing.ingest import Arrived, Ingest, Result

BATCH = 500
"""Calls a transaction."""
REASONS = 50
"""So many are printed a file; beyond it they are only counted."""

PAUSES = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Seconds between two tries while the store cannot be written."""


@dataclass(slots=True)
class Report:
    """What became of one file."""

    file: str
    accepted: int = 0
    """Lines, spans and records that could be used."""
    calls: int = 0
    """Calls that were not known before, less those that turned out to be another one's twins."""
    rejected: int = 0
    reasons: list[str] = field(default_factory=list)

    def reject(self, where: str, why: str, count: int = 1) -> None:
        self.rejected += count
        if len(self.reasons) < REASONS:
            self.reasons.append(f"{where}: {why}")
        elif len(self.reasons) == REASONS:
            self.reasons.append(f"{self.file}: more was rejected than is listed here")

    def line(self) -> dict[str, Any]:
        """As it is printed with --json."""
        return {
            "file": self.file,
            "accepted": self.accepted,
            "calls": self.calls,
            "rejected": self.rejected,
            "reasons": self.reasons,
        }

    def readable(self) -> str:
        told = f"{self.file}: {self.accepted:,} accepted, {self.calls:,} new calls"
        if not self.rejected:
            return told
        return "\n".join([f"{told}, {self.rejected:,} rejected", *(f"  {reason}" for reason in self.reasons)])


class StoppedError(Exception):
    """Nobody waits for the import any more; what was read until now is kept."""


class Importer:
    """Reads files into a store. `system` is whose the calls are where a line does not say."""

    def __init__(
        self, ingest: "Ingest", mapper: "Mapper", *, system: str | None, stopping: Event | None = None
    ) -> None:
        self._ingest = ingest
        self._stopping = stopping or Event()
        self._mapper = mapper
        self._system = system
        self.earliest_us: int | None = None
        """When the earliest call of all that was read started."""

    def read(self, found: Found) -> Report:
        """Read one file; what can be read is kept, whatever stands beside it."""
        report = Report(str(found.path))
        waiting: list[Sighting] = []
        try:
            for piece in pieces(found):
                if piece.form is Form.CALL:
                    waiting += self._call(report, piece)
                    if len(waiting) >= BATCH:
                        self._keep(report, _of_lines(waiting))
                        waiting = []
                else:
                    self._body(report, piece)
        except UnreadableError as error:
            report.reject(report.file, str(error))
        if waiting:
            self._keep(report, _of_lines(waiting))
        return report

    def _call(self, report: Report, piece: Piece) -> Iterator[Sighting]:
        """The call of a line; none where there is something wrong with it."""
        from bot.trail.importing.jsonl import LineError, of_record

        if piece.problem is not None:
            report.reject(_where(report, piece), piece.problem)
            return
        try:
            yield of_record(piece.record, system=self._system)
        except LineError as error:
            report.reject(_where(report, piece), str(error))
            return
        report.accepted += 1

    def _body(self, report: Report, piece: Piece) -> None:
        from bot.trail.receiving import defects
        from bot.trail.receiving.otlp import UndecodableError

        if piece.form is Form.METRICS:
            return
        if piece.form is Form.LITELLM:
            self._litellm(report, piece)
            return
        try:
            decoded = _decoded(piece)
        except UndecodableError as error:
            report.reject(_where(report, piece), str(error))
            return
        mapped = defects.map_decoded(self._mapper, decoded, system=None)
        failed = mapped.rejected.get(defects.DEFECT, 0)
        self._mapped(report, piece, mapped, len(decoded.spans) + len(decoded.logs) - failed)

    def _litellm(self, report: Report, piece: Piece) -> None:
        from bot.trail.receiving import defects

        for start in range(0, len(piece.record), BATCH):
            records = piece.record[start : start + BATCH]
            mapped = defects.map_litellm(records, system=None)
            self._mapped(report, piece, mapped, len(records) - sum(mapped.rejected.values()))

    def _mapped(self, report: Report, piece: Piece, mapped: "Mapped", accepted: int) -> None:
        for why, count in mapped.rejected.items():
            report.reject(_where(report, piece), f"{why} ({count})" if count > 1 else why, count)
        report.accepted += accepted
        self._keep(report, mapped)

    def _keep(self, report: Report, mapped: "Mapped") -> None:
        """Write it; what we fail on is rejected, the rest is kept."""
        from bot.trail.receiving.defects import DEFECT, write_apart
        from bot.trail.storing.ingest import Arrived
        from bot.trail.storing.store import StoreUnavailableError

        def write(arrived: Arrived) -> None:
            result = self._written(arrived)
            report.calls += result.calls_added - result.calls_removed

        failed = write_apart(Arrived(mapped), write, no_defects=(StoreUnavailableError, StoppedError))
        if failed:
            report.accepted -= failed
            report.reject(report.file, DEFECT, failed)
        starts = [one.facts.start_us for one in mapped.sightings if one.facts.start_us > 0]
        self.earliest_us = min([*starts, *([self.earliest_us] if self.earliest_us is not None else [])], default=None)

    def _written(self, arrived: "Arrived") -> "Result":
        """Waits for a store that somebody else holds; raises StoreUnavailableError when that takes too long."""
        from bot.trail.storing.store import StoreUnavailableError

        if self._stopping.is_set():
            raise StoppedError
        for pause in PAUSES:
            try:
                return self._ingest.ingest([arrived])
            except StoreUnavailableError:
                time.sleep(pause)
        return self._ingest.ingest([arrived])


def _where(report: Report, piece: Piece) -> str:
    return report.file if piece.line is None else f"{report.file}:{piece.line}"


def _of_lines(sightings: list[Sighting]) -> "Mapped":
    from bot.trail.mapping.mapper import Mapped

    return Mapped(sightings=sightings)


def _decoded(piece: Piece) -> "Decoded":
    """Spans or log records; raises UndecodableError."""
    from bot.trail.receiving.otlp import UndecodableError, decode_logs, decode_traces

    match piece.form:
        case Form.TRACES:
            return decode_traces(piece.body, piece.json)
        case Form.LOGS:
            return decode_logs(piece.body, piece.json)
    # Both are built alike, but the ids stand elsewhere: read as the wrong one, nothing of it is usable.
    try:
        spans = decode_traces(piece.body, piece.json)
    except UndecodableError:
        return decode_logs(piece.body, piece.json)
    if spans.spans or not spans.rejected:
        return spans
    try:
        records = decode_logs(piece.body, piece.json)
    except UndecodableError:
        return spans
    return records if records.logs else spans


def command(settings: Settings, paths: Sequence[Path], as_json: bool) -> int:
    """Import the files and print a line for each; 1 when something of them could not be read."""
    from bot.trail.storing.store import StoreUnavailableError

    logs.configure(level=logging.WARNING)
    catalog = load_catalog(settings.config) if settings.config.exists() else Catalog()
    rejected = 0

    def told(report: Report) -> None:
        nonlocal rejected
        rejected += report.rejected
        click.echo(json.dumps(report.line(), ensure_ascii=False) if as_json else report.readable())

    try:
        asyncio.run(import_files(settings.database_url, catalog, files.find(list(paths)), told))
    except StoreUnavailableError as error:
        click.echo(f"badday trail import: the database cannot be written: {error}; import the same again", err=True)
        return 1
    return 1 if rejected else 0


async def import_files(
    database_url: str, catalog: Catalog, found: Iterable[Found], told: Callable[[Report], None]
) -> None:
    """Migrate the database, read the files into it and group attempts; `told` hears of each file as it is done.

    Raises StoreUnavailableError; what was read until then is kept, and adds nothing when it is read again.
    """
    from bot.trail.attempts.grouping import group_now

    db = Database(database_url)
    stopping = Event()
    try:
        await migrate.upgrade(db.engine)
        async with jobs.importing(db, _now):
            try:
                importer = await asyncio.to_thread(_read_all, database_url, catalog, found, told, stopping)
            finally:
                stopping.set()
            if importer.earliest_us is not None:
                async with db.transaction() as session:
                    await group_now(session, datetime.fromtimestamp(importer.earliest_us / 1_000_000, UTC))
    finally:
        await db.close()


def _read_all(
    database_url: str, catalog: Catalog, found: Iterable[Found], told: Callable[[Report], None], stopping: Event
) -> Importer:
    """In a thread of its own, where the store lives."""
    from bot.trail.mapping.mapper import Mapper
    from bot.trail.storing import open_store
    from bot.trail.storing.ingest import Ingest

    store = open_store(database_url)
    ingest = Ingest(store, catalog=lambda: catalog, clock=_now)
    only = next(iter(catalog.systems)) if len(catalog.systems) == 1 else None
    importer = Importer(ingest, Mapper(), system=only, stopping=stopping)
    try:
        for one in found:
            told(importer.read(one))
    finally:
        store.close()
    return importer


def _now() -> datetime:
    return datetime.now(UTC)
