"""How many calls a second can be asked for once they were posted, on one core; how much disk and memory they take.

Every body is what an exporter sends (gzip, protobuf, 512 spans, several emitters). It is unpacked, decoded, mapped,
redacted, joined with what is known, priced, compressed and committed with its words and sums, four bodies a commit as
under load. The floor is `sqlite3.executemany` of the rows that came out, into tables without an index, in the same run.
Each figure is the median over commits. `BADDAY_PEERS` names the Python of an environment with arize-phoenix.
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
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

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
        url = f"sqlite:///{folder}/full.db"
        everything = child("ingest", url, folder, "redact,full_text")
        raw = child("raw", f"{folder}/full.db", folder, "")["rate"]
        bare = child("ingest", f"sqlite:///{folder}/bare.db", folder, "")
        with server() as postgres, postgres.database() as postgres_url:
            scaled = child("ingest", postgres_url, folder, "redact,full_text")
        again = child("ingest", f"sqlite:///{folder}/again.db", folder, "redact,full_text")
        raw = (raw + child("raw", f"{folder}/full.db", folder, "")["rate"]) / 2
        report(raw, everything, again, bare, scaled)
        if os.environ.get("PEERS"):
            peers(folder, (everything["rate"] + again["rate"]) / 2)


def report(
    raw: float, everything: dict[str, float], again: dict[str, float], bare: dict[str, float], scaled: dict[str, float]
) -> None:
    rate = (everything["rate"] + again["rate"]) / 2
    say("raw executemany of the same rows", raw, "calls/s")
    say("queryable, with redaction, pricing and words", rate, "calls/s")
    say("  / raw", rate / raw, "x", ">= 0.08")
    say("queryable, without redaction and words", bare["rate"], "calls/s")
    say("  / raw", bare["rate"] / raw, "x", ">= 0.14")
    say("queryable on PostgreSQL, with everything", scaled["rate"], "calls/s")
    say("  / our SQLite", scaled["rate"] / rate, "x", ">= 0.8")
    say("disk a call with 3.3 KB of content", everything["disk"] / 1000, "KB", "<= 1.5")
    say("resident at most", everything["resident"], "MB", "<= 250")


def write_bodies(folder: Path) -> None:
    """The bodies as files, so that no process holds more of them than it is sent."""
    traffic = Traffic()
    hour_us = 3_600_000_000
    start_us = round(time.time() * 1_000_000) - hour_us
    for number, body in enumerate(traffic.bodies(BODIES, start_us=start_us, over_us=hour_us)):
        (folder / f"{number:04}.pb.gz").write_bytes(compressed(body))


def child(what: str, target: str, folder: Path, switches: str) -> dict[str, float]:
    """Measure in a process of its own, on one core."""
    command = [sys.executable, "-m", "benchmarks.trail_ingest", what, target, str(folder), switches]
    result = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    answer: dict[str, float] = json.loads(result.stdout)
    return answer


def ingest(url: str, folder: Path, switches: str) -> dict[str, float]:
    from bot.trail.ingest import Arrived, Ingest
    from bot.trail.mapping import Mapper
    from bot.trail.otlp import decode_traces
    from bot.trail.storing import open_store

    asyncio.run(prepare(url))
    catalog, mapper, store = Catalog(), Mapper(), open_store(url)
    writer = Ingest(
        store, catalog=lambda: catalog, clock=now, redact="redact" in switches, full_text="full_text" in switches
    )

    def commit(paths: Sequence[Path]) -> None:
        bodies = (gzip.decompress(path.read_bytes()) for path in paths)
        writer.ingest([Arrived(mapper.map(decode_traces(body, False), system=None)) for body in bodies])

    paths = sorted(folder.glob("*.pb.gz"))
    for some in batches(paths[:FIRST]):
        commit(some)
    asyncio.run(train(url))
    size = disk(url)
    rates = [rate(lambda some=some: commit(some), len(some) * SPANS) for some in batches(paths[FIRST:])]  # type: ignore[misc]
    store.close()
    return {
        "rate": percentile(rates, 0.5),
        "disk": (disk(url) - size) / ((len(paths) - FIRST) * SPANS),
        "resident": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


async def prepare(url: str) -> None:
    db = Database(url)
    await migrate.upgrade(db.engine)
    await db.close()


async def train(url: str) -> None:
    """What the bot does within a minute of its two thousandth body."""
    from bot.trail.retention import TrailRetention

    db = Database(url)
    await TrailRetention(db, now).look()
    await db.close()


def raw(path: str) -> dict[str, float]:
    """The rows of calls and bodies that are in the database, into another one."""
    source = sqlite3.connect(path)
    tables = {table: source.execute(f"SELECT * FROM {table}").fetchall() for table in TABLES}
    source.close()
    copy = Path(path).with_name("raw.db")
    copy.unlink(missing_ok=True)
    target = sqlite3.connect(copy, isolation_level=None)
    target.execute("PRAGMA journal_mode=WAL")
    target.execute("PRAGMA synchronous=NORMAL")
    for table, rows in tables.items():
        target.execute(f"CREATE TABLE {table} ({', '.join(f'c{place}' for place in range(len(rows[0])))})")

    def write(start: int, end: int) -> None:
        target.execute("BEGIN")
        for table, rows in tables.items():
            marks = ", ".join("?" * len(rows[0]))
            target.executemany(f"INSERT INTO {table} VALUES ({marks})", rows[start:end])
        target.execute("COMMIT")

    step = BODIES_A_COMMIT * SPANS
    starts = range(FIRST * SPANS, len(tables["call"]), step)
    rates = [rate(lambda start=start: write(start, start + step), step) for start in starts]  # type: ignore[misc]
    target.close()
    return {"rate": percentile(rates, 0.5)}


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
        what, target, folder, switches = sys.argv[1:]
        print(json.dumps(raw(target) if what == "raw" else ingest(target, Path(folder), switches)))
