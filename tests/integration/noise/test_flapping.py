"""What comes and goes is one incident with three messages, whatever it does meanwhile."""

from datetime import timedelta

import pytest

from bot.incidents import flapping
from bot.store.tables import TimelineEntry
from tests.integration.noise.conftest import MINUTE, Desk

SECOND = timedelta(seconds=1)


async def kinds(desk: Desk) -> list[str]:
    """The messages that Slack got or gets, by kind; they are written, and taken back, in the database."""
    return sorted(one.kind for one in await desk.messages())


async def test_thirty_cycles_of_an_alert_in_a_minute_are_three_messages(desk: Desk) -> None:
    began = desk.now
    for _ in range(30):
        await desk.fires()
        await desk.later(SECOND)
        await desk.stops()
        await desk.later(SECOND)
    assert await kinds(desk) == ["incident_root", "page"]
    assert await desk.paged() == ["maria"]
    (incident,) = await desk.incidents()
    assert (incident.state, incident.flaps, incident.flapping_since) == ("triggered", 30, began)
    entries = len(await desk.all(TimelineEntry))

    await desk.later(4 * MINUTE)
    assert (await desk.incidents())[0].state == "triggered"
    await desk.later(MINUTE)
    (incident,) = await desk.incidents()
    assert incident.state == "resolved"
    assert await kinds(desk) == ["incident_root", "page", "summary"]
    assert "Resolved: the recovery held. It came 30 times since 09:00 UTC" in await desk.said()
    assert entries < 30, "the timeline says it once, too"


async def test_one_alert_that_ends_is_told_as_over_once_that_has_settled(desk: Desk) -> None:
    await desk.fires()
    await desk.later(MINUTE)
    await desk.stops()
    assert (await desk.incidents())[0].state == "resolved"
    (summary,) = [one for one in await desk.messages() if one.kind == "summary"]
    assert summary.not_before == desk.now + flapping.SETTLES
    assert await kinds(desk) == ["incident_root", "page", "summary"]


async def test_back_after_its_end_was_told_is_told_too(desk: Desk) -> None:
    await desk.fires()
    await desk.stops()
    await sent(desk)
    await desk.later(2 * MINUTE)
    await desk.fires()
    assert await kinds(desk) == ["incident_root", "note", "page", "summary"]
    assert len(await desk.incidents()) == 1


async def test_thirty_relapses_of_a_status_page_tell_one_recovery_at_most(desk: Desk) -> None:
    finding, _ = await desk.finds("provider_status", system="support-bot", provider="northwind")
    for _ in range(29):
        await desk.later(SECOND)
        await desk.clears(finding, hold=2 * MINUTE)
        await desk.later(SECOND)
        await desk.relapses(finding)
    await desk.later(SECOND)
    await desk.clears(finding, hold=2 * MINUTE)
    assert await kinds(desk) == ["incident_root", "page"]
    await desk.later(flapping.CALM - SECOND)
    assert (await desk.incidents())[0].state == "triggered"
    await desk.later(SECOND)
    assert (await desk.incidents())[0].flaps == 30
    assert await kinds(desk) == ["incident_root", "page", "summary"]


async def test_a_relapse_now_and_then_is_no_flapping(desk: Desk) -> None:
    finding, _ = await desk.finds("provider_status", system="support-bot", provider="northwind")
    for _ in range(6):
        await desk.later(6 * MINUTE)
        await desk.clears(finding, hold=2 * MINUTE)
        await desk.later(MINUTE)
        await desk.relapses(finding)
    assert (await desk.incidents())[0].flapping_since is None


async def test_people_may_end_what_flaps_and_it_begins_anew(desk: Desk) -> None:
    for _ in range(6):
        await desk.fires()
        await desk.stops()
        await desk.later(SECOND)
    await desk.resolves(1)
    await sent(desk)
    await desk.later(20 * MINUTE)
    await desk.fires()
    (incident,) = await desk.incidents()
    assert (incident.state, incident.flaps, incident.flapping_since) == ("triggered", 0, None)
    assert await kinds(desk) == ["incident_root", "note", "page", "page", "summary"]


@pytest.mark.parametrize("held", [True, False])
async def test_what_flaps_while_it_is_silent_is_not_told(desk: Desk, *, held: bool) -> None:
    if not held:
        await desk.fires()
    await desk.silences()
    before = await kinds(desk)
    for _ in range(30):
        await desk.fires()
        await desk.stops()
        await desk.later(SECOND)
    assert await kinds(desk) == sorted([*before, *([] if held else ["summary"])]), (
        "nothing but the end of what was open"
    )
    await desk.later(2 * 60 * MINUTE)
    assert await desk.paged() == ([] if held else ["maria"])


async def sent(desk: Desk) -> None:
    """Slack has everything that waits."""
    async with desk.db.transaction() as session:
        for message in await desk.messages():
            row = await session.get_one(type(message), message.id)
            row.state, row.attempt, row.sent_revision = "sent", 1, row.revision
