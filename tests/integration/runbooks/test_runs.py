"""Runs as people meet them: offered, clicked, undone, shown as a dry run, closed."""

import asyncio
from datetime import timedelta

from sqlalchemy import select
from sqlmodel import col

from bot.catalog import parse_catalog
from bot.incidents import incidents, timeline
from bot.runbooks import arming, runs, view
from bot.runbooks.clicks import Verb
from bot.runbooks.life import State
from bot.store.tables import AuditEntry, Incident, OutboxMessage, RunbookRun, RunbookStep
from bot.switchboard import board
from tests.integration.runbooks.conftest import DOCUMENT, Desk


async def seen(desk: Desk, name: str) -> view.StepView:
    step = await desk.step(name)
    assert step.id is not None
    async with desk.db.reading() as session:
        found = await view.view(session, desk.catalog, step.id, now=desk.clock(), actions=desk.actions)
    assert found is not None
    return found


async def test_the_steps_are_offered_in_order_with_their_texts_filled_in(desk: Desk) -> None:
    incident = await desk.incident()
    steps = await desk.start(incident)
    assert [(step.name, step.title, step.state, step.note) for step in steps] == [
        ("look", "Look", "offered", "What does northwind say?"),
        ("switch", "Switch chat to cirrus", "offered", None),
        ("ring", "Ring", "offered", None),
        ("light", "Light", "offered", None),
    ]
    assert steps[1].arguments == {"route": "chat", "to": "cirrus"}
    async with desk.db.reading() as session:
        messages = (
            await session.execute(
                select(OutboxMessage)
                .where(col(OutboxMessage.kind) == "step")
                .order_by(col(OutboxMessage.not_before), col(OutboxMessage.created_at))
            )
        ).scalars()
        assert [(each.key, each.subject, each.thread_key) for each in messages] == [
            (f"step:{step.id}", {"step": step.id}, f"incident:{incident.id}:root") for step in steps
        ]


async def test_a_watch_that_no_runbook_starts_on_offers_nothing(desk: Desk) -> None:
    incident = await desk.incident()
    assert await desk.start(incident, watch="cost.total") == []
    assert await desk.start(incident, watch=None) == []


async def test_the_run_keeps_the_runbook_as_it_was(desk: Desk) -> None:
    incident = await desk.incident()
    await desk.start(incident)
    (desk.folder / "outage.yaml").write_text(
        (desk.folder / "outage.yaml").read_text().replace("title: Look", "title: X")
    )
    desk.library.refresh()
    async with desk.db.reading() as session:
        (run,) = (await session.execute(select(RunbookRun))).scalars()
    assert run.document["steps"][0] == {"id": "look", "title": "Look", "note": "What does {{ incident.provider }} say?"}
    assert len(run.digest) == 64
    assert await desk.start(incident) != []
    async with desk.db.reading() as session:
        assert len((await session.execute(select(RunbookStep))).scalars().all()) == 4


async def test_one_click_switches_the_route_and_one_click_undoes_it(desk: Desk) -> None:
    await desk.start(await desk.incident())
    offered = await seen(desk, "switch")
    assert offered.change == "Switch route chat from northwind to cirrus"
    assert offered.verbs == (Verb.RUN, Verb.SKIP)
    done = await desk.run("switch")
    assert (done.state, done.previous) == ("done", {"value": "northwind", "changed_by": None})
    assert await desk.route() == "cirrus"
    shown = await seen(desk, "switch")
    assert (shown.change, shown.undo_change, shown.verbs, shown.by) == (
        "Switch route chat from northwind to cirrus",
        "Switch route chat from cirrus to northwind",
        (Verb.UNDO,),
        "maria",
    )
    undone = await desk.run("switch", "undo")
    assert (undone.state, undone.undone_by, undone.undone_at) == ("undone", "maria", desk.clock())
    assert await desk.route() == "northwind"
    assert (await desk.run("switch")).state == "done"
    assert await desk.route() == "cirrus"


async def test_every_change_is_in_the_timeline_and_in_the_audit_log(desk: Desk) -> None:
    incident = await desk.incident()
    assert incident.id is not None
    await desk.start(incident)
    await desk.run("switch")
    async with desk.db.reading() as session:
        told = [(entry.actor, entry.text) for entry in await timeline.entries(session, incident.id)]
        audited = [
            (entry.actor, entry.action, entry.before, entry.after)
            for entry in (await session.execute(select(AuditEntry).order_by(col(AuditEntry.id)))).scalars()
        ]
    assert told[-3:] == [
        ("badday", "Runbook outage started"),
        ("maria", "Asked for: Switch chat to cirrus"),
        ("maria", "Switch route chat from northwind to cirrus: done and verified"),
    ]
    assert audited[-3:] == [
        ("maria", "step.run", "offered", "ready"),
        ("maria", "switchboard.change", "northwind", "cirrus"),
        (
            "maria",
            "step.succeed",
            {"value": "northwind", "changed_by": None},
            {"value": "cirrus", "changed_by": "maria"},
        ),
    ]


async def test_a_note_is_just_marked(desk: Desk) -> None:
    await desk.start(await desk.incident())
    assert (await desk.click("look", "run")).step.state == "done"
    assert (await seen(desk, "look")).verbs == ()


async def test_of_two_clicks_one_wins_and_the_other_is_told_who_it_was(desk: Desk) -> None:
    await desk.start(await desk.incident())
    version = (await desk.step("switch")).version
    people = ["maria", "sam", "ana", "lee"]
    outcomes = await asyncio.gather(*(desk.click("switch", "run", version=version, by=name) for name in people))
    (winner,) = [outcome for outcome in outcomes if outcome.applied]
    for outcome in outcomes:
        if not outcome.applied:
            assert (outcome.refusal, outcome.by, outcome.at) == (
                "already asked for",
                winner.step.requested_by,
                desk.clock(),
            )
    await desk.worker().run_once()
    async with desk.db.reading() as session:
        changes = select(AuditEntry).where(col(AuditEntry.action) == "switchboard.change")
        assert len((await session.execute(changes)).scalars().all()) == 1


async def test_run_and_skip_race_for_the_same_step(desk: Desk) -> None:
    await desk.start(await desk.incident())
    run, skip = await asyncio.gather(
        desk.click("switch", "run", version=1), desk.click("switch", "skip", version=1, by="sam")
    )
    assert run.applied != skip.applied


async def test_a_stale_undo_is_refused(desk: Desk) -> None:
    await desk.start(await desk.incident())
    done = await desk.run("switch")
    await desk.run("switch", "undo")
    outcome = await desk.click("switch", "undo", version=done.version, by="sam")
    assert (outcome.applied, outcome.refusal, outcome.by) == (False, "already undone", "maria")
    assert await desk.route() == "northwind"


async def test_what_somebody_set_since_is_not_overwritten_by_an_undo(desk: Desk) -> None:
    await desk.start(await desk.incident())
    await desk.run("switch")
    async with desk.db.transaction() as session:
        await board.change(session, desk.catalog, "route.chat", "polar", actor="sam", now=desk.clock())
    undone = await desk.run("switch", "undo")
    assert undone.state == "undo_failed"
    assert undone.error is not None
    assert "Somebody changed it since this step" in undone.error
    assert await desk.route() == "polar"


async def test_a_runbook_may_forbid_the_undo(desk: Desk) -> None:
    await desk.start(await desk.incident())
    await desk.run("light")
    assert (await seen(desk, "light")).verbs == ()
    assert (await desk.click("light", "undo")).refusal == "there is nothing to undo"


async def test_until_it_is_armed_a_system_only_sees_what_would_be_done(desk: Desk) -> None:
    desk.catalog = parse_catalog(DOCUMENT.replace("armed: true", "armed: false"))
    await desk.start(await desk.incident())
    assert (await seen(desk, "switch")).dry_run
    shown = await desk.run("switch")
    assert (shown.state, shown.previous) == ("dry_run", None)
    assert shown.result is not None
    assert shown.result["change"] == "Switch route chat from northwind to cirrus"
    assert await desk.route() == "northwind"
    async with desk.db.transaction() as session:
        assert await arming.arm(session, desk.catalog, "support-bot", actor="maria", now=desk.clock())
        assert not await arming.arm(session, desk.catalog, "support-bot", actor="maria", now=desk.clock())
    assert not (await seen(desk, "switch")).dry_run
    old_button = await desk.click("switch", "run", version=shown.version)
    assert not old_button.applied
    assert (await desk.run("switch")).state == "done"
    assert await desk.route() == "cirrus"


async def test_a_system_disarmed_after_the_click_is_not_changed(desk: Desk) -> None:
    await desk.start(await desk.incident())
    await desk.click("switch", "run")
    async with desk.db.transaction() as session:
        await arming.disarm(session, desk.catalog, "support-bot", actor="sam", now=desk.clock())
    await desk.worker().run_once()
    assert (await desk.step("switch")).state == "dry_run"
    assert await desk.route() == "northwind"


async def test_an_undo_of_a_disarmed_system_says_what_to_do(desk: Desk) -> None:
    await desk.start(await desk.incident())
    await desk.run("switch")
    async with desk.db.transaction() as session:
        await arming.disarm(session, desk.catalog, "support-bot", actor="sam", now=desk.clock())
    undone = await desk.run("switch", "undo")
    assert undone.error == "support-bot is not armed, so nothing was changed; arm it: /badday arm support-bot"
    assert await desk.route() == "cirrus"


async def test_arming_is_audited_and_outlives_the_catalogs_default(desk: Desk) -> None:
    async with desk.db.transaction() as session:
        assert await arming.is_armed(session, desk.catalog, "support-bot")
        await arming.disarm(session, desk.catalog, "support-bot", actor="sam", now=desk.clock())
        assert not await arming.is_armed(session, desk.catalog, "support-bot")
        (entry,) = (await session.execute(select(AuditEntry))).scalars()
    assert (entry.actor, entry.action, entry.object, entry.before, entry.after) == (
        "sam",
        "system.disarm",
        "support-bot",
        True,
        False,
    )


async def test_with_no_route_on_the_provider_there_is_nothing_to_switch(desk: Desk) -> None:
    await desk.start(await desk.incident(provider="polar"))
    switch = await seen(desk, "switch")
    assert (switch.state, switch.note, switch.is_action) == (
        State.SKIPPED,
        "No route of support-bot uses polar now: there is nothing to switch.",
        False,
    )


async def test_a_standby_that_has_an_incident_itself_is_passed_over(desk: Desk) -> None:
    await desk.incident(provider="cirrus", cause="status:cirrus")
    await desk.start(await desk.incident())
    assert (await desk.step("switch")).title == "Switch chat to polar"


async def test_resolving_skips_what_is_offered_and_keeps_the_undo(desk: Desk) -> None:
    incident = await desk.incident()
    assert incident.id is not None
    await desk.start(incident)
    await desk.run("switch")
    async with desk.db.transaction() as session:
        await incidents.resolve(session, incident.id, version=None, actor="maria", now=desk.clock())
        await runs.close(session, desk.catalog, await session.get_one(Incident, incident.id), now=desk.clock())
    assert [(await desk.step(name)).state for name in ("look", "switch", "ring")] == ["skipped", "done", "skipped"]
    assert (await desk.click("ring", "run")).refusal == "the incident is resolved"
    assert (await desk.run("switch", "undo")).state == "undone"
    assert await desk.route() == "northwind"


async def test_a_reopened_incident_offers_the_steps_again(desk: Desk) -> None:
    incident = await desk.incident()
    assert incident.id is not None
    await desk.start(incident)
    async with desk.db.transaction() as session:
        await incidents.resolve(session, incident.id, version=None, actor="maria", now=desk.clock())
        await runs.close(session, desk.catalog, await session.get_one(Incident, incident.id), now=desk.clock())
    desk.clock.advance(timedelta(minutes=1))
    assert (await desk.incident()).id == incident.id
    steps = await desk.start(incident)
    assert [(step.position, step.state) for step in steps] == [
        *((place, "skipped") for place in range(4)),
        *((place, "offered") for place in range(4, 8)),
    ]
