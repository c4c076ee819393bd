"""A process that runs runbook steps; its actions stop at a named point, so that a test can kill it there.

python -m tests.acceptance.step_process DATABASE_URL FOLDER
"""

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

from bot.actions.contract import Action, ActionContext, Arguments, Reading
from bot.actions.registry import Registry, packaged
from bot.catalog import Catalog, parse_catalog
from bot.runbooks.worker import StepWorker
from bot.store.database import Database

POINTS = ("read", "apply", "effect", "verify")


def catalog() -> Catalog:
    return parse_catalog("""
badday: 1
people: {maria: {name: Maria Ortiz, email: maria@example.com}}
providers: {northwind: {}}
systems: {support-bot: {owner: maria, channel: support-bot, armed: true}}
""")


class StopArguments(Arguments):
    name: str
    """The file that every effect adds a line to."""
    at: str
    """The point at which the first process stops until it is killed."""


class Once(Action[StopArguments]):
    """Repeating it would be a second effect."""

    name = "test.once"
    With = StopArguments
    idempotent = False

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def read(self, context: ActionContext, arguments: StopArguments) -> Reading:
        await self._stop(arguments, "read")
        return {"lines": 0}

    async def apply(self, context: ActionContext, arguments: StopArguments) -> None:
        await self._stop(arguments, "apply")
        with (self._folder / f"{arguments.name}.effects").open("a") as file:
            file.write("done\n")
        await self._stop(arguments, "effect")

    async def verify(self, context: ActionContext, arguments: StopArguments) -> Reading:
        await self._stop(arguments, "verify")
        return {"lines": 1}

    def reverse(self, arguments: StopArguments, previous: Reading) -> None:
        return None

    def describe(self, arguments: StopArguments, current: Reading | None) -> str:
        return f"Add a line to {arguments.name}"

    async def _stop(self, arguments: StopArguments, point: str) -> None:
        marker = self._folder / f"{arguments.name}.stopped"
        if arguments.at != point or marker.exists():
            return
        marker.touch()
        await asyncio.sleep(600)


class Again(Once):
    """Repeating it does no harm."""

    name = "test.again"
    idempotent = True


def actions(folder: Path) -> Registry:
    return packaged().with_(Once(folder), Again(folder))


async def main(database_url: str, folder: Path) -> None:
    db = Database(database_url)
    in_force = catalog()
    await StepWorker(db, lambda: in_force, lambda: datetime.now(UTC), actions(folder)).run()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
