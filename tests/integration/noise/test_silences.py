"""A silence holds back what comes new, suspends what pages already, and lets both go on at its end."""

import asyncio
from datetime import timedelta

import pytest

from bot.incidents import incidents
from bot.incidents.releasing import Releaser
from bot.incidents.silencing import SilenceError
from bot.paging.life import PageState
from bot.store.tables import Finding, Page, Silence
from tests.integration.noise.conftest import HOUR, MINUTE, WINDOW, Desk


async def test_what_comes_while_it_is_silent_opens_nothing_and_comes_at_its_end(desk: Desk) -> None:
    await desk.silences()
    began = desk.now
    await desk.fires()
    await desk.later(30 * MINUTE)
    assert await desk.incidents() == []
    assert await desk.holds() == ["silence:1"]
    assert await desk.messages() == []

    await desk.later(30 * MINUTE)
    (incident,) = await desk.incidents()
    assert incident.opened_at == began + HOUR
    assert await desk.holds() == []
    assert await desk.paged() == ["maria"]
    assert "Known since 09:00 UTC; held back until now by silence 1 (we move the index)" in await desk.said()


async def test_an_owner_whose_silent_calls_were_held_back_is_told_at_its_end(desk: Desk) -> None:
    """It pages nobody, so that only the direct message reaches them."""
    await desk.silences()
    finding, opened = await desk.finds("calls_silent", "support-bot", system="support-bot", severity="sev3")
    assert opened == []
    await desk.later(HOUR)
    (incident,) = await desk.incidents()
    (told,) = [one for one in await desk.messages() if one.channel == "person:maria"]
    assert (told.key, told.incident_id) == (f"silence:{finding.id}:owner", incident.id)
    text = "support-bot: support-bot: calls silent. Its thread is incident 1 in #support-bot"
    assert (await desk.said()).count(text) == 1
    assert await desk.paged() == []


async def test_what_is_over_before_its_end_is_never_told(desk: Desk) -> None:
    await desk.silences()
    await desk.fires()
    await desk.later(MINUTE)
    await desk.stops()
    await desk.later(2 * HOUR)
    assert await desk.incidents() == []
    assert await desk.holds() == []
    assert await desk.holds(released=True) == ["silence:1"]


async def test_it_outlives_what_resolves_meanwhile(desk: Desk) -> None:
    await desk.silences()
    for _ in range(3):
        await desk.fires()
        await desk.stops()
        await desk.later(MINUTE)
    assert await desk.incidents() == []


async def test_more_alerts_of_a_group_that_is_held_open_nothing_either(desk: Desk) -> None:
    await desk.silences()
    for pod in ("a", "b", "c"):
        await desk.fires(pod=pod)
    assert await desk.incidents() == []
    (finding,) = await desk.all(Finding)
    await desk.cancels()
    await desk.later()
    (incident,) = await desk.incidents()
    assert incident.known.startswith("3 alerts firing")
    assert finding.cleared_at is None


async def test_only_its_cause_is_silent(desk: Desk) -> None:
    await desk.silences(cause="Queue*")
    await desk.fires("QueueFull")
    await desk.fires("AnswersWrong")
    await desk.fires("QueueFull", system="search")
    assert [(one.system, one.cause) for one in await desk.incidents()] == [
        ("support-bot", "alert:AnswersWrong"),
        ("search", "alert:QueueFull"),
    ]


async def test_a_provider_is_held_for_the_silent_system_alone(desk: Desk) -> None:
    await desk.silences()
    finding, opened = await desk.finds("provider_status")
    assert [one.system for one in opened] == ["search"]
    await desk.clears(finding, hold=MINUTE)
    await desk.relapses(finding)
    assert await desk.holds() == ["silence:1"]
    await desk.later(HOUR)
    assert [one.system for one in await desk.incidents()] == ["search", "support-bot"]


async def test_open_incidents_stop_paging_and_go_on_at_its_end(desk: Desk) -> None:
    await desk.fires()
    await desk.later(4 * MINUTE)
    await desk.silences()
    await desk.later(30 * MINUTE)
    assert await desk.paged() == ["maria"]
    assert (await desk.escalation()).state == "suspended"
    assert "Silenced until 10:04 UTC: we move the index (silence 1)" in await desk.said()
    (page,) = await desk.all(Page)
    assert page.state == PageState.SNOOZED

    await desk.later(30 * MINUTE)
    assert await desk.paged() == ["maria", "maria"], "the step that paged last pages again"
    assert "The silence is over: paging again" in await desk.said()
    await desk.later(5 * MINUTE)
    assert await desk.paged() == ["maria", "maria", "sam"]


async def test_cancelled_it_pages_again_at_once(desk: Desk) -> None:
    await desk.fires()
    await desk.silences()
    await desk.later(10 * MINUTE)
    await desk.cancels()
    await desk.later()
    assert await desk.paged() == ["maria", "maria"]
    assert "Silence 1 cancelled" in await desk.said()


async def test_what_resolved_in_it_pages_nobody_afterwards(desk: Desk) -> None:
    await desk.fires()
    await desk.silences()
    await desk.stops()
    await desk.later(2 * HOUR)
    assert await desk.paged() == ["maria"]


async def test_of_two_silences_the_longer_one_counts(desk: Desk) -> None:
    await desk.fires()
    await desk.silences()
    await desk.silences(cause="QueueFull", last=2 * HOUR)
    await desk.fires("AnswersWrong")
    await desk.later(HOUR)
    assert [one.cause for one in await desk.incidents()] == ["alert:QueueFull", "alert:AnswersWrong"]
    assert await desk.paged() == ["maria", "maria"], "of the other cause alone"
    await desk.later(HOUR)
    assert sorted(await desk.paged()) == ["maria", "maria", "maria", "sam"], "both go on"


async def test_a_planned_one_begins_when_its_time_has_come(desk: Desk) -> None:
    await desk.fires()
    await desk.silences(after=2 * MINUTE)
    assert (await desk.escalation()).state == "paging"
    await desk.later(2 * MINUTE)
    assert (await desk.escalation()).state == "suspended"
    await desk.later(20 * MINUTE)
    assert await desk.paged() == ["maria"]


async def test_acknowledged_incidents_are_left_to_whoever_has_them(desk: Desk) -> None:
    await desk.fires()
    async with desk.db.transaction() as session:
        await incidents.acknowledge(session, 1, version=None, actor="sam", now=desk.now)
    await desk.silences()
    assert (await desk.escalation()).state == "acknowledged"


async def test_three_replicas_release_a_finding_once(desk: Desk) -> None:
    await desk.silences()
    await desk.fires()
    desk.alerts.passes(hours=1)
    replicas = [Releaser(desk.db, lambda: desk.catalog, lambda: desk.now) for _ in range(3)]
    assert sum(await asyncio.gather(*(one.work() for one in replicas))) == 1
    assert len(await desk.incidents()) == 1
    assert await desk.paged() == ["maria"]


async def test_a_maintenance_window_of_the_catalog_holds_back_what_comes_in_it(desk: Desk) -> None:
    desk.plans(WINDOW)
    await desk.fires("Before")
    await desk.later(HOUR)
    await desk.fires("Within")
    await desk.fires("Elsewhere", system="search")
    assert await desk.holds() == ["maintenance:index"]
    assert [one.cause for one in await desk.incidents()] == ["alert:Before", "alert:Elsewhere"]
    assert (await desk.paged())[:2] == ["maria", "sam"], "what was open before it goes on paging"
    await desk.later(HOUR)
    assert [one.cause for one in await desk.incidents()][-1] == "alert:Within"
    assert "Known since 10:00 UTC; held back until now by maintenance index (the index is rebuilt)" in await desk.said()


async def test_a_window_that_leaves_the_catalog_lets_go(desk: Desk) -> None:
    desk.plans(WINDOW)
    await desk.later(HOUR)
    await desk.fires()
    desk.plans("")
    await desk.later()
    assert len(await desk.incidents()) == 1


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"system": "nothing"}, "there is no system 'nothing'; there are: support-bot, search"),
        ({"last": timedelta(days=8)}, "a silence lasts 7 days at most"),
        ({"last": -MINUTE}, "it would end before it begins"),
        ({"after": -HOUR, "last": MINUTE}, "that time is over already"),
        ({"after": timedelta(days=40)}, "more than 31 days"),
        ({"reason": "  "}, "say why"),
        ({"reason": "x" * 301}, "301 characters"),
    ],
)
async def test_a_silence_that_cannot_be_says_why(desk: Desk, wrong: dict[str, str], why: str) -> None:
    with pytest.raises(SilenceError, match=why):
        await desk.silences(**wrong)  # type: ignore[arg-type]
    assert await desk.all(Silence) == []


async def test_the_same_silence_again_is_refused_unless_it_is_longer(desk: Desk) -> None:
    await desk.silences()
    with pytest.raises(SilenceError, match="silence 1 does that already"):
        await desk.silences(last=MINUTE)
    await desk.silences(last=2 * HOUR)
    with pytest.raises(SilenceError, match="there is no silence 9"):
        await desk.cancels(9)
    await desk.cancels(1)
    with pytest.raises(SilenceError, match="Sam Lee cancelled silence 1 already"):
        await desk.cancels(1)
    await desk.later(3 * HOUR)
    with pytest.raises(SilenceError, match="silence 2 is over already"):
        await desk.cancels(2)
