"""The writer commits what waits together, answers after the commit, and never loses or mixes up an answer."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from bot.trail.receiving.otlp import UndecodableError
from bot.trail.receiving.writer import Failure, OverloadedError, PathKind, Posted, Receipt, Writer, overloaded


@dataclass
class Reading:
    text: str
    size: int = 1


@dataclass
class Notebook:
    """A pipeline that remembers; `gate` holds it back inside a write."""

    commits: list[list[str]] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)
    threads: set[str] = field(default_factory=set)
    closed: int = 0
    size: int = 1

    def __post_init__(self) -> None:
        self.gate.set()

    def read(self, posted: Posted) -> Reading:
        text = posted.body.decode()
        if text == "rubbish":
            raise UndecodableError("the body is rubbish")
        if text == "bug":
            raise ZeroDivisionError
        return Reading(text, self.size)

    def write(self, readings: Sequence[Reading]) -> Sequence[Receipt | Failure]:
        self.threads.add(threading.current_thread().name)
        self.gate.wait(5)
        self.commits.append([reading.text for reading in readings])
        return [
            Failure(overloaded("database", "locked")) if reading.text == "locked" else Receipt(0, reading.text)
            for reading in readings
        ]

    def close(self) -> None:
        self.closed += 1


@asynccontextmanager
async def writing(notebook: Notebook, **options: int | Callable[[], None]) -> AsyncIterator[Writer[Reading]]:
    writer = Writer[Reading](lambda: notebook, **options)  # type: ignore[arg-type]
    writer.start()
    try:
        yield writer
    finally:
        notebook.gate.set()
        await writer.stop()


def posted(text: str) -> Posted:
    return Posted(PathKind.TRACES, False, text.encode())


async def test_an_answer_belongs_to_its_body() -> None:
    async with writing(Notebook()) as writer:
        receipts = await asyncio.gather(*(writer.submit(posted(str(number))) for number in range(200)))
    assert [receipt.message for receipt in receipts] == [str(number) for number in range(200)]


async def test_what_waits_during_a_commit_goes_into_the_next_one_together() -> None:
    notebook = Notebook()
    notebook.gate.clear()
    async with writing(notebook) as writer:
        first = asyncio.create_task(writer.submit(posted("first")))
        await asyncio.sleep(0.05)
        others = [asyncio.create_task(writer.submit(posted(str(number)))) for number in range(50)]
        await asyncio.sleep(0.02)
        assert not first.done()
        notebook.gate.set()
        await asyncio.gather(first, *others)
    assert [len(commit) for commit in notebook.commits] == [1, 50]
    assert notebook.threads == {"trail-writer"}


async def test_a_commit_holds_no_more_spans_than_its_bound() -> None:
    notebook = Notebook(size=900)
    notebook.gate.clear()
    async with writing(notebook) as writer:
        tasks = [asyncio.create_task(writer.submit(posted(str(number)))) for number in range(7)]
        await asyncio.sleep(0.05)
        notebook.gate.set()
        await asyncio.gather(*tasks)
    assert max(len(commit) for commit in notebook.commits) == 3


async def test_a_body_that_cannot_be_read_does_not_disturb_its_neighbours() -> None:
    async with writing(Notebook()) as writer:
        good, bad, locked = await asyncio.gather(
            *(writer.submit(posted(text)) for text in ("good", "rubbish", "locked")), return_exceptions=True
        )
    assert good == Receipt(0, "good")
    assert isinstance(bad, UndecodableError)
    assert isinstance(locked, OverloadedError)


async def test_after_a_defect_the_writer_goes_on() -> None:
    notebook = Notebook()
    async with writing(notebook) as writer:
        with pytest.raises(OverloadedError):
            await writer.submit(posted("bug"))
        assert await writer.submit(posted("next")) == Receipt(0, "next")
        assert notebook.closed == 1


async def test_too_many_requests_are_sent_away_and_taken_again_later() -> None:
    notebook = Notebook()
    notebook.gate.clear()
    async with writing(notebook, most_requests=2) as writer:
        refused = pytest.raises(OverloadedError, match="2 requests are waiting")
        with writer.admission(), writer.admission(), refused, writer.admission():
            pass
        with writer.admission():
            pass


async def test_bodies_share_a_bounded_room() -> None:
    async with writing(Notebook(), most_bytes=100) as writer:
        with writer.admission() as one, writer.admission() as two:
            one.grow(60)
            two.grow(40)
            with pytest.raises(OverloadedError):
                two.grow(41)
        with writer.admission() as three:
            three.grow(100)


async def test_stopping_finishes_what_was_accepted_and_takes_nothing_more() -> None:
    notebook = Notebook()
    notebook.gate.clear()
    async with writing(notebook) as writer:
        tasks = [asyncio.create_task(writer.submit(posted(str(number)))) for number in range(10)]
        await asyncio.sleep(0.05)
        stopped = asyncio.create_task(writer.stop())
        await asyncio.sleep(0.02)
        with pytest.raises(OverloadedError, match="stopping"):
            await writer.submit(posted("late"))
        notebook.gate.set()
        await stopped
        assert len(await asyncio.gather(*tasks)) == 10
    assert notebook.closed == 1


async def test_what_cannot_be_finished_in_time_is_sent_away() -> None:
    notebook = Notebook()
    notebook.gate.clear()
    async with writing(notebook) as writer:
        posts = [asyncio.create_task(writer.submit(posted(str(number)))) for number in range(3)]
        await asyncio.sleep(0.05)
        await writer.stop(within=0.05)
        outcomes = await asyncio.gather(*posts, return_exceptions=True)
    assert all(isinstance(outcome, OverloadedError) for outcome in outcomes)


async def test_a_sender_that_goes_away_changes_nothing() -> None:
    notebook = Notebook()
    notebook.gate.clear()
    async with writing(notebook) as writer:
        gone = asyncio.create_task(writer.submit(posted("gone")))
        stays = asyncio.create_task(writer.submit(posted("stays")))
        await asyncio.sleep(0.05)
        gone.cancel()
        notebook.gate.set()
        assert (await stays).message == "stays"
    assert {text for commit in notebook.commits for text in commit} == {"gone", "stays"}


async def test_workers_are_woken_after_a_commit_and_only_then() -> None:
    woken = 0

    def wake() -> None:
        nonlocal woken
        woken += 1

    async with writing(Notebook(), on_commit=wake) as writer:
        with pytest.raises(OverloadedError):
            await writer.submit(posted("locked"))
        assert woken == 0
        await writer.submit(posted("stored"))
        assert woken == 1
