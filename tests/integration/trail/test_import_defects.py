"""What the import fails on by a defect of ours costs itself alone, and is told with its file."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.catalog import Catalog
from bot.store.database import Database
from bot.trail.importing.files import find
from bot.trail.importing.importer import Importer, Report
from bot.trail.mapping import litellm
from bot.trail.mapping.mapper import Mapped, Mapper
from bot.trail.queries import asking as queries
from bot.trail.queries.asking import Filter
from bot.trail.receiving.defects import DEFECT
from bot.trail.storing import open_store
from bot.trail.storing.ingest import Ingest


@pytest.fixture
def ingest(db: Database, database_url: str) -> Iterator[Ingest]:
    store = open_store(database_url)
    yield Ingest(store, catalog=Catalog, clock=lambda: datetime.now(UTC))
    store.close()


def read(ingest: Ingest, path: Path, text: str) -> Report:
    path.write_text(text)
    (found,) = find([path])
    return Importer(ingest, Mapper(), system=None).read(found)


async def outputs(db: Database) -> set[str | None]:
    async with db.reading() as session:
        return {call.output for call in await queries.newest(session, Filter(), None, bodies=True)}


async def test_a_record_of_litellm_that_we_fail_on_spoils_no_other(
    db: Database, ingest: Ingest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    working = litellm.sightings

    def failing(records: Any, *, system: str | None) -> Mapped:
        if any(record["id"] == "r2" for record in records):
            raise ZeroDivisionError
        return working(records, system=system)

    monkeypatch.setattr(litellm, "sightings", failing)
    started, shared = 1_772_460_000, {"model": "gpt-4.1-mini", "call_type": "acompletion", "response_cost": 0.001}
    records = [{**shared, "id": f"r{n}", "startTime": started + n, "response": f"answer {n}"} for n in (1, 2, 3)]
    report = read(ingest, tmp_path / "litellm.json", json.dumps(records))
    assert (report.accepted, report.calls, report.rejected) == (2, 2, 1)
    assert report.reasons == [f"{tmp_path / 'litellm.json'}:1: {DEFECT}"]
    assert await outputs(db) == {"answer 1", "answer 3"}


async def test_a_line_that_cannot_be_written_spoils_no_other(
    db: Database, ingest: Ingest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    working = ingest._call

    def failing(call: Any, series_id: int) -> Any:
        if call.facts.external_id == "r2":
            raise ZeroDivisionError
        return working(call, series_id)

    monkeypatch.setattr(ingest, "_call", failing)
    lines = [{"id": f"r{n}", "ts": f"2026-03-02T14:00:0{n}Z", "output": f"answer {n}"} for n in (1, 2, 3)]
    report = read(ingest, tmp_path / "calls.jsonl", "\n".join(map(json.dumps, lines)))
    assert (report.accepted, report.calls, report.rejected) == (2, 2, 1)
    assert report.reasons == [f"{tmp_path / 'calls.jsonl'}: {DEFECT}"]
    assert await outputs(db) == {"answer 1", "answer 3"}
