"""Steps that wait for others, that begin by themselves, and runs that somebody starts by hand."""

import pytest
from sqlalchemy import select

from bot.runbooks import runs
from bot.runbooks.inputs import InputError
from bot.store.tables import OutboxMessage, RunbookStep
from tests.integration.runbooks.conftest import Desk

RUNBOOK = """
    runbook: 1
    name: outage
    summary: Ring, and then?
    starts_on: [{watch: "status.*", if: "incident.severity in ('sev1', 'sev2')"}]
    inputs:
      backup: {choose_from: route.standbys, default: "{{ route.standby }}"}
    steps:
      - {id: ring, title: Ring, do: test.ring, with: {text: hello}}
      - id: switch
        title: "Move to {{ inputs.backup }}"
        do: route.set
        with: {route: chat, to: "{{ inputs.backup }}"}
        if: steps.ring.succeeded
        run: auto
      - {id: shout, title: "Ring failed: {{ steps.ring.state }}", note: Shout., if: steps.ring.failed}
    """


@pytest.fixture
def waiting(desk: Desk) -> Desk:
    (desk.folder / "outage.yaml").write_text("\n".join(line.removeprefix("    ") for line in RUNBOOK.splitlines()))
    desk.library.refresh()
    assert desk.library.problems == ()
    return desk


async def states(desk: Desk) -> dict[str, str]:
    return {name: (await desk.step(name)).state for name in ("ring", "switch", "shout")}


async def work(desk: Desk) -> None:
    while await desk.worker().run_once():
        pass


async def test_what_is_needed_is_offered_and_begins_by_itself(waiting: Desk) -> None:
    await waiting.start(await waiting.incident())
    assert await states(waiting) == {"ring": "offered", "switch": "pending", "shout": "pending"}
    await waiting.run("ring")
    await work(waiting)
    assert await states(waiting) == {"ring": "done", "switch": "done", "shout": "skipped"}
    assert await waiting.route() == "cirrus"
    assert (await waiting.step("shout")).note == "Not needed: steps.ring.failed does not hold."


async def test_a_step_of_a_route_is_still_possible_after_the_switch(desk: Desk) -> None:
    text = RUNBOOK.replace('to: "{{ inputs.backup }}"', "to: polar").replace(
        "if: steps.ring.succeeded", "if: incident.id > 0"
    )
    more = '  - {id: see, title: "See {{ route.name }} on {{ route.value }}", note: x, if: steps.switch.succeeded}'
    switch = text.replace("route: chat", 'route: "{{ route.name }}"') + more
    (desk.folder / "outage.yaml").write_text("\n".join(line.removeprefix("    ") for line in switch.splitlines()))
    desk.library.refresh()
    assert desk.library.problems == ()
    await desk.start(await desk.incident())
    await desk.run("ring")
    await work(desk)
    assert await desk.route() == "polar"
    step = await desk.step("see")
    assert (step.state, step.title) == ("offered", "See chat on polar")


async def test_a_step_that_is_not_needed_has_no_message(waiting: Desk) -> None:
    await waiting.start(await waiting.incident())
    await waiting.run("ring")
    await work(waiting)
    async with waiting.db.reading() as session:
        told = {
            row.subject["step"]
            for row in (await session.execute(select(OutboxMessage))).scalars()
            if row.kind == "step"
        }
    names = {name: (await waiting.step(name)).id in told for name in ("ring", "switch", "shout")}
    assert names == {"ring": True, "switch": True, "shout": False}


async def test_what_follows_from_a_failure_is_offered(waiting: Desk) -> None:
    await waiting.start(await waiting.incident())
    waiting.bell.deaf = True
    await waiting.run("ring")
    await work(waiting)
    assert await states(waiting) == {"ring": "failed", "switch": "skipped", "shout": "offered"}
    assert (await waiting.step("shout")).title == "Ring failed: failed"


async def test_a_skipped_step_lets_what_waits_for_it_go_on(waiting: Desk) -> None:
    await waiting.start(await waiting.incident())
    await waiting.click("ring", "skip")
    await work(waiting)
    assert await states(waiting) == {"ring": "skipped", "switch": "skipped", "shout": "skipped"}


async def by_hand(desk: Desk, **inputs: str) -> list[RunbookStep]:
    incident = await desk.incident()
    async with desk.db.transaction() as session:
        merged = await session.merge(incident)
        run = await runs.start_by_hand(
            session,
            desk.library(),
            desk.catalog,
            merged,
            "outage",
            inputs=inputs,
            actor="maria",
            now=desk.clock(),
            actions=desk.actions,
        )
        return list(await runs.steps(session, run))


async def test_whoever_starts_it_chooses(waiting: Desk) -> None:
    await by_hand(waiting, backup="polar")
    await waiting.run("ring")
    await work(waiting)
    assert await waiting.route() == "polar"


async def test_a_step_says_what_has_to_be_chosen_for_it(waiting: Desk) -> None:
    text = (waiting.folder / "outage.yaml").read_text().replace(', default: "{{ route.standby }}"', "")
    (waiting.folder / "outage.yaml").write_text(text.replace("    if: steps.ring.succeeded\n", ""))
    waiting.library.refresh()
    await waiting.start(await waiting.incident())
    step = await waiting.step("switch")
    assert (step.state, step.note) == ("skipped", "Nobody chose backup yet. Type here: /badday run outage backup=…")
    await by_hand(waiting, backup="polar")
    assert (await waiting.step("switch")).state == "offered"


async def test_a_wrong_choice_starts_nothing(waiting: Desk) -> None:
    with pytest.raises(InputError, match="backup cannot be 'nowhere'; it is one of: cirrus, polar"):
        await by_hand(waiting, backup="nowhere")
