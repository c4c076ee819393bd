"""How an incident climbs until somebody takes it, on both engines."""

import asyncio
from datetime import timedelta

from bot.catalog.cover import Contact, Policy, PolicyStep
from bot.catalog.models import Catalog
from bot.incidents import incidents
from bot.paging import escalation
from bot.paging.pager import Pager
from bot.store.tables import Incident
from tests.integration.paging.conftest import MINUTE, SLACK, STEPS, Desk, team

SECOND = timedelta(seconds=1)


async def test_nobody_answers_so_it_climbs_step_by_step_and_says_in_the_channel_when_nobody_is_left(
    desk: Desk,
) -> None:
    await desk.opened()
    assert await desk.paged() == ["maria"]
    await desk.later(5 * MINUTE - SECOND)
    assert await desk.paged() == ["maria"]
    await desk.later(SECOND)
    assert await desk.paged() == ["maria", "sam", "ana"]
    await desk.later(5 * MINUTE)
    await desk.later(5 * MINUTE)
    assert await desk.paged() == ["maria", "sam", "ana"] * 2
    assert (await desk.escalation()).state == "paging"
    await desk.later(5 * MINUTE)
    row = await desk.escalation()
    assert (row.state, row.next_at) == ("exhausted", None)
    assert await desk.said("Nobody acknowledged")
    assert len(await desk.messages("escalation")) == 4, "one message for each step above the first, and the last"


async def test_a_step_is_told_in_one_message_that_names_everybody(desk: Desk) -> None:
    await desk.opened()
    assert await desk.messages("escalation", "paging") == [], "the root message tells the first step"
    await desk.later(5 * MINUTE)
    (message,) = await desk.messages("escalation")
    entry = next(one for one in await desk.timeline() if one.id == message.subject["entry"])
    assert entry.data is not None
    assert [person for person, _ in entry.data["people"]] == ["sam", "ana"]


async def test_an_acknowledgement_stops_it_and_edits_every_message(desk: Desk) -> None:
    await desk.opened()
    await desk.later(5 * MINUTE)
    assert (await desk.acknowledged("sam")).applied
    await desk.later(timedelta(hours=5))
    assert await desk.paged() == ["maria", "sam", "ana"]
    assert {one.state for one in await desk.pages()} == {"acknowledged"}
    row = await desk.escalation()
    assert (row.state, row.acknowledged_by, row.acknowledged_how) == ("acknowledged", "sam", "slack")


async def test_the_policy_is_the_one_of_the_beginning_whatever_is_edited_meanwhile(desk: Desk) -> None:
    await desk.opened()
    desk.catalog = team(Policy("quick", (PolicyStep(("channel:nowhere",)),), repeat=0))
    await desk.later(5 * MINUTE)
    assert await desk.paged() == ["maria", "sam", "ana"]


async def test_a_system_that_left_the_catalog_climbs_on_by_its_frozen_policy(desk: Desk) -> None:
    await desk.opened()
    desk.catalog = Catalog(people=desk.catalog.people)
    await desk.later(5 * MINUTE)
    assert (await desk.escalation()).state == "exhausted"
    assert await desk.said("Nobody to page for deputies")


async def test_acknowledging_and_resolving_at_once_is_decided_in_the_database(desk: Desk) -> None:
    for number in range(1, 6):
        await desk.opened(cause=f"race {number}")
        acknowledged, resolved = await asyncio.gather(
            desk.acknowledged("maria", number=number), desk.resolved("sam", number=number)
        )
        assert resolved.applied
        incident, row = await desk.incident(number), await desk.escalation(number=number)
        assert (incident.state, row.state) == ("resolved", "ended")
        assert acknowledged.applied == (incident.acknowledged_by == "maria")
        if not acknowledged.applied:
            assert (acknowledged.refusal, acknowledged.by) == ("already resolved", "sam")


async def test_an_acknowledgement_and_the_next_step_at_once_leave_nobody_paged_afterwards(desk: Desk) -> None:
    await desk.opened()
    desk.now += 5 * MINUTE
    await asyncio.gather(desk.acknowledged("maria"), desk.pager().work())
    before = await desk.paged()
    await desk.later(timedelta(hours=1))
    assert await desk.paged() == before
    assert (await desk.escalation()).state == "acknowledged"


async def test_any_number_of_replicas_takes_each_step_once(desk: Desk) -> None:
    for number in range(4):
        await desk.opened(cause=f"incident {number}")
    for _ in range(3):
        desk.now += 5 * MINUTE
        await asyncio.gather(*(desk.pager().work() for _ in range(4)))
    for number in range(1, 5):
        pages = [one for one in await desk.pages() if one.incident_id == number]
        places = [(one.round, one.step, one.person) for one in pages]
        assert len(places) == len(set(places))
        assert {(one.round, one.step) for one in pages} == {(0, 0), (0, 1), (1, 0), (1, 1)}


async def test_a_pager_that_died_with_a_claim_is_taken_over_after_five_seconds(desk: Desk) -> None:
    await desk.opened()
    desk.now += 5 * MINUTE

    class Dying(Pager):
        async def _climb(self, row: object) -> None:
            raise RuntimeError("killed between the claim and the step")

    await Dying(desk.db, lambda: desk.catalog, lambda: desk.now).work()
    await desk.later(4 * SECOND)
    assert await desk.paged() == ["maria"]
    await desk.later(SECOND)
    assert await desk.paged() == ["maria", "sam", "ana"]


async def test_a_policy_may_want_two_people(desk: Desk) -> None:
    desk.with_policy(acknowledgements=2)
    await desk.opened()
    assert (await desk.acknowledged("maria")).applied
    assert (await desk.incident()).state == "triggered"
    again = await desk.acknowledged("maria")
    assert (again.applied, again.refusal) == (False, "already acknowledged")
    await desk.later(5 * MINUTE)
    assert await desk.paged() == ["maria", "sam", "ana"], "it climbs until the second one is there"
    assert (await desk.acknowledged("ana")).applied
    assert (await desk.incident()).state == "acknowledged"
    assert (await desk.escalation()).acknowledgers == ["maria", "ana"]


async def test_silence_after_an_acknowledgement_pages_again(desk: Desk) -> None:
    desk.with_policy(unacknowledge=30 * MINUTE)
    await desk.opened()
    await desk.acknowledged("maria")
    await desk.later(29 * MINUTE)
    async with desk.db.transaction() as session:
        await incidents.note(session, 1, actor="maria", text="it is the new prompt", now=desk.now)
    await desk.later(29 * MINUTE)
    assert await desk.paged() == ["maria"], "somebody did something, so silence is counted anew"
    await desk.later(MINUTE)
    assert await desk.paged() == ["maria", "maria"]
    incident = await desk.incident()
    assert (incident.state, incident.acknowledged_by) == ("triggered", None)
    assert await desk.said("Nothing was heard of Maria Ortiz")
    await desk.later(5 * MINUTE)
    assert (await desk.paged())[2:] == ["sam", "ana"]


async def test_silence_is_counted_anew_when_somebody_is_active(desk: Desk) -> None:
    desk.with_policy(unacknowledge=30 * MINUTE)
    await desk.opened()
    await desk.acknowledged("maria")
    desk.now += 10 * MINUTE
    async with desk.db.transaction() as session:
        await escalation.active(session, await desk.incident(), now=desk.now)
    assert (await desk.escalation()).next_at == desk.now + 30 * MINUTE


async def test_what_recovered_and_is_about_to_resolve_itself_wakes_nobody_else(desk: Desk) -> None:
    await desk.opened()
    async with desk.db.transaction() as session:
        row = await session.get_one(Incident, 1)
        row.recovered_at, row.resolve_due = desk.now, desk.now + 10 * MINUTE
    await desk.later(6 * MINUTE)
    assert await desk.paged() == ["maria"]
    async with desk.db.transaction() as session:
        row = await session.get_one(Incident, 1)
        row.recovered_at = row.resolve_due = None
    await desk.later(MINUTE)
    assert await desk.paged() == ["maria", "sam", "ana"], "it came back"


async def test_a_severity_that_only_tells_ends_the_paging(desk: Desk) -> None:
    await desk.opened()
    async with desk.db.transaction() as session:
        (await session.get_one(Incident, 1)).severity = "sev3"
    await desk.later(5 * MINUTE)
    assert await desk.paged() == ["maria"]
    assert (await desk.escalation()).state == "ended"


async def test_a_snooze_pages_nobody_and_then_the_same_step_again(desk: Desk) -> None:
    await desk.opened()
    assert (await desk.snoozed(30)).applied
    assert [one.state for one in await desk.pages()] == ["snoozed"]
    await desk.later(29 * MINUTE)
    assert await desk.paged() == ["maria"]
    await desk.later(MINUTE)
    assert await desk.paged() == ["maria", "maria"]
    assert await desk.messages("escalation") == []
    await desk.later(5 * MINUTE)
    assert (await desk.paged())[2:] == ["sam", "ana"]


async def test_a_snooze_longer_than_a_day_is_refused(desk: Desk) -> None:
    await desk.opened()
    outcome = await desk.snoozed(60 * 25)
    assert not outcome.applied
    assert "24 hours" in outcome.refusal


async def test_whoever_cannot_take_it_hands_it_to_the_next_step_at_once(desk: Desk) -> None:
    await desk.opened()
    assert (await desk.handed_over("maria")).applied
    assert await desk.paged() == ["maria", "sam", "ana"]
    assert (await desk.pages())[0].state == "declined"


async def test_with_others_of_the_step_still_asked_it_stays_with_them(desk: Desk) -> None:
    await desk.opened()
    await desk.later(5 * MINUTE)
    assert (await desk.handed_over("sam")).applied
    assert await desk.paged() == ["maria", "sam", "ana"]
    assert await desk.said("Cannot take it; Ana Silva is being paged")
    assert (await desk.handed_over("ana")).applied
    assert (await desk.paged())[3:] == ["maria"]


async def test_handing_over_to_somebody_pages_them_and_takes_the_acknowledgement_back(desk: Desk) -> None:
    await desk.opened()
    await desk.acknowledged("maria")
    assert (await desk.handed_over("maria", to="ana")).applied
    assert await desk.paged() == ["maria", "ana"]
    incident, row = await desk.incident(), await desk.escalation()
    assert (incident.state, row.state, row.next_at) == ("triggered", "paging", desk.now + 5 * MINUTE)


async def test_a_stale_button_skips_no_step_and_is_told_who_did_what_when(desk: Desk) -> None:
    await desk.opened()
    shown = (await desk.escalation()).version
    assert (await desk.escalated("ana", version=shown)).applied
    at = desk.now
    desk.now += MINUTE
    for outcome in (
        await desk.escalated("sam", version=shown),
        await desk.handed_over("maria", version=shown),
        await desk.snoozed(version=shown),
    ):
        assert not outcome.applied
        assert outcome.refusal == "already escalated to Sam Lee, Ana Silva"
        assert (outcome.by, outcome.at) == ("ana", at)
    assert await desk.paged() == ["maria", "sam", "ana"]


async def test_two_clicks_on_the_same_button_at_once_take_one_step(desk: Desk) -> None:
    await desk.opened()
    shown = (await desk.escalation()).version
    outcomes = await asyncio.gather(*(desk.escalated(who, version=shown) for who in ("ana", "sam", "maria")))
    assert [outcome.applied for outcome in outcomes].count(True) == 1
    assert await desk.paged() == ["maria", "sam", "ana"]


async def test_escalating_by_hand_after_the_last_step_begins_with_the_first_again(desk: Desk) -> None:
    desk.with_policy(repeat=0)
    await desk.opened()
    await desk.later(5 * MINUTE)
    await desk.later(5 * MINUTE)
    assert (await desk.escalation()).state == "exhausted"
    assert (await desk.escalated("ana")).applied
    assert (await desk.paged())[3:] == ["maria"]


async def test_a_step_that_reaches_nobody_is_said_aloud_and_the_next_comes_at_once(desk: Desk) -> None:
    desk.catalog = team(Policy("quick", (PolicyStep(("group:nobody",)), *STEPS), repeat=0), maria=())
    await desk.opened()
    assert await desk.paged() == ["sam", "ana"]
    assert await desk.said("Nobody to page for group:nobody")
    assert await desk.said("Nobody to page for Maria Ortiz: no way to be reached")
    assert len(await desk.messages("escalation", "paging")) == 3


async def test_a_round_that_reaches_nobody_is_exhausted_at_once_and_says_so_in_the_channel(desk: Desk) -> None:
    desk.catalog = team(Policy("quick", (PolicyStep(("owner",)),), repeat=5), maria=())
    await desk.opened()
    assert (await desk.escalation()).state == "exhausted"
    assert await desk.said("Nobody acknowledged")


async def test_a_channel_is_paged_by_one_message_there(desk: Desk) -> None:
    desk.catalog = team(Policy("quick", (PolicyStep(("owner", "channel:leads")),)))
    await desk.opened()
    (message,) = await desk.messages("channel_page")
    assert message.channel == "leads"
    await desk.sent(message.key)
    assert await desk.said("#leads paged in Slack")


async def test_reopened_within_five_minutes_it_goes_on_where_it_was_if_it_stays_bad(desk: Desk) -> None:
    await desk.opened()
    await desk.later(5 * MINUTE)
    await desk.resolved()
    await desk.later(4 * MINUTE)
    assert (await desk.opened()).reopened == 1
    assert len(await desk.pages()) == 3
    await desk.later(59 * SECOND)
    assert len(await desk.pages()) == 3
    await desk.later(SECOND)
    assert (await desk.paged())[3:] == ["sam", "ana"], "the present step pages again"


async def test_reopened_and_over_again_within_a_minute_it_pages_nobody(desk: Desk) -> None:
    await desk.opened()
    await desk.resolved()
    await desk.later(MINUTE)
    await desk.opened()
    await desk.later(30 * SECOND)
    await desk.resolved()
    await desk.later(timedelta(hours=1))
    assert await desk.paged() == ["maria"]


async def test_reopened_later_it_starts_anew(desk: Desk) -> None:
    await desk.opened()
    await desk.later(5 * MINUTE)
    await desk.resolved()
    await desk.later(6 * MINUTE)
    await desk.opened()
    assert (await desk.paged())[3:] == ["maria"]


async def test_resolving_ends_everything(desk: Desk) -> None:
    await desk.opened()
    await desk.later(5 * MINUTE)
    await desk.resolved()
    row = await desk.escalation()
    assert (row.state, row.next_at, row.ended_at) == ("ended", None, desk.now)
    assert {one.state for one in await desk.pages()} == {"ended"}
    for outcome in (await desk.escalated(), await desk.snoozed(), await desk.handed_over("maria")):
        assert (outcome.applied, outcome.refusal, outcome.by) == (False, "already resolved", "sam")


async def test_whoever_is_paged_by_hand_comes_first_and_then_the_policy(desk: Desk) -> None:
    await desk.opened(first=("person:ana",))
    assert await desk.paged() == ["ana"]
    await desk.later(5 * MINUTE)
    assert await desk.paged() == ["ana", "maria"]


async def test_one_more_person_can_be_paged_about_an_open_incident(desk: Desk) -> None:
    await desk.opened()
    async with desk.db.transaction() as session:
        outcome = await escalation.page_also(session, desk.catalog, 1, "ana", actor="maria", now=desk.now)
    assert outcome.applied
    assert [(one.person, one.why) for one in await desk.pages()] == [
        ("maria", "owner"),
        ("ana", "paged by Maria Ortiz"),
    ]
    await desk.later(5 * MINUTE)
    assert (await desk.paged())[2:] == ["sam", "ana"], "the policy climbs as before"


async def test_sev3_pages_nobody_and_can_be_acknowledged(desk: Desk) -> None:
    await desk.opened(severity="sev3")
    await desk.later(timedelta(hours=1))
    assert await desk.paged() == []
    assert (await desk.acknowledged()).applied
    outcome = await desk.escalated()
    assert (outcome.applied, outcome.refusal) == (False, "nobody is being paged")


async def test_the_ways_of_a_person_are_those_of_the_beginning(desk: Desk) -> None:
    desk.catalog = team(maria=(SLACK, Contact("email", {"email": "maria@example.com"}, 2 * MINUTE)))
    await desk.opened()
    desk.catalog = team()
    await desk.later(2 * MINUTE)
    assert ("email", "pending") in await desk.attempts()
