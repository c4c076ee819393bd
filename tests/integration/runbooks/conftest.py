"""An incident with a runbook, actions that tests can steer, and a worker with a clock of its own."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from textwrap import dedent

import pytest
from sqlalchemy import select
from sqlmodel import col

from bot.actions.contract import Action, ActionContext, ActionError, Arguments, Reading
from bot.actions.registry import Registry, packaged
from bot.catalog import Catalog, System, parse_catalog
from bot.incidents import incidents
from bot.runbooks import runs
from bot.runbooks.clicks import StepOutcome
from bot.runbooks.library import LiveLibrary
from bot.runbooks.worker import StepWorker
from bot.store.database import Database
from bot.store.tables import Incident, RunbookStep
from bot.switchboard import board

DOCUMENT = """
badday: 1
people:
  maria: {name: Maria Ortiz, email: maria@example.com}
  sam: {name: Sam Lee, email: sam@example.com}
  ana: {name: Ana Kowalska, email: ana@example.com}
providers: {northwind: {}, cirrus: {}, polar: {}}
systems:
  support-bot:
    owner: maria
    deputies: [sam, ana]
    channel: support-bot
    armed: true
    routes: {chat: {primary: northwind, standbys: [cirrus, polar]}}
"""


class Clock:
    """Stands still until it is moved."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, by: timedelta) -> None:
        self.now += by


class BellArguments(Arguments):
    text: str
    """What to ring."""


class Bell(Action[BellArguments]):
    """An action that is not idempotent: it rings, and a test may make it wait, fail or ring to nobody."""

    name = "test.ring"
    With = BellArguments
    idempotent = False

    def __init__(self) -> None:
        self.rung: list[str] = []
        self.ringing = asyncio.Event()
        self.may_end = asyncio.Event()
        self.may_end.set()
        self.error: Exception | None = None
        self.deaf = False

    def check(self, catalog: Catalog, system: System, arguments: BellArguments) -> None:
        if arguments.text == "impossible":
            raise ActionError("nobody can ring that")

    async def read(self, context: ActionContext, arguments: BellArguments) -> Reading:
        return {"rung": len(self.rung)}

    async def apply(self, context: ActionContext, arguments: BellArguments) -> None:
        self.ringing.set()
        await self.may_end.wait()
        if self.error is not None:
            raise self.error
        self.rung.append(arguments.text)

    async def verify(self, context: ActionContext, arguments: BellArguments) -> Reading:
        if self.deaf:
            raise ActionError("nobody heard it")
        return {"rung": len(self.rung)}

    def reverse(self, arguments: BellArguments, previous: Reading) -> BellArguments:
        return BellArguments(text=f"not {arguments.text}")

    def describe(self, arguments: BellArguments, current: Reading | None) -> str:
        return f"Ring {arguments.text}"


class Lamp(Bell):
    """The same, but idempotent."""

    name = "test.light"
    idempotent = True


RUNBOOK = """
runbook: 1
name: outage
summary: Move traffic.
starts_on: [{watch: "status.*"}]
steps:
  - {id: look, title: Look, note: "What does {{ incident.provider }} say?"}
  - id: switch
    title: "Switch {{ route.name }} to {{ route.standby }}"
    do: route.set
    with: {route: "{{ route.name }}", to: "{{ route.standby }}"}
  - {id: ring, title: Ring, do: test.ring, with: {text: bell}}
  - {id: light, title: Light, do: test.light, with: {text: lamp}, undo: none}
"""


@dataclass
class Desk:
    """One database, one runbook, and what people do to it."""

    db: Database
    catalog: Catalog
    clock: Clock
    library: LiveLibrary
    actions: Registry
    bell: Bell
    lamp: Lamp
    folder: Path
    workers: list[StepWorker] = field(default_factory=list)

    def worker(self) -> StepWorker:
        return StepWorker(self.db, lambda: self.catalog, self.clock, self.actions)

    def arm(self, armed: bool) -> None:
        """As the catalog has it."""
        system = replace(self.catalog.systems["support-bot"], armed=armed)
        self.catalog = replace(self.catalog, systems={"support-bot": system})

    async def incident(self, provider: str | None = "northwind", cause: str = "status:northwind") -> Incident:
        async with self.db.transaction() as session:
            return await incidents.open_incident(
                session,
                self.catalog,
                system="support-bot",
                cause=cause,
                title="northwind is down",
                severity="sev2",
                known="",
                actor="badday",
                now=self.clock(),
                provider=provider,
            )

    async def start(self, incident: Incident, watch: str | None = "status.northwind") -> list[RunbookStep]:
        async with self.db.transaction() as session:
            run = await runs.start(
                session,
                self.library(),
                self.catalog,
                await session.get_one(Incident, incident.id),
                watch=watch,
                now=self.clock(),
                actions=self.actions,
            )
            return list(await runs.steps(session, run)) if run is not None else []

    async def step(self, name: str) -> RunbookStep:
        """The last offered step of this name."""
        async with self.db.reading() as session:
            statement = select(RunbookStep).where(col(RunbookStep.name) == name).order_by(col(RunbookStep.id).desc())
            return (await session.execute(statement.limit(1))).scalar_one()

    async def click(self, name: str, verb: str, *, version: int | None = None, by: str = "maria") -> StepOutcome:
        step = await self.step(name)
        assert step.id is not None
        async with self.db.transaction() as session:
            return await runs.request(
                session,
                step.id,
                verb=verb,
                version=version or step.version,
                actor=by,
                now=self.clock(),
                actions=self.actions,
            )

    async def run(self, name: str, verb: str = "run") -> RunbookStep:
        """Click and let a worker work it off."""
        assert (await self.click(name, verb)).applied
        await self.worker().run_once()
        return await self.step(name)

    async def route(self) -> object:
        async with self.db.reading() as session:
            value = await board.value(session, self.catalog, "route.chat")
        assert value is not None
        return value.value


@pytest.fixture
def make_library(tmp_path: Path) -> Callable[[str, Registry], LiveLibrary]:
    def make(text: str, actions: Registry) -> LiveLibrary:
        folder = tmp_path / "runbooks"
        folder.mkdir(exist_ok=True)
        (folder / "outage.yaml").write_text(dedent(text))
        return LiveLibrary(folder, packaged_in=tmp_path / "none", actions=actions)

    return make


@pytest.fixture
async def desk(
    db: Database, now: datetime, tmp_path: Path, make_library: Callable[[str, Registry], LiveLibrary]
) -> Desk:
    bell, lamp = Bell(), Lamp()
    actions = packaged().with_(bell, lamp)
    library = make_library(RUNBOOK, actions)
    assert library.problems == ()
    return Desk(db, parse_catalog(DOCUMENT), Clock(now), library, actions, bell, lamp, tmp_path / "runbooks")
