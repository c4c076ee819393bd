"""The worker when things go wrong: crashes at each point, two workers, silence, failures."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlmodel import col

from bot.actions.contract import ActionError
from bot.runbooks import execution
from bot.runbooks import worker as worker_module
from bot.runbooks.life import State
from bot.runbooks.worker import LEASE
from bot.store.tables import RunbookStep
from tests.integration.runbooks.conftest import Desk

SECOND = timedelta(seconds=1)


async def crash(desk: Desk, name: str, *, state: State, applying: bool, undo: bool = False) -> None:
    """Leave the step as a worker leaves it that is killed there."""
    step = await desk.step(name)
    changes: dict[str, object] = {"state": state, "lease_owner": "dead", "lease_until": desk.clock() + LEASE}
    if applying:
        before = {"value": "cirrus" if undo else "northwind", "rung": 0}
        changes |= {"result": (step.result or {}) | {"doing": {"change": "Make the change", "before": before}}}
        if not undo:
            changes |= {"previous": before}
    async with desk.db.transaction() as session:
        await session.execute(
            update(RunbookStep).where(col(RunbookStep.id) == step.id).values(attempt=RunbookStep.attempt + 1, **changes)
        )


@pytest.mark.parametrize("applying", [False, True])
async def test_an_idempotent_action_is_run_again_after_a_crash(desk: Desk, applying: bool) -> None:
    await desk.start(await desk.incident())
    await desk.click("switch", "run")
    await crash(desk, "switch", state=State.RUNNING, applying=applying)
    other = desk.worker()
    assert await other.run_once() == 0
    desk.clock.advance(LEASE)
    assert await other.run_once() == 1
    step = await desk.step("switch")
    assert step.state == "done"
    assert step.previous is not None
    assert step.previous["value"] == "northwind"
    assert step.result is not None
    assert (step.result["before"]["value"], step.result["after"]["value"]) == ("northwind", "cirrus")
    assert await desk.route() == "cirrus"


async def test_a_crash_after_the_change_keeps_what_was_there_before_it(desk: Desk) -> None:
    await desk.start(await desk.incident())
    await desk.run("switch")
    await crash(desk, "switch", state=State.RUNNING, applying=True)
    desk.clock.advance(LEASE)
    await desk.worker().run_once()
    await desk.run("switch", "undo")
    assert await desk.route() == "northwind"


async def test_a_crash_in_an_undo_ends_it(desk: Desk) -> None:
    await desk.start(await desk.incident())
    await desk.run("switch")
    await desk.click("switch", "undo")
    await crash(desk, "switch", state=State.UNDOING, applying=True, undo=True)
    desk.clock.advance(LEASE)
    await desk.worker().run_once()
    assert (await desk.step("switch")).state == "undone"
    assert await desk.route() == "northwind"


async def test_an_action_that_may_have_happened_is_asked_about_and_not_repeated(desk: Desk) -> None:
    await desk.start(await desk.incident())
    await desk.click("ring", "run")
    await crash(desk, "ring", state=State.RUNNING, applying=True)
    desk.clock.advance(LEASE)
    await desk.worker().run_once()
    step = await desk.step("ring")
    assert (step.state, step.lease_owner) == ("unknown", None)
    assert step.error is not None
    assert "cannot be known" in step.error
    assert desk.bell.rung == []
    await desk.worker().run_once()
    assert desk.bell.rung == []
    assert (await desk.click("ring", "happened")).step.state == "done"


async def test_what_did_not_happen_is_offered_again(desk: Desk) -> None:
    await desk.start(await desk.incident())
    await desk.click("ring", "run")
    await crash(desk, "ring", state=State.RUNNING, applying=True)
    desk.clock.advance(LEASE)
    await desk.worker().run_once()
    assert (await desk.click("ring", "not_happened")).step.state == "offered"
    assert (await desk.run("ring")).state == "done"
    assert desk.bell.rung == ["bell"]


async def test_an_action_that_had_not_begun_is_run_after_a_crash(desk: Desk) -> None:
    await desk.start(await desk.incident())
    await desk.click("ring", "run")
    await crash(desk, "ring", state=State.RUNNING, applying=False)
    desk.clock.advance(LEASE)
    await desk.worker().run_once()
    assert (await desk.step("ring")).state == "done"
    assert desk.bell.rung == ["bell"]


async def test_an_undo_that_may_have_happened_is_asked_about(desk: Desk) -> None:
    await desk.start(await desk.incident())
    await desk.run("ring")
    await desk.click("ring", "undo")
    await crash(desk, "ring", state=State.UNDOING, applying=True, undo=True)
    desk.clock.advance(LEASE)
    await desk.worker().run_once()
    assert (await desk.step("ring")).state == "undo_unknown"
    assert (await desk.click("ring", "not_happened")).step.state == "done"


async def test_each_step_is_run_by_one_of_several_workers(desk: Desk) -> None:
    for number in range(5):
        await desk.start(await desk.incident(cause=f"c{number}"))
    async with desk.db.transaction() as session:
        await session.execute(
            update(RunbookStep)
            .where(col(RunbookStep.name) == "ring")
            .values(state="ready", requested_by="maria", requested_at=desk.clock())
        )
    await asyncio.gather(*(desk.worker().run_once() for _ in range(3)))
    assert len(desk.bell.rung) == 5


async def test_a_worker_that_was_taken_over_from_changes_nothing_any_more(desk: Desk) -> None:
    await desk.start(await desk.incident())
    await desk.click("light", "run")
    desk.lamp.may_end.clear()
    slow = desk.worker()
    await slow.claim()
    await desk.lamp.ringing.wait()
    desk.clock.advance(LEASE)
    quick = desk.worker()
    assert await quick.claim() == 1
    desk.lamp.may_end.set()
    await asyncio.gather(slow.run_once(), quick.run_once())
    step = await desk.step("light")
    assert (step.state, step.attempt, step.lease_owner) == ("done", 2, None)


async def test_a_slow_action_keeps_its_lease_by_its_heartbeat(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "LEASE", timedelta(milliseconds=150))
    await desk.start(await desk.incident())
    await desk.click("ring", "run")
    desk.bell.may_end.clear()
    slow = desk.worker()
    await slow.claim()
    await desk.bell.ringing.wait()
    first_end = (await desk.step("ring")).lease_until
    desk.clock.advance(timedelta(milliseconds=140))
    while (await desk.step("ring")).lease_until == first_end:  # noqa: ASYNC110 - it waits for the database
        await asyncio.sleep(0.02)
    desk.clock.advance(timedelta(milliseconds=100))
    assert await desk.worker().claim() == 0
    desk.bell.may_end.set()
    await slow.run_once()
    assert (await desk.step("ring")).state == "done"


@pytest.mark.parametrize(
    ("name", "error", "state"),
    [
        ("ring", ActionError("the bell is broken"), "failed"),
        ("ring", ConnectionResetError(), "unknown"),
        ("light", ActionError("the lamp is broken"), "failed"),
        ("light", ConnectionResetError(), "failed"),
    ],
)
async def test_a_failure_is_told_and_an_unclear_one_is_asked_about(
    desk: Desk, name: str, error: Exception, state: str
) -> None:
    await desk.start(await desk.incident())
    desk.bell.error = desk.lamp.error = error
    step = await desk.run(name)
    assert step.state == state
    assert step.error
    # Only an action that says so certainly did not happen; else something may have changed that can be undone.
    assert (step.previous is None) == isinstance(error, ActionError)
    desk.bell.error = desk.lamp.error = None
    if state == "failed":
        assert (await desk.run(name, "retry")).state == "done"


async def test_silence_ends_after_a_while(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execution, "ACTION_WITHIN", timedelta(seconds=0.05))
    await desk.start(await desk.incident())
    desk.bell.may_end.clear()
    desk.lamp.may_end.clear()
    assert (await desk.run("ring")).state == "unknown"
    step = await desk.run("light")
    assert (step.state, step.error) == ("failed", "There was no answer within 0.05 seconds. It may be tried again.")


async def test_an_effect_that_cannot_be_read_back_is_a_failure_that_can_be_undone(desk: Desk) -> None:
    await desk.start(await desk.incident())
    desk.bell.deaf = True
    step = await desk.run("ring")
    assert (step.state, step.error) == ("failed", "nobody heard it")
    desk.bell.deaf = False
    assert (await desk.run("ring", "undo")).state == "undone"
    assert desk.bell.rung == ["bell", "not bell"]


async def test_a_click_is_worked_off_at_once_by_a_running_worker(desk: Desk) -> None:
    await desk.start(await desk.incident())
    running = asyncio.create_task(desk.worker().run())
    await asyncio.sleep(0.05)
    await desk.click("switch", "run")
    for _ in range(200):
        if await desk.route() == "cirrus":
            break
        await asyncio.sleep(0.01)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert (await desk.step("switch")).state == "done"


async def test_a_stopped_worker_lets_its_step_end(desk: Desk) -> None:
    await desk.start(await desk.incident())
    await desk.click("ring", "run")
    desk.bell.may_end.clear()
    running = asyncio.create_task(desk.worker().run())
    await desk.bell.ringing.wait()
    running.cancel()
    await asyncio.sleep(0)
    desk.bell.may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert (await desk.step("ring")).state == "done"
