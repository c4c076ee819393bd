"""`evals.run`: run a suite of evals by its own command; its exit status decides.

The command stands in the catalog (`systems.<name>.evals`), never in a runbook or a chat message. It is run without a
shell, in a process group of its own, with the environment variables that the catalog names and no other.
"""

import asyncio
import os
import signal
from datetime import timedelta
from time import monotonic

from bot.actions.contract import Action, ActionContext, ActionError, Arguments, Reading
from bot.catalog import Catalog, System
from bot.catalog.models import EvalSuite

PASSED_ON = ("PATH", "HOME", "LANG")
ENDS_WITHIN = timedelta(seconds=30)
"""What the step may take beyond the suite's own time, to end it."""
_KILL_AFTER = 3.0


class EvalsArguments(Arguments):
    suite: str
    """Name of a suite of the incident's system."""


class EvalsRun(Action[EvalsArguments]):
    """Repeating it does no harm: it changes nothing, and costs what the evals cost."""

    name = "evals.run"
    With = EvalsArguments

    def __init__(self) -> None:
        self._ended: dict[tuple[int, str], Reading] = {}

    def check(self, catalog: Catalog, system: System, arguments: EvalsArguments) -> None:
        if arguments.suite not in system.evals:
            known = ", ".join(system.evals) or "none"
            message = f"{system.name} has no evals {arguments.suite!r}; it has: {known}"
            raise ActionError(f"{message}. Add them to systems.{system.name}.evals", permanent=True)

    def within(self, catalog: Catalog, system: System, arguments: EvalsArguments) -> timedelta:
        return system.evals[arguments.suite].timeout + ENDS_WITHIN

    async def read(self, context: ActionContext, arguments: EvalsArguments) -> Reading:
        return {}

    async def apply(self, context: ActionContext, arguments: EvalsArguments) -> None:
        suite = context.system.evals[arguments.suite]
        begun = monotonic()
        status = await _run(context, suite)
        reading = {"suite": suite.name, "exit_status": status, "seconds": round(monotonic() - begun, 1)}
        if status != 0:
            message = f"evals {suite.name} ended with status {status} after {reading['seconds']} s: not passed"
            raise ActionError(message, permanent=True, reading=reading)
        self._ended[context.incident_id, suite.name] = reading

    async def verify(self, context: ActionContext, arguments: EvalsArguments) -> Reading:
        return self._ended.pop((context.incident_id, arguments.suite), {"suite": arguments.suite, "exit_status": 0})

    def reverse(self, arguments: EvalsArguments, previous: Reading) -> None:
        return None

    def describe(self, arguments: EvalsArguments, current: Reading | None) -> str:
        return f"Run evals {arguments.suite}"


async def _run(context: ActionContext, suite: EvalSuite) -> int:
    folder = context.catalog.folder / suite.folder
    names = (*PASSED_ON, *suite.environment)
    environment = {name: value for name in names if (value := _variable(context, name)) is not None}
    try:
        process = await asyncio.create_subprocess_exec(
            *suite.command,
            cwd=folder,
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ActionError(f"{suite.command[0]} cannot be run in {folder}: {reason}", permanent=True) from error
    try:
        async with asyncio.timeout(suite.timeout.total_seconds()):
            return await process.wait()
    except TimeoutError:
        seconds = suite.timeout.total_seconds()
        raise ActionError(f"evals {suite.name} did not end within {seconds:g} s") from None
    finally:
        await _end(process)


def _variable(context: ActionContext, name: str) -> str | None:
    if name in os.environ or context.outside is None or name in PASSED_ON:
        return os.environ.get(name)
    return context.outside.secret(name).get_secret_value()


async def _end(process: asyncio.subprocess.Process) -> None:
    """Nothing of it is left: first asked to end, then made to."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.returncode is not None:
            return
        try:
            os.killpg(process.pid, number)
            async with asyncio.timeout(_KILL_AFTER):
                await process.wait()
        except (ProcessLookupError, TimeoutError):
            continue
