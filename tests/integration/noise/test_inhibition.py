"""What an open incident explains is held back, said once in its thread, and comes if it outlives the incident."""

from bot.incidents import changes
from bot.incidents.severity import Severity
from bot.store.tables import OutboxMessage, TimelineEntry
from tests.integration.noise.conftest import MINUTE, Desk


async def test_a_provider_s_outage_holds_back_its_own_canaries_evals_and_latency(desk: Desk) -> None:
    await desk.finds("provider_status")
    for kind in ("canary_failing", "eval_regression", "calls_slow"):
        _, opened = await desk.finds(kind, f"{kind} of chat", system="support-bot", provider="northwind")
        assert opened == []
    assert [one.system for one in await desk.incidents()] == ["support-bot", "search"]
    assert await desk.holds() == ["incident:1"] * 3

    entries = [one for one in await desk.all(TimelineEntry) if one.kind == "inhibited"]
    assert [(one.incident_id, one.text) for one in entries] == [
        (
            1,
            "Held back, because this incident explains it: canary_failing of chat: canary failing; "
            "eval_regression of chat: eval regression; calls_slow of chat: calls slow",
        )
    ]
    notes = [one for one in await desk.all(OutboxMessage) if one.key == f"note:{entries[0].id}"]
    assert len(notes) == 1


async def test_another_provider_and_another_system_are_not_held_back(desk: Desk) -> None:
    await desk.finds("provider_status", system="support-bot", provider="northwind")
    await desk.finds("canary_failing", "cirrus", system="support-bot", provider="cirrus")
    await desk.finds("canary_failing", "ask", system="search", provider="northwind")
    assert await desk.holds() == []
    assert len(await desk.incidents()) == 3


async def test_errors_of_the_own_calls_join_the_incident_as_ever(desk: Desk) -> None:
    await desk.finds("provider_status")
    _, opened = await desk.finds("calls_failing", "support-bot/chat", system="support-bot", provider="northwind")
    assert [one.id for one in opened] == [1]
    assert await desk.holds() == []


async def test_what_outlives_the_incident_opens_its_own_then(desk: Desk) -> None:
    outage, _ = await desk.finds("provider_status", system="support-bot", provider="northwind")
    await desk.finds("canary_failing", "chat", system="support-bot", provider="northwind")
    gone, _ = await desk.finds("calls_slow", "chat", system="support-bot", provider="northwind")
    await desk.clears(gone)
    desk.alerts.passes(minutes=10)
    await desk.clears(outage, hold=2 * MINUTE)
    await desk.later(MINUTE)
    assert len(await desk.incidents()) == 1, "until the recovery has held"
    await desk.later(MINUTE)
    assert [one.cause for one in await desk.incidents()] == ["provider_status:northwind", "canary_failing:chat"]
    known = "Known since 09:00 UTC; held back until now by incident 1 (northwind: provider status)"
    assert known in await desk.said()
    assert (await desk.paged())[-1] == "maria"


async def test_an_incident_that_pages_nobody_holds_back_nothing_that_would(desk: Desk) -> None:
    await desk.finds("provider_status", system="support-bot", provider="northwind")
    await desk.finds("canary_failing", "chat", system="support-bot", provider="northwind")
    async with desk.db.transaction() as session:
        await changes.set_severity(session, desk.catalog, 1, severity=Severity.SEV3, actor="sam", now=desk.now)
    await desk.later()
    assert await desk.holds() == []
    (incident,) = await desk.incidents()
    assert "canary_failing of chat" in incident.known, "it joins, as what people overruled"
