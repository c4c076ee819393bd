"""kill -9 of the process that runs steps, at each point of a step, with a second one alive."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

from sqlalchemy import select
from sqlmodel import col

from bot.incidents import incidents
from bot.runbooks import runs
from bot.runbooks.library import LiveLibrary
from bot.store.database import Database
from bot.store.tables import RunbookStep
from tests.acceptance.step_process import POINTS, actions, catalog

TAKE_OVER = 5.0


def now() -> datetime:
    return datetime.now(UTC)


@asynccontextmanager
async def replica(database_url: str, folder: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.acceptance.step_process", database_url, str(folder))
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def start(db: Database, folder: Path) -> None:
    """An incident whose runbook has a step for each action and each point, all of them clicked."""
    lines = "".join(
        f"  - {{id: {action}-{at}, title: T, do: test.{action}, with: {{name: {action}-{at}, at: {at}}}}}\n"
        for action in ("once", "again")
        for at in POINTS
    )
    (folder / "crash.yaml").write_text(
        f"runbook: 1\nname: crash\nsummary: S.\nstarts_on: [{{watch: w}}]\nsteps:\n{lines}"
    )
    library = LiveLibrary(folder, packaged_in=folder / "none", actions=actions(folder))
    assert library.problems == ()
    async with db.transaction() as session:
        incident = await incidents.open_incident(
            session,
            catalog(),
            system="support-bot",
            cause="c",
            title="t",
            severity="sev3",
            known="",
            actor="badday",
            now=now(),
        )
        run = await runs.start(session, library(), catalog(), incident, watch="w", now=now(), actions=actions(folder))
        assert run is not None
        for step in await runs.steps(session, run):
            assert step.id is not None
            outcome = await runs.request(session, step.id, verb="run", version=step.version, actor="maria", now=now())
            assert outcome.applied


async def steps(db: Database) -> dict[str, RunbookStep]:
    async with db.reading() as session:
        rows = (await session.execute(select(RunbookStep).order_by(col(RunbookStep.id)))).scalars()
        return {row.name: row for row in rows}


async def wait_until(look: Callable[[], bool], *, within: float) -> None:
    deadline = monotonic() + within
    while not look():
        assert monotonic() < deadline
        await asyncio.sleep(0.02)


def effects(folder: Path, name: str) -> int:
    file = folder / f"{name}.effects"
    return len(file.read_text().splitlines()) if file.exists() else 0


async def test_a_killed_process_is_taken_over_and_nothing_is_done_twice(
    db: Database, database_url: str, tmp_path: Path
) -> None:
    folder = tmp_path / "steps"
    folder.mkdir()
    await start(db, folder)
    names = [f"{action}-{at}" for action in ("once", "again") for at in POINTS]
    async with replica(database_url, folder) as first:
        await wait_until(lambda: all((folder / f"{name}.stopped").exists() for name in names), within=30)
        async with replica(database_url, folder):
            await asyncio.sleep(1.5)  # the second one is up, and the first one's leases are renewed
            assert {row.state for row in (await steps(db)).values()} == {"running"}
            first.kill()
            killed = monotonic()
            while {row.state for row in (await steps(db)).values()} & {"ready", "running"}:
                assert monotonic() - killed < 30
                await asyncio.sleep(0.05)
            took = monotonic() - killed
    ended = await steps(db)
    assert {name: (row.state, effects(folder, name)) for name, row in ended.items()} == {
        "once-read": ("done", 1),  # it had not begun
        "once-apply": ("unknown", 0),  # asked, since nobody but the first process could know
        "once-effect": ("unknown", 1),
        "once-verify": ("unknown", 1),
        "again-read": ("done", 1),
        "again-apply": ("done", 1),
        "again-effect": ("done", 2),  # it sets a desired state, so once more is the same
        "again-verify": ("done", 2),
    }
    assert took <= TAKE_OVER
