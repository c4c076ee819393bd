"""What a step may be told: who approves it, how long it may take, what is expected of it, when it ends by itself."""

from collections.abc import Callable
from datetime import timedelta
from textwrap import dedent

import pytest

from bot.actions.contract import ActionContext, ActionError, ConsentNeededError, Reading, UncertainError
from bot.runbooks import approvals, freeze, runs
from bot.runbooks.clicks import StepOutcome
from bot.runbooks.execution import CHECK_EVERY
from bot.runbooks.keeper import ANSWER_WITHIN, StepKeeper
from bot.store.tables import RunbookStep
from tests.integration.runbooks.conftest import Bell, BellArguments, Desk, Lamp

Write = Callable[[str], None]


class Probe(Lamp):
    """Reads how well it goes, and changes nothing."""

    name = "test.probe"
    reads_only = True
    ok_rate = 0.5

    async def read(self, context: ActionContext, arguments: BellArguments) -> Reading:
        return {"ok_rate": self.ok_rate}

    verify = read


class Nap(Bell):
    """Lasts ten minutes."""

    name = "test.nap"

    def waits(self, arguments: BellArguments) -> timedelta:
        return timedelta(minutes=10)


@pytest.fixture
def probe(desk: Desk) -> Probe:
    probe = Probe()
    desk.actions = desk.actions.with_(probe, Nap())
    return probe


@pytest.fixture
def write(desk: Desk, probe: Probe, make_library: Callable[..., object]) -> Write:
    """Put these steps into the runbook."""

    def steps(text: str) -> None:
        head = 'runbook: 1\nname: outage\nsummary: Ring.\nstarts_on: [{watch: "status.*"}]\nsteps:\n'
        desk.library = make_library(head + dedent(text), desk.actions)  # type: ignore[assignment]
        assert desk.library.problems == ()

    return steps


async def work(desk: Desk) -> None:
    while await desk.worker().run_once():
        pass


async def answer(desk: Desk, name: str, by: str, *, approve: bool = True) -> StepOutcome:
    step = await desk.step(name)
    assert step.id is not None
    async with desk.db.transaction() as session:
        return await approvals.answer(
            session, desk.catalog, step.id, version=step.version, actor=by, approve=approve, now=desk.clock()
        )


async def later(desk: Desk, by: timedelta) -> None:
    desk.clock.advance(by)
    await StepKeeper(desk.db, desk.clock).look()
    await work(desk)


RING = "  - {id: ring, title: Ring, do: test.light, with: {text: bell}"


async def test_a_step_waits_for_those_who_may_say_yes(desk: Desk, write: Write) -> None:
    write(RING + ", approve: {roles: [owner, deputy], count: 2, not_opener: true}}\n")
    await desk.start(await desk.incident())
    step = await desk.run("ring")
    assert step.state == "awaiting_approval"
    assert (await answer(desk, "ring", "maria")).refusal == "whoever asks for this step cannot approve it"
    assert (await answer(desk, "ring", "stranger")).refusal == "only owner or deputy may answer this"
    assert (await answer(desk, "ring", "sam")).applied
    assert (await answer(desk, "ring", "sam")).refusal == "you have answered already"
    assert (await desk.step("ring")).state == "awaiting_approval"
    assert (await answer(desk, "ring", "ana")).applied
    await work(desk)
    assert (await desk.step("ring")).state == "done"
    assert desk.lamp.rung == ["bell"]


async def test_one_no_is_a_refusal_and_it_may_be_asked_for_again(desk: Desk, write: Write) -> None:
    write(RING + ", approve: {}}\n")
    await desk.start(await desk.incident())
    await desk.run("ring")
    assert (await answer(desk, "ring", "maria", approve=False)).applied
    assert (await desk.step("ring")).state == "skipped"
    await desk.run("ring")
    assert (await answer(desk, "ring", "maria")).applied, "an answer to the first question does not count any more"
    await work(desk)
    assert (await desk.step("ring")).state == "done"


async def test_without_an_answer_in_time_it_is_refused(desk: Desk, write: Write) -> None:
    write(RING + ", approve: {expires: 10m}}\n")
    await desk.start(await desk.incident())
    await desk.run("ring")
    await later(desk, timedelta(minutes=9))
    assert (await desk.step("ring")).state == "awaiting_approval"
    await later(desk, timedelta(minutes=1))
    step = await desk.step("ring")
    assert (step.state, step.error) == ("skipped", "Refused, as nobody approved in time: Ring")
    assert not (await answer(desk, "ring", "maria")).applied


async def test_a_dry_run_needs_no_approval(desk: Desk, write: Write) -> None:
    write(RING + ", approve: {}}\n")
    desk.arm(False)
    await desk.start(await desk.incident())
    assert (await desk.run("ring")).state == "dry_run"


CHECKED = RING + ", check: {do: test.probe, with: {text: x}, expect: ok_rate >= 0.9, within: 1m}}\n"


async def test_what_is_expected_is_looked_at_until_it_holds(desk: Desk, write: Write, probe: Probe) -> None:
    write(CHECKED)
    await desk.start(await desk.incident())
    await desk.run("ring")
    await work(desk)
    step = await desk.step("ring")
    assert (step.state, step.lease_owner) == ("checking", None)
    probe.ok_rate = 0.95
    await work(desk)
    assert (await desk.step("ring")).state == "checking", "it is not looked at all the time"
    await later(desk, CHECK_EVERY)
    step = await desk.step("ring")
    assert (step.state, step.reading) == ("done", {"rung": 1, "ok_rate": 0.95})


async def test_what_does_not_hold_in_time_is_a_failure_that_can_be_undone(desk: Desk, write: Write) -> None:
    write(CHECKED)
    await desk.start(await desk.incident())
    await desk.run("ring")
    for _ in range(13):
        await later(desk, CHECK_EVERY)
    step = await desk.step("ring")
    assert step.state == "failed"
    assert step.error == "It was done, but `ok_rate >= 0.9` did not hold in time. Last: ok_rate 0.5"
    assert (await desk.run("ring", "undo")).state == "undone"
    assert desk.lamp.rung == ["bell", "not bell"]


async def test_what_may_be_repeated_is_tried_again(desk: Desk, write: Write) -> None:
    write(RING + ", retry: {tries: 3, wait: 5s}}\n")
    await desk.start(await desk.incident())
    desk.lamp.error = ActionError("nobody there")
    assert (await desk.run("ring")).state == "ready"
    await work(desk)
    assert (await desk.step("ring")).tries == 1, "it waits"
    await later(desk, timedelta(seconds=5))
    desk.lamp.error = None
    await later(desk, timedelta(seconds=5))
    step = await desk.step("ring")
    assert (step.state, step.tries) == ("done", 3)


async def test_what_must_not_be_repeated_is_not_tried_again(desk: Desk, write: Write) -> None:
    write(RING.replace("test.light", "test.ring") + ", retry: {tries: 3, wait: 5s}}\n")
    await desk.start(await desk.incident())
    desk.bell.error = RuntimeError("broken")
    assert (await desk.run("ring")).state == "unknown"


@pytest.mark.parametrize(("action", "ended"), [("test.light", "ready"), ("test.ring", "unknown")])
async def test_what_may_have_happened_is_asked_about_and_not_tried_again(
    desk: Desk, write: Write, action: str, ended: str
) -> None:
    write(RING.replace("test.light", action) + ", retry: {tries: 3, wait: 5s}}\n")
    await desk.start(await desk.incident())
    desk.bell.error = desk.lamp.error = UncertainError("no answer came.")
    assert (await desk.run("ring")).state == ended


async def test_what_cannot_help_is_not_tried_again(desk: Desk, write: Write) -> None:
    write(RING + ", retry: {tries: 3, wait: 5s}}\n")
    await desk.start(await desk.incident())
    desk.lamp.error = ActionError("no such bell", permanent=True)
    assert (await desk.run("ring")).state == "failed"


async def test_a_step_that_lasts_holds_no_worker_and_can_be_cancelled(desk: Desk, write: Write) -> None:
    write("  - {id: nap, title: Nap, do: test.nap, with: {text: z}}\n")
    await desk.start(await desk.incident())
    step = await desk.run("nap")
    assert (step.state, step.lease_owner) == ("waiting", None)
    await later(desk, timedelta(minutes=9))
    assert (await desk.step("nap")).state == "waiting"
    await later(desk, timedelta(minutes=1))
    assert (await desk.step("nap")).state == "done"
    await desk.run("nap", "undo")
    await desk.run("nap")
    assert (await desk.click("nap", "cancel")).applied
    await later(desk, timedelta(minutes=10))
    assert (await desk.step("nap")).state == "failed"


async def test_consent_that_is_needed_elsewhere_is_a_result(desk: Desk, write: Write) -> None:
    write(RING + "}\n")
    await desk.start(await desk.incident())
    desk.lamp.error = ConsentNeededError("two must agree", url="https://flags.example.com/7")
    step = await desk.run("ring")
    assert (step.state, step.consent_url, step.error) == ("consent", "https://flags.example.com/7", "two must agree")
    desk.lamp.error = None
    assert (await desk.run("ring", "retry")).state == "done"


@pytest.mark.parametrize(("action", "ended"), [("test.light", "failed"), ("test.ring", "unknown")])
async def test_to_cancel_a_running_step_always_ends_it(desk: Desk, write: Write, action: str, ended: str) -> None:
    write(RING.replace("test.light", action) + "}\n")
    await desk.start(await desk.incident())
    bell = desk.lamp if action == "test.light" else desk.bell
    bell.may_end.clear()
    await desk.click("ring", "run")
    worker = desk.worker()
    await worker.claim()
    await bell.ringing.wait()
    assert (await desk.click("ring", "cancel")).applied
    assert (await desk.step("ring")).state == ended
    bell.may_end.set()
    await worker.run_once()
    assert (await desk.step("ring")).state == ended, "the worker that was too slow changes nothing any more"


async def test_while_all_is_frozen_nothing_changes(desk: Desk, write: Write, probe: Probe) -> None:
    write(RING + "}\n  - {id: look, title: Look, do: test.probe, with: {text: x}}\n")
    await desk.start(await desk.incident())
    await desk.click("ring", "run")
    async with desk.db.transaction() as session:
        assert await freeze.freeze(session, reason="a release", actor="sam", now=desk.clock())
    await work(desk)
    step = await desk.step("ring")
    assert step.state == "failed"
    assert step.error is not None
    assert step.error.endswith("UTC: a release. Nothing was changed.")
    refused = await desk.click("ring", "retry")
    assert (refused.applied, refused.refusal, refused.by) == (False, "all changes were frozen", "sam")
    assert desk.lamp.rung == []
    async with desk.db.transaction() as session:
        assert await freeze.thaw(session, actor="sam", now=desk.clock())
        assert not await freeze.thaw(session, actor="sam", now=desk.clock())
    assert (await desk.run("ring", "retry")).state == "done"


async def test_what_only_reads_is_run_while_nothing_may_change(desk: Desk, write: Write, probe: Probe) -> None:
    write("  - {id: look, title: Look, do: test.probe, with: {text: x}}\n")
    desk.arm(False)
    await desk.start(await desk.incident())
    step = await desk.run("look")
    assert (step.state, step.reading, step.previous) == ("done", {"ok_rate": 0.5}, None)


async def test_a_change_ends_by_itself_unless_somebody_keeps_it(desk: Desk, write: Write) -> None:
    write(RING + ", expires: 1h}\n")
    await desk.start(await desk.incident())
    await desk.run("ring")
    assert (await desk.click("ring", "keep")).refusal == "it does not end yet"
    await later(desk, timedelta(hours=1))
    assert (await desk.step("ring")).state == "done", "people are asked first"
    assert (await desk.click("ring", "keep")).applied
    await later(desk, ANSWER_WITHIN)
    assert (await desk.step("ring")).state == "done"
    await later(desk, timedelta(hours=1))
    await later(desk, ANSWER_WITHIN)
    step = await desk.step("ring")
    assert (step.state, step.undone_by) == ("undone", "badday")


THREE = (
    "  - {id: one, title: One, do: test.light, with: {text: one}}\n"
    "  - {id: two, title: Two, do: test.light, with: {text: two}}\n"
    "  - {id: bad, title: Bad, do: test.ring, with: {text: bad}, on_fail: undo_all}\n"
)


async def test_a_failure_that_takes_all_back_undoes_the_last_first(desk: Desk, write: Write) -> None:
    write(THREE)
    await desk.start(await desk.incident())
    await desk.run("one")
    desk.clock.advance(timedelta(seconds=1))
    await desk.run("two")
    desk.clock.advance(timedelta(seconds=1))
    desk.bell.error = ActionError("no")
    await desk.run("bad")
    await work(desk)
    assert desk.lamp.rung == ["one", "two", "not two", "not one"]
    states = [(await desk.step(name)).state for name in ("one", "two", "bad")]
    assert states == ["undone", "undone", "failed"]


async def test_somebody_may_take_all_back_once(desk: Desk, write: Write) -> None:
    write(THREE)
    step: RunbookStep = (await desk.start(await desk.incident()))[0]
    await desk.run("one")
    async with desk.db.transaction() as session:
        assert await runs.undo_all(session, step.run_id, actor="sam", now=desk.clock())
        assert not await runs.undo_all(session, step.run_id, actor="ana", now=desk.clock())
    await work(desk)
    step = await desk.step("one")
    assert (step.state, step.undone_by) == ("undone", "sam")
    async with desk.db.transaction() as session:
        assert not await runs.undo_all(session, step.run_id, actor="sam", now=desk.clock())
