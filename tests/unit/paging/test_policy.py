"""Policies: what comes next, when, and that a frozen one says the same as the one it was made of."""

from datetime import UTC, datetime, time, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.catalog.cover import Hours, Layer, Policy, PolicyStep, Rotation, When
from bot.catalog.models import Catalog, Person, System
from bot.paging import policy
from bot.paging.policy import Frozen, Place

MONDAY = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
OFFICE = (Hours(frozenset(range(5)), time(9), time(18), "Europe/Madrid"),)

hours = st.builds(
    Hours,
    st.frozensets(st.integers(0, 6)),
    st.times(),
    st.times(),
    st.sampled_from(["UTC", "Europe/Madrid", "America/New_York", "Asia/Kolkata"]),
)
steps = st.builds(
    PolicyStep,
    st.lists(st.sampled_from(["owner", "deputies", "person:sam", "channel"]), min_size=1).map(tuple),
    st.timedeltas(timedelta(seconds=1), timedelta(days=1)),
    st.sampled_from(When),
    st.frozensets(st.sampled_from(["sev1", "sev2"])),
)
policies = st.builds(
    Policy,
    st.text(),
    st.lists(steps, max_size=5).map(tuple),
    st.integers(0, 3),
    st.none() | st.timedeltas(timedelta(minutes=1), timedelta(days=1)),
    st.integers(1, 3),
)
frozen = st.builds(Frozen, policies, st.lists(hours, max_size=2).map(tuple))
times = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(frozen)
def test_a_frozen_policy_comes_back_as_it_was(kept: Frozen) -> None:
    assert policy.from_json(policy.to_json(kept)) == kept


@given(frozen, times)
def test_every_policy_comes_to_an_end_and_takes_no_step_twice_in_a_round(kept: Frozen, at: datetime) -> None:
    place = policy.next_step(kept, Place(0, 0), at, severity="sev1")
    taken = []
    while place is not None:
        taken.append((place.round, place.step))
        assert policy.fits(kept.step(place.step), at, severity="sev1", business=kept.business)
        place = policy.next_step(kept, Place(place.step + 1, place.round), at, severity="sev1")
    assert taken == sorted(set(taken))
    fitting = [
        number
        for number, step in enumerate(kept.policy.steps)
        if policy.fits(step, at, severity="sev1", business=kept.business)
    ]
    assert taken == [(round_, number) for round_ in range(kept.policy.repeat + 1) for number in fitting]


@given(times)
def test_business_hours_and_off_hours_divide_the_week(at: datetime) -> None:
    in_office, off = (PolicyStep(("owner",), when=when) for when in (When.BUSINESS_HOURS, When.OFF_HOURS))
    counted = [policy.fits(step, at, severity="sev1", business=OFFICE) for step in (in_office, off)]
    assert sorted(counted) == [False, True]


def test_hours_over_midnight_belong_to_the_day_on_which_they_began() -> None:
    night = (Hours(frozenset({0}), time(22), time(6), "UTC"),)
    monday = datetime(2026, 3, 2, tzinfo=UTC)
    inside = [hour for hour in range(48) if policy.is_within(night, monday + timedelta(hours=hour))]
    assert inside == [22, 23, 24, 25, 26, 27, 28, 29]


def test_hours_are_those_of_the_wall_clock_also_when_the_clocks_change() -> None:
    before, after = datetime(2026, 3, 27, 8, 30, tzinfo=UTC), datetime(2026, 3, 30, 7, 30, tzinfo=UTC)
    assert policy.is_within(OFFICE, before)
    assert policy.is_within(OFFICE, after)
    assert not policy.is_within(OFFICE, before - timedelta(hours=1))


def system_of(**more: object) -> tuple[Catalog, System]:
    system = System("support-bot", "maria", "support-bot", **more)  # type: ignore[arg-type]
    layer = Layer("primary", ("sam",), datetime(2026, 1, 5, 9))  # noqa: DTZ001
    catalog = Catalog(
        people={"maria": Person("maria", "Maria", "maria@example.com", timezone="Europe/Madrid")},
        systems={system.name: system},
        rotations={"support": Rotation("support", "Europe/Madrid", (layer,))},
    )
    return catalog, system


def test_the_default_policy_asks_whom_there_is_and_then_everybody_with_the_channel() -> None:
    catalog, alone = system_of()
    assert [step.notify for step in policy.default(alone, catalog).steps] == [("owner",), ("owner", "channel")]
    catalog, covered = system_of(deputies=("sam",), rotation="support")
    default = policy.default(covered, catalog)
    assert [step.notify for step in default.steps] == [
        ("rotation",),
        ("owner",),
        ("deputies",),
        ("rotation", "owner", "deputies", "channel"),
    ]
    assert ([step.wait.total_seconds() / 60 for step in default.steps], default.repeat) == ([5, 5, 5, 10], 2)


def test_without_hours_of_its_own_a_system_has_office_hours_where_its_owner_is() -> None:
    catalog, system = system_of()
    (office,) = policy.business_hours(catalog, system)
    assert (office.timezone, office.start, office.end) == ("Europe/Madrid", time(9), time(18))


def test_whoever_is_asked_for_by_hand_is_paged_before_everybody_else() -> None:
    catalog, system = system_of()
    kept = policy.frozen(catalog, system, first=("person:sam",))
    assert kept.step(0).notify == ("person:sam",)
    assert kept.policy.steps[1:] == policy.of(catalog, system).steps


def test_a_step_for_another_severity_or_part_of_the_week_is_passed_over() -> None:
    one = PolicyStep(("owner",), severities=frozenset({"sev1"}))
    two = PolicyStep(("deputies",), when=When.OFF_HOURS)
    three = PolicyStep(("channel",))
    kept = Frozen(Policy("p", (one, two, three), repeat=0), OFFICE)
    assert policy.next_step(kept, Place(0, 0), MONDAY, severity="sev1") == Place(0, 0)
    assert policy.next_step(kept, Place(0, 0), MONDAY, severity="sev2") == Place(2, 0)
    assert policy.next_step(kept, Place(0, 0), MONDAY + timedelta(hours=12), severity="sev2") == Place(1, 0)
    assert policy.next_step(kept, Place(3, 0), MONDAY, severity="sev2") is None
