"""Recorded bodies, a span at a time and in any order, make the same rows and sums as all at once."""

import json
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest

from bot.catalog import Catalog
from bot.store import migrate
from bot.store.database import Database
from bot.trail.calls import Sighting
from bot.trail.mapping.mapper import Mapped, Mapper
from bot.trail.queries import asking as queries
from bot.trail.queries.finding import Filter
from bot.trail.receiving.otlp import decode_logs, decode_traces
from bot.trail.storing import open_store
from bot.trail.storing.ingest import Arrived, Ingest

FIXTURES = Path(__file__).parents[2] / "fixtures" / "otlp"
NOW = datetime(2026, 11, 26, tzinfo=UTC)
_IDS = {"id", "call_id", "attempt_group"}


def sightings(folder: Path) -> list[Sighting]:
    found = []
    for entry in json.loads((folder / "index.json").read_bytes()):
        for request in entry["requests"]:
            decode = decode_logs if "/logs" in request["path"] else decode_traces
            decoded = decode((folder / request["file"]).read_bytes(), True)
            found += Mapper().map(decoded, system=None).sightings
    return found


async def stored(url: str, batches: Sequence[Sequence[Sighting]]) -> tuple[list[dict[str, Any]], Any]:
    db, catalog = Database(url), Catalog()
    await migrate.upgrade(db.engine)
    store = open_store(url)
    ingest = Ingest(store, catalog=lambda: catalog, clock=lambda: NOW)
    try:
        for batch in batches:
            ingest.ingest([Arrived(Mapped(deepcopy(list(batch))))])
        async with db.transaction() as session:
            records = await queries.newest(session, Filter(), None, bodies=True)
            totals = await queries.totals(session, Filter())
    finally:
        store.close()
        await db.close()
    rows = [{each.name: getattr(one, each.name) for each in fields(one) if each.name not in _IDS} for one in records]
    return sorted(rows, key=lambda row: (row["trace_id"] or "", row["span_id"] or "")), totals


@pytest.mark.parametrize("folder", ["langsmith", "openlit"])
async def test_any_order_and_any_batches_make_the_same_rows_and_sums(folder: str, tmp_path: Path) -> None:
    told = sightings(FIXTURES / folder)
    at_once = await stored(f"sqlite:///{tmp_path / 'once.db'}", [told])
    random = Random(folder)
    shuffled = random.sample(told, len(told)) + random.sample(told, 3)
    one_by_one = await stored(f"sqlite:///{tmp_path / 'each.db'}", [[one] for one in shuffled])
    assert one_by_one == at_once
