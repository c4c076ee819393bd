"""How many calls a second can be asked for once they were posted, on one core; how much disk and memory they take.

Every body is what an exporter sends (gzip, protobuf, 512 spans, several emitters). It is unpacked, decoded, mapped,
redacted, joined with what is known, priced, compressed and committed with its words and sums, four bodies a commit as
under load. The floor is `sqlite3.executemany` of the rows that came out, into tables without an index, in the same run
and with the same durability: on both sides every commit waits until it is on disk (`synchronous=FULL`).
Each figure is the median over commits, a ratio that of each commit to the raw writing of its rows right after it.
`BADDAY_PEERS` names the Python of an environment with arize-phoenix.
"""

import asyncio
import gzip
import json
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import structlog

from benchmarks._report import percentile, say
from benchmarks._traffic import SPANS, Traffic, compressed
from bot.catalog import Catalog
from bot.store import migrate
from bot.store.database import Database
from tests.postgres import server

FULL = bool(os.environ.get("FULL"))
BODIES = 160 if FULL else 48
BODIES_A_COMMIT = 4
FIRST = 8
"""Bodies before the dictionary is trained; they do not count."""
TABLES = ("call", "call_body")


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_bodies(folder)
        everything = child(f"sqlite:///{folder}/full.db", folder, "redact,full_text")
        bare = child(f"sqlite:///{folder}/bare.db", folder, "")
        with server() as postgres, postgres.database() as postgres_url:
            scaled = child(postgres_url, folder, "redact,full_text")
        report(everything, bare, scaled)
        if os.environ.get("PEERS"):
            peers(folder, everything["rate"])


def report(everything: dict[str, float], bare: dict[str, float], scaled: dict[str, float]) -> None:
    say("raw executemany of the same rows", everything["raw"], "calls/s")
    say("queryable, with redaction, pricing and words", everything["rate"], "calls/s")
    say("  / raw", everything["ratio"], "x", ">= 0.08")
    say("queryable, without redaction and words", bare["rate"], "calls/s")
    say("  / raw", bare["ratio"], "x", ">= 0.14")
    say("queryable on PostgreSQL, with everything", scaled["rate"], "calls/s")
    say("  / our SQLite", scaled["rate"] / everything["rate"], "x", ">= 0.8")
    say("disk a call with 3.3 KB of content", everything["disk"] / 1000, "KB", "<= 1.5")
    say("resident at most", everything["resident"], "MB", "<= 250")


def write_bodies(folder: Path) -> None:
    """The bodies as files, so that no process holds more of them than it is sent."""
    traffic = Traffic()
    hour_us = 3_600_000_000
    start_us = round(time.time() * 1_000_000) - hour_us
    for number, body in enumerate(traffic.bodies(BODIES, start_us=start_us, over_us=hour_us)):
        (folder / f"{number:04}.pb.gz").write_bytes(compressed(body))


def child(url: str, folder: Path, switches: str) -> dict[str, float]:
    """Measure in a process of its own, on one core."""
    command = [sys.executable, "-m", "benchmarks.trail_ingest", url, str(folder), switches]
    result = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    answer: dict[str, float] = json.loads(result.stdout)
    return answer


def ingest(url: str, folder: Path, switches: str) -> dict[str, float]:
    from bot.trail.mapping.mapper import Mapper
    from bot.trail.receiving import collector
    from bot.trail.receiving.otlp import decode_traces
    from bot.trail.storing import open_store
    from bot.trail.storing.ingest import Arrived, Ingest

    asyncio.run(prepare(url))
    catalog, mapper, store = Catalog(), Mapper(), open_store(url)
    writer = Ingest(
        store, catalog=lambda: catalog, clock=now, redact="redact" in switches, full_text="full_text" in switches
    )

    def commit(paths: Sequence[Path]) -> None:
        with collector.resting():  # as the bot's writer does
            bodies = (gzip.decompress(path.read_bytes()) for path in paths)
            writer.ingest([Arrived(mapper.map(decode_traces(body, False), system=None)) for body in bodies])

    paths = sorted(folder.glob("*.pb.gz"))
    for some in batches(paths[:FIRST]):
        commit(some)
    asyncio.run(train(url))
    size = disk(url)
    calls = BODIES_A_COMMIT * SPANS
    floor = Floor(folder / "raw.db")
    rates, floors = [], []
    # One after the other, so that whatever else the machine does hits both alike.
    for some in batches(paths[FIRST:]):
        rates.append(rate(lambda some=some: commit(some), calls))  # type: ignore[misc]
        rows = newest_rows(url, calls)
        floors.append(rate(lambda rows=rows: floor.write(rows), calls))  # type: ignore[misc]
    floor.close()
    store.close()
    return {
        "rate": percentile(rates, 0.5),
        "raw": percentile(floors, 0.5),
        "ratio": percentile([ours / raw for ours, raw in zip(rates, floors, strict=True)], 0.5),
        "disk": (disk(url) - size) / ((len(paths) - FIRST) * SPANS),
        "resident": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


class Floor:
    """Raw writing: two tables without index or key, one prepared statement each, every commit on disk as ours are."""

    def __init__(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=FULL")

    def write(self, tables: dict[str, list[tuple[Any, ...]]]) -> None:
        self._connection.execute("BEGIN")
        for table, rows in tables.items():
            columns = ", ".join(f"c{place}" for place in range(len(rows[0])))
            self._connection.execute(f"CREATE TABLE IF NOT EXISTS {table} ({columns})")
            self._connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows)
        self._connection.execute("COMMIT")

    def close(self) -> None:
        self._connection.close()


def newest_rows(url: str, count: int) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of the last commit: its calls are the latest ones."""
    queries = {table: f"SELECT * FROM {table} ORDER BY 1 DESC LIMIT {count}" for table in TABLES}
    if url.startswith("sqlite"):
        connection: Any = sqlite3.connect(url.removeprefix("sqlite:///"))
    else:
        connection = psycopg.connect(url)
    with closing(connection):
        return {table: list(connection.execute(query).fetchall()) for table, query in queries.items()}


async def prepare(url: str) -> None:
    db = Database(url)
    await migrate.upgrade(db.engine)
    await db.close()


async def train(url: str) -> None:
    """What the bot does within a minute of its two thousandth body."""
    from bot.trail.retention.worker import TrailRetention

    db = Database(url)
    await TrailRetention(db, now).look()
    await db.close()


def rate(work: Callable[[], None], calls: int) -> float:
    started = time.perf_counter()
    work()
    return calls / (time.perf_counter() - started)


def batches(paths: Sequence[Path]) -> Iterator[Sequence[Path]]:
    for start in range(0, len(paths), BODIES_A_COMMIT):
        yield paths[start : start + BODIES_A_COMMIT]


def disk(url: str) -> int:
    """Bytes in the file, with all that waits in the log."""
    if not url.startswith("sqlite"):
        return 0
    path = url.removeprefix("sqlite:///")
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return Path(path).stat().st_size


def now() -> datetime:
    return datetime.now(UTC)


def peers(folder: Path, ours: float) -> None:
    """arize-phoenix on SQLite, fed with the same bodies; queryable is what its own database holds."""
    python = os.environ.get("BADDAY_PEERS")
    if not python or subprocess.run([python, "-c", "import phoenix"], check=False, capture_output=True).returncode:
        print("arize-phoenix: not installed (BADDAY_PEERS names the Python of its environment)", flush=True)
        return
    theirs = phoenix(python, folder)
    say("arize-phoenix, queryable", theirs, "calls/s")
    say("ours / arize-phoenix", ours / theirs, "x", ">= 40")


def phoenix(python: str, folder: Path) -> float:
    with tempfile.TemporaryDirectory() as home, running_phoenix(python, home) as url:
        import httpx

        sent = sorted(folder.glob("*.pb.gz"))[:8]
        headers = {"Content-Type": "application/x-protobuf", "Content-Encoding": "gzip"}
        started = time.perf_counter()
        for path in sent:
            httpx.post(f"{url}/v1/traces", content=path.read_bytes(), headers=headers, timeout=60).raise_for_status()
        wanted = len(sent) * SPANS
        while (count := _spans_of(home)) < wanted and time.perf_counter() - started < 120:
            time.sleep(0.25)
        return count / (time.perf_counter() - started)


def _spans_of(home: str) -> int:
    try:
        connection = sqlite3.connect(f"file:{home}/phoenix.db?mode=ro", uri=True)
        try:
            count: int = connection.execute("SELECT count(*) FROM spans").fetchone()[0]
            return count
        finally:
            connection.close()
    except sqlite3.OperationalError:
        return 0


@contextmanager
def running_phoenix(python: str, home: str) -> Iterator[str]:
    import httpx

    from tests.acceptance.desk import free_port

    port = free_port()
    environment = os.environ | {
        "PHOENIX_WORKING_DIR": home,
        "PHOENIX_PORT": str(port),
        "PHOENIX_GRPC_PORT": str(free_port()),
        "PHOENIX_HOST": "127.0.0.1",
        "PHOENIX_TELEMETRY_ENABLED": "false",
    }
    command = [python, "-m", "phoenix.server.main", "serve"]
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, env=environment, **quiet)
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            try:
                if httpx.get(f"{url}/healthz", timeout=2).status_code == 200:
                    break
            except httpx.TransportError:
                time.sleep(0.5)
        yield url
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    if len(sys.argv) == 1:
        main()
    else:
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
        url, folder, switches = sys.argv[1:]
        print(json.dumps(ingest(url, Path(folder), switches)))
