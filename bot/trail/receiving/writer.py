"""The trail's writer: one thread that takes what waits, writes it in one commit, and answers after it.

    submit ──> waiting (bounded) ──> thread: read, read, read … write once ──> answers

While a commit runs, others queue up and go into the next one together; nobody waits for a timer. Nothing is answered
before it is on disk, so that a killed process loses nothing that it acknowledged.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, Protocol, TypeVar

import structlog

from bot.trail.receiving import collector, counters
from bot.trail.receiving.otlp.parts import UndecodableError

log = structlog.get_logger(__name__)

MOST_SPANS = 2_000
"""Spans in one commit: enough to make its cost small, few enough for everybody to be answered within a second."""
MOST_BATCH_BYTES = 8 * 1024 * 1024
MOST_REQUESTS = 1_000
STOP_WITHIN = 3.0
"""Seconds."""
MOST_BYTES = 64 * 1024 * 1024
"""Unpacked bodies that are in the process at once, being received or waiting: two of the largest size."""


class PathKind(StrEnum):
    """What a body is read as."""

    TRACES = "traces"
    LOGS = "logs"
    LITELLM = "litellm"


@dataclass(frozen=True, slots=True)
class Posted:
    """An unpacked request body. `system` is the one that its token speaks for, if it speaks for one."""

    kind: PathKind
    json: bool
    body: bytes
    system: str | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a body that was taken: how many of its spans or records could not be used, and why."""

    rejected: int = 0
    message: str = ""


class OverloadedError(Exception):
    """Too much at once, or the database cannot be written now; the same body will be taken a second later."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a body was not taken: `error` is what its sender is told."""

    error: OverloadedError | UndecodableError


Outcome = Receipt | Failure


class Reading(Protocol):
    """A body that was read and waits to be written."""

    @property
    def size(self) -> int:
        """Spans and records that will be written."""


R = TypeVar("R", bound=Reading)


class Pipeline(Protocol[R]):
    """What the thread does with bodies; it is made, used and closed there. No error of one body may escape."""

    def read(self, posted: Posted) -> R:
        """Decode and map; raises UndecodableError."""

    def write(self, readings: Sequence[R]) -> Sequence[Outcome]:
        """Write in one transaction; an outcome for each of them."""

    def close(self) -> None: ...


@dataclass(slots=True, eq=False)
class _Job:
    posted: Posted
    loop: asyncio.AbstractEventLoop
    answer: "asyncio.Future[Outcome]"


class Writer(Generic[R]):
    """Takes bodies from the event loop and gives them to its thread; `on_commit` is called on the loop."""

    def __init__(
        self,
        pipeline: Callable[[], Pipeline[R]],
        *,
        on_commit: Callable[[], None] = lambda: None,
        most_requests: int = MOST_REQUESTS,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._make = pipeline
        self._pipeline: Pipeline[R] | None = None
        self._on_commit = on_commit
        self._most_requests = most_requests
        self._most_bytes = most_bytes
        self._held = 0
        self._admitted = 0
        self._waiting: deque[_Job] = deque()
        self._unanswered: set[_Job] = set()
        self._change = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="trail-writer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    async def stop(self, *, within: float = STOP_WITHIN) -> None:
        """Write all that waits, then end the thread; what takes longer was not acknowledged and will come again."""
        with self._change:
            self._stopping = True
            self._change.notify()
        if self._thread.is_alive():
            await asyncio.to_thread(self._thread.join, within)
        for job in self._unanswered:
            if not job.answer.done():
                job.answer.set_result(Failure(_stopping()))

    @contextmanager
    def admission(self) -> Iterator["Admission"]:
        """A place for one body, held until it is answered; raises OverloadedError where there is none."""
        if self._admitted >= self._most_requests:
            raise overloaded("requests", f"{self._admitted} requests are waiting")
        self._admitted += 1
        admission = Admission(self)
        try:
            yield admission
        finally:
            self._admitted -= 1
            self._hold(-admission.held)

    async def submit(self, posted: Posted) -> Receipt:
        """Wait until the body is committed. Raises UndecodableError or OverloadedError; then nothing is promised."""
        loop = asyncio.get_running_loop()
        job = _Job(posted, loop, loop.create_future())
        with self._change:
            if self._stopping:
                raise _stopping()
            if len(self._waiting) >= self._most_requests:
                raise overloaded("requests", f"{len(self._waiting)} requests are waiting")
            self._waiting.append(job)
            self._change.notify()
        counters.WAITING.set(len(self._waiting))
        self._unanswered.add(job)
        try:
            outcome = await job.answer
        finally:
            self._unanswered.discard(job)
        if isinstance(outcome, Failure):
            raise outcome.error
        return outcome

    def _hold(self, size: int) -> None:
        if size > 0 and self._held + size > self._most_bytes:
            raise overloaded("bytes", f"bodies of {self._held // 1024 // 1024} MB are waiting")
        self._held += size
        counters.HELD_BYTES.set(self._held)

    def _run(self) -> None:
        while (first := self._next(wait=True)) is not None:
            jobs: list[_Job] = []
            try:
                with collector.resting():
                    self._work(first, jobs)
            except Exception:
                log.exception("the trail's writer failed; senders will try again", bodies=len(jobs))
                _answer([(job, Failure(overloaded("defect", "the trail's writer failed"))) for job in jobs])
                self._close()
        self._close()

    def _next(self, *, wait: bool) -> _Job | None:
        with self._change:
            while wait and not self._waiting and not self._stopping:
                self._change.wait()
            job = self._waiting.popleft() if self._waiting else None
        counters.WAITING.set(len(self._waiting))
        return job

    def _work(self, first: _Job, jobs: list[_Job]) -> None:
        """Read what waits, up to a bound, and write it; every job that is taken goes into `jobs` first."""
        jobs.append(first)
        if self._pipeline is None:
            self._pipeline = self._make()
        readings: list[tuple[_Job, R]] = []
        spans = size = 0
        job: _Job | None = first
        while job is not None:
            try:
                reading = self._pipeline.read(job.posted)
            except UndecodableError as error:
                _answer([(job, Failure(error))])
            else:
                readings.append((job, reading))
                spans += reading.size
            size += len(job.posted.body)
            job = self._next(wait=False) if spans < MOST_SPANS and size < MOST_BATCH_BYTES else None
            if job is not None:
                jobs.append(job)
        if readings:
            self._write(readings)

    def _write(self, readings: Sequence[tuple[_Job, R]]) -> None:
        assert self._pipeline is not None
        outcomes = self._pipeline.write([reading for _, reading in readings])
        answers = [(job, outcome) for (job, _), outcome in zip(readings, outcomes, strict=True)]
        stored = sum(isinstance(outcome, Receipt) for outcome in outcomes)
        if stored:
            counters.BODIES.inc(stored)
            counters.COMMITS.inc()
        _answer(answers, self._on_commit if stored else None)

    def _close(self) -> None:
        if self._pipeline is None:
            return
        try:
            self._pipeline.close()
        except Exception:
            log.exception("the trail's store could not be closed")
        self._pipeline = None


class Admission:
    """What one body holds of the room that all of them share."""

    def __init__(self, writer: Writer[Any]) -> None:
        self._writer = writer
        self.held = 0

    def grow(self, size: int) -> None:
        """Hold so many bytes in all; raises OverloadedError where there is no room."""
        self._writer._hold(size - self.held)
        self.held = size


def overloaded(reason: str, message: str) -> OverloadedError:
    """Counted by reason."""
    counters.OVERLOADS.labels(reason).inc()
    return OverloadedError(f"{message}; send the same body again in a second")


def _stopping() -> OverloadedError:
    return overloaded("stopping", "Badday is stopping")


def _answer(answers: Sequence[tuple[_Job, Outcome]], then: Callable[[], None] | None = None) -> None:
    """Hand the outcomes to the event loop in one go."""

    def settle() -> None:
        for job, outcome in answers:
            if not job.answer.done():
                job.answer.set_result(outcome)
        if then is not None:
            then()

    if not answers:
        return
    try:
        answers[0][0].loop.call_soon_threadsafe(settle)
    except RuntimeError:  # the loop is closed: nobody waits for the answers any more
        log.warning("answers without a recipient", bodies=len(answers))
