"""Who is on call for a system, whom targets mean, and who stands in, on either engine."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot.catalog.cover import Group, Layer, Policy, PolicyStep, Rotation, Unit
from bot.paging import cover, overrides
from bot.paging.cover import OnCall
from bot.paging.overrides import CoverError
from bot.store.tables import AuditEntry, CoverOverride
from tests.integration.paging.conftest import MINUTE, Desk, team

HOUR, DAY = 60 * MINUTE, timedelta(days=1)
MONDAY = datetime.fromisoformat("2026-03-02 09:00")
"""The day of the tests' clock, when Ana's turn begins."""


@pytest.fixture
def desk(desk: Desk) -> Desk:
    """Ana and Lea take turns by the day; the nights layer begins a week later."""
    primary = Layer("primary", ("ana", "lea"), MONDAY, 1, Unit.DAY)
    nights = Layer("nights", ("sam",), MONDAY + 7 * DAY)
    people = desk.catalog.people | {
        "lea": replace(desk.catalog.people["ana"], key="lea", name="Lea Kim", email="l@x.io")
    }
    system = replace(desk.catalog.systems["support-bot"], rotation="support", policy=None)
    desk.catalog = replace(
        desk.catalog,
        people=people,
        systems={"support-bot": system},
        rotations={"support": Rotation("support", "UTC", (primary, nights))},
        groups={"leads": Group("leads", ("ana", "sam")), "empty": Group("empty", slack="S1")},
    )
    return desk


async def put_in(
    desk: Desk,
    target: str,
    person: str,
    *,
    after: timedelta = timedelta(0),
    lasts: timedelta = HOUR,
    actor: str = "ana",
) -> CoverOverride:
    async with desk.db.transaction() as session:
        return await overrides.put_in(
            session,
            desk.catalog,
            target=target,
            person=person,
            starts=desk.now + after,
            ends=desk.now + after + lasts,
            reason="a wedding",
            actor=actor,
            now=desk.now,
        )


async def refused(desk: Desk, target: str, person: str, **when: timedelta) -> str:
    with pytest.raises(CoverError) as caught:
        await put_in(desk, target, person, **when)  # type: ignore[arg-type]
    return str(caught.value)


async def on_call(desk: Desk) -> OnCall:
    async with desk.db.reading() as session:
        return await cover.on_call(session, desk.catalog, desk.catalog.systems["support-bot"], desk.now)


async def who(desk: Desk, *targets: str, system: str = "support-bot") -> list[tuple[str, str]]:
    """Person or channel and why, then what reaches nobody and why."""
    async with desk.db.reading() as session:
        found = await cover.resolve(session, desk.catalog, system, targets, desk.now)
    reached = [(one.person or f"#{one.channel}", one.why) for one in found.targets]
    return reached + [(f"nobody for {one.target}", one.why) for one in found.nobody]


async def test_whoever_is_on_duty_is_on_call_and_the_next_one_is_somebody_else(desk: Desk) -> None:
    found = await on_call(desk)
    assert (found.now.person, found.now.why, found.now.ends) == ("ana", "rotation support/primary", desk.now + DAY)
    assert found.next is not None
    assert (found.next.person, found.next.starts, found.next.ends) == ("lea", desk.now + DAY, desk.now + 2 * DAY)


async def test_without_a_rotation_the_owner_is_on_call_for_good(desk: Desk) -> None:
    desk.catalog = team()
    found = await on_call(desk)
    assert (found.now.person, found.now.why, found.now.ends, found.next) == ("maria", "owner", None, None)


async def test_before_the_rotation_begins_the_owner_is_on_call(desk: Desk) -> None:
    desk.now -= 2 * HOUR
    found = await on_call(desk)
    assert (found.now.person, found.now.why) == ("maria", "owner, as nobody is on duty in rotation support")
    assert found.now.ends == desk.now + 2 * HOUR
    assert found.next is not None
    assert found.next.person == "ana"


async def test_whoever_stands_in_for_a_rotation_is_on_call_meanwhile(desk: Desk) -> None:
    await put_in(desk, "rotation/support", "sam", after=HOUR)
    found = await on_call(desk)
    assert found.now.ends == desk.now + HOUR
    desk.now += HOUR
    found = await on_call(desk)
    assert (found.now.person, found.now.why) == ("sam", "rotation support, in place of Ana Silva")
    assert found.next is not None
    assert (found.next.person, found.next.starts) == ("ana", desk.now + HOUR)


async def test_whoever_stands_in_for_the_owner_is_paged_as_the_owner(desk: Desk) -> None:
    await put_in(desk, "system/support-bot", "sam")
    assert await who(desk, "owner") == [("sam", "in place of Maria Ortiz")]
    desk.now += HOUR
    assert await who(desk, "owner") == [("maria", "owner")]


async def test_an_owner_without_a_rotation_is_stood_in_for(desk: Desk) -> None:
    desk.catalog = team()
    await put_in(desk, "system/support-bot", "sam", after=HOUR)
    found = await on_call(desk)
    assert (found.now.person, found.now.ends) == ("maria", desk.now + HOUR)
    assert found.next is not None
    assert (found.next.person, found.next.why, found.next.ends) == (
        "sam",
        "in place of Maria Ortiz",
        desk.now + 2 * HOUR,
    )


async def test_each_target_means_its_people(desk: Desk) -> None:
    targets = ("owner", "deputies", "rotation", "rotation:support/primary", "group:leads", "person:lea", "channel")
    assert await who(desk, *targets, "channel:ops") == [
        ("maria", "owner"),
        ("sam", "deputy"),
        ("ana", "deputy"),
        ("ana", "rotation support/primary"),
        ("ana", "rotation support/primary"),
        ("ana", "group leads"),
        ("sam", "group leads"),
        ("lea", "by hand"),
        ("#support-bot", "channel"),
        ("#ops", "channel"),
    ]


async def test_a_target_without_anybody_says_why(desk: Desk) -> None:
    targets = (
        "rotation:support/nights",
        "rotation:support/days",
        "rotation:gone",
        "group:empty",
        "group:gone",
        "nonsense",
    )
    assert await who(desk, *targets) == [
        ("nobody for rotation:support/nights", "nobody is on call"),
        ("nobody for rotation:support/days", "rotation support has no layer days any more"),
        ("nobody for rotation:gone", "rotation gone is not in the catalog any more"),
        ("nobody for group:empty", "Slack has not told yet who is in group empty"),
        ("nobody for group:gone", "group gone is not in the catalog any more"),
        ("nobody for nonsense", "no such target"),
    ]
    assert await who(desk, "owner", system="gone") == [
        ("nobody for owner", "the system is not in the catalog any more")
    ]
    bare = replace(desk.catalog.systems["support-bot"], deputies=(), rotation=None)
    desk.catalog = replace(desk.catalog, systems={"support-bot": bare})
    assert await who(desk, "deputies", "rotation") == [
        ("nobody for deputies", "support-bot has no deputies"),
        ("nobody for rotation", "support-bot has no rotation"),
    ]


async def test_the_one_put_in_last_counts_until_it_is_cancelled(desk: Desk) -> None:
    await put_in(desk, "rotation/support", "sam", lasts=4 * HOUR)
    late = await put_in(desk, "rotation/support/primary", "maria", lasts=4 * HOUR)
    assert late.id is not None
    assert await who(desk, "rotation:support/primary") == [("maria", "rotation support/primary, in place of Sam Lee")]
    async with desk.db.transaction() as session:
        await overrides.cancel(session, desk.catalog, late.id, actor="lea", now=desk.now)
    assert await who(desk, "rotation") == [("sam", "rotation support, in place of Ana Silva")]
    async with desk.db.transaction() as session:
        with pytest.raises(CoverError, match="Lea Kim cancelled override 2 already"):
            await overrides.cancel(session, desk.catalog, late.id, actor="ana", now=desk.now)


async def test_what_is_over_or_unknown_cannot_be_cancelled(desk: Desk) -> None:
    row = await put_in(desk, "rotation/support", "sam")
    desk.now += 2 * HOUR
    async with desk.db.transaction() as session:
        assert await overrides.current(session, desk.now) == []
        with pytest.raises(CoverError, match="override 1 is over already"):
            await overrides.cancel(session, desk.catalog, row.id or 0, actor="ana", now=desk.now)
        with pytest.raises(CoverError, match="there is no override 99"):
            await overrides.cancel(session, desk.catalog, 99, actor="ana", now=desk.now)


async def test_cover_that_makes_no_sense_is_refused_with_the_reason(desk: Desk) -> None:
    assert "neither a rotation nor a system 'gone'" in await refused(desk, "rotation/gone", "sam")
    assert "has no layer 'days'; it has: primary, nights" in await refused(desk, "rotation/support/days", "sam")
    assert "zoe is not a person of the catalog" in await refused(desk, "rotation/support", "zoe")
    assert await refused(desk, "rotation/support", "sam", lasts=-HOUR) == "it would end before it begins"
    assert await refused(desk, "rotation/support", "sam", after=-2 * HOUR) == "that time is over already"
    assert "longer than 92 days" in await refused(desk, "rotation/support", "sam", lasts=100 * DAY)
    assert "more than a year" in await refused(desk, "rotation/support", "sam", after=400 * DAY)


async def test_whoever_left_the_catalog_does_not_stand_in_any_more(desk: Desk) -> None:
    await put_in(desk, "rotation/support", "lea")
    people = {key: one for key, one in desk.catalog.people.items() if key != "lea"}
    desk.catalog = replace(desk.catalog, people=people)
    assert await who(desk, "rotation") == [("ana", "rotation support/primary")]


async def test_a_change_of_cover_is_in_the_audit_log(desk: Desk) -> None:
    await put_in(desk, "rotation/support", "sam")
    async with desk.db.reading() as session:
        entry = await session.get_one(AuditEntry, 1)
    assert (entry.actor, entry.action, entry.object) == ("ana", "cover.put_in", "override:1")


async def test_a_page_goes_to_whoever_is_on_duty_when_its_step_is_taken(desk: Desk) -> None:
    await put_in(desk, "rotation/support", "sam", after=3 * MINUTE)
    desk.catalog = replace(
        desk.catalog,
        policies={
            "twice": Policy("twice", (PolicyStep(("rotation",), 5 * MINUTE), PolicyStep(("rotation",), 5 * MINUTE)))
        },
        systems={"support-bot": replace(desk.catalog.systems["support-bot"], policy="twice")},
    )
    await desk.opened()
    await desk.later(5 * MINUTE)
    assert [(one.person, one.why) for one in await desk.pages()] == [
        ("ana", "rotation support/primary"),
        ("sam", "rotation support, in place of Ana Silva"),
    ]


async def test_shifts_of_a_person_are_told_with_those_in_which_they_stand_in(desk: Desk) -> None:
    await put_in(desk, "rotation/support", "lea", after=2 * HOUR)
    async with desk.db.reading() as session:
        standing = await overrides.stand_ins(session, desk.catalog, desk.now)
    found = cover.shifts_of(desk.catalog, standing, "lea", desk.now, desk.now + 2 * DAY)
    assert [(one.starts, one.ends) for one in found] == [
        (desk.now + 2 * HOUR, desk.now + 3 * HOUR),
        (desk.now + DAY, desk.now + 2 * DAY),
    ]
