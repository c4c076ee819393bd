"""Ways to start a process of the bot: by its command, and, for most tests, forked from one that has imported it.

Importing takes two seconds of CPU, more than most tests; the fork is a process of its own all the same, and can be
killed at any moment.
"""

import asyncio
import multiprocessing
import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Protocol

_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(["bot.app", "bot.slack.face", "bot.alerts.handler", "bot.slack.app"])


class Process(Protocol):
    """What tests use of `asyncio.subprocess.Process`."""

    @property
    def pid(self) -> int: ...

    @property
    def returncode(self) -> int | None: ...

    def send_signal(self, signal: int, /) -> None: ...

    async def wait(self) -> int: ...


@dataclass(frozen=True)
class Order:
    """The arguments of `badday`, its whole environment, its folder, and the file that it logs to."""

    arguments: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    log: Path


Launch = Callable[[Order], Awaitable[Process]]


async def by_command(order: Order) -> Process:
    """Start `badday` as people do."""
    with order.log.open("wb") as log:
        return await asyncio.create_subprocess_exec(
            str(Path(sys.executable).with_name("badday")),
            *order.arguments,
            env=dict(order.environment),
            cwd=order.folder,
            stdout=log,
            stderr=log,
        )


async def by_fork(order: Order) -> Process:
    """Start it without importing it anew."""
    process = _forks.Process(target=_run, args=(order,), daemon=True)
    process.start()
    return _Forked(process)


def _run(order: Order) -> None:
    os.environ.clear()
    os.environ.update(order.environment)
    os.chdir(order.folder)
    log = os.open(order.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(log, stream.fileno())
    os.close(log)
    from bot.cli import main

    main(list(order.arguments), prog_name="badday")


class _Forked:
    def __init__(self, process: BaseProcess) -> None:
        self._process = process
        assert process.pid is not None
        self.pid = process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def send_signal(self, signal: int, /) -> None:
        os.kill(self.pid, signal)

    async def wait(self) -> int:
        await asyncio.to_thread(self._process.join)
        assert self.returncode is not None
        return self.returncode
