"""What a catalog says about reaching people, and every mistake in it."""

from datetime import UTC, datetime, time, timedelta

import jsonschema
import pytest

from bot.catalog import Catalog, CatalogError, parse_catalog, reference
from bot.catalog.cover import Contact, Hours, Layer, Policy, PolicyStep, Unit, When
from bot.catalog.reading import read
from tests.unit.catalog.test_catalog import EXAMPLE

HEAD = """\
badday: 1
people:
  maria: {name: Maria Ortiz, email: maria@example.com, timezone: Europe/Madrid}
  sam: {name: Sam Lee, email: sam@example.com}
"""
SYSTEM = """\
systems:
  support-bot: {owner: maria, channel: support-bot}
"""


def catalog_of(text: str) -> Catalog:
    """Read by the catalog and accepted by the schema for editors as well."""
    jsonschema.validate(read(text, "badday.yaml").data, reference.schema())
    return parse_catalog(text)


def problems_of(text: str) -> list[str]:
    with pytest.raises(CatalogError) as caught:
        parse_catalog(text)
    return [str(problem).removeprefix("badday.yaml:") for problem in caught.value.problems]


def only_problem(text: str) -> str:
    (problem,) = problems_of(text)
    return problem


def layer(words: str) -> Layer:
    found = catalog_of(
        HEAD + SYSTEM + f"rotations:\n  support: {{timezone: Europe/Madrid, layers: {{primary: {{{words}}}}}}}\n"
    )
    return found.rotations["support"].layers[0]


def layer_problem(words: str) -> str:
    text = HEAD + SYSTEM + "rotations:\n  support:\n    timezone: Europe/Madrid\n    layers:\n"
    return only_problem(text + f"      primary: {{{words}}}\n")


def step_problem(words: str, system: str = SYSTEM) -> str:
    return only_problem(HEAD + system + f"policies:\n  climb:\n    steps:\n      - {{{words}}}\n")


def contacts_problem(words: str, more: str = "") -> str:
    text = HEAD.replace("sam@example.com", f"sam@example.com, contacts: {words}")
    return only_problem(text + SYSTEM + more)


GOOD_LAYER = "people: [maria, sam], starts: 2026-01-05 09:00"


def test_a_catalog_without_any_of_it_has_the_defaults() -> None:
    found = catalog_of(HEAD + SYSTEM)
    assert found.people["maria"].contacts == (Contact("slack"), Contact("email"))
    system = found.systems["support-bot"]
    assert (system.rotation, system.policy, system.business_hours, system.updates) == (None, None, (), None)
    assert [found.rotations, found.policies, found.groups, found.maintenance, found.contacts] == [{}] * 5


def test_the_example_shows_all_of_it() -> None:
    found = catalog_of(EXAMPLE.read_text())
    assert [one.name for one in found.rotations["support"].layers] == ["nights", "primary"]
    assert found.policies["climb"].unacknowledge == timedelta(minutes=30)
    assert found.groups["leads"].people == ("ana",)
    assert found.maintenance["index-rebuild"].hours[0].days == {6}
    assert found.systems["support-bot"].business_hours[0].timezone == "Europe/Madrid"


@pytest.mark.parametrize(
    ("words", "every", "unit"),
    [
        ("", 1, Unit.WEEK),
        (", every: 12 hours", 12, Unit.HOUR),
        (", every: 2 days", 2, Unit.DAY),
        (", every: 1 week", 1, Unit.WEEK),
        (", every: 1 month", 1, Unit.MONTH),
    ],
)
def test_a_layer_hands_over_hourly_to_monthly(words: str, every: int, unit: Unit) -> None:
    found = layer(GOOD_LAYER + words)
    assert (found.every, found.unit) == (every, unit)
    assert found.starts == datetime.fromisoformat("2026-01-05 09:00")


@pytest.mark.parametrize(
    ("words", "days", "start", "end", "zone"),
    [
        ("mon-fri 09:00-18:00", {0, 1, 2, 3, 4}, time(9), time(18), "Europe/Madrid"),
        ("fri-mon 9:00-18:00", {4, 5, 6, 0}, time(9), time(18), "Europe/Madrid"),
        ("saturday, sun 00:00-24:00", {5, 6}, time(0), time(0), "Europe/Madrid"),
        ("22:00-07:00", set(range(7)), time(22), time(7), "Europe/Madrid"),
        ("mon 09:00-18:00 America/New_York", {0}, time(9), time(18), "America/New_York"),
    ],
)
def test_a_part_of_the_week_is_days_and_times(words: str, days: set[int], start: time, end: time, zone: str) -> None:
    assert layer(f'{GOOD_LAYER}, hours: ["{words}"]').hours == (Hours(frozenset(days), start, end, zone),)


def test_a_policy_is_its_steps() -> None:
    text = """\
policies:
  climb:
    repeat: 0
    unacknowledge: 30m
    acknowledgements: 2
    steps:
      - {notify: [owner, "channel:#ops"], wait: 90s, when: off_hours, severities: [sev1]}
"""
    step = PolicyStep(("owner", "channel:ops"), timedelta(seconds=90), When.OFF_HOURS, frozenset({"sev1"}))
    expected = Policy("climb", (step,), repeat=0, unacknowledge=timedelta(minutes=30), acknowledgements=2)
    assert catalog_of(HEAD + SYSTEM + text).policies == {"climb": expected}


def test_contacts_are_tried_in_their_order_with_their_options() -> None:
    ways = "[{slack: true, after: 1m}, email, {apprise: MARIA_NTFY, after: 5m}]"
    more = "contacts:\n  email: {host: smtp.example.com, from: badday@example.com}\n"
    found = catalog_of(HEAD.replace("sam@example.com", f"sam@example.com, contacts: {ways}") + SYSTEM + more)
    assert found.people["sam"].contacts == (
        Contact("slack", {}, timedelta(minutes=1)),
        Contact("email"),
        Contact("apprise", {"apprise": "MARIA_NTFY"}, timedelta(minutes=5)),
    )
    assert found.contacts["email"].options == {"host": "smtp.example.com", "from": "badday@example.com"}


def test_a_maintenance_is_local_time_of_its_zone_or_weekly() -> None:
    text = """\
maintenance:
  move: {reason: we move, timezone: Europe/Madrid, starts: 2026-03-29 02:30, ends: 2026-03-29 12:00}
  nights: {reason: backup, hours: ["sun 02:00-04:00"]}
"""
    found = catalog_of(HEAD + SYSTEM + text).maintenance
    assert found["move"].starts == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)  # 02:30 does not exist that night
    assert found["move"].ends == datetime(2026, 3, 29, 10, 0, tzinfo=UTC)
    assert found["nights"].hours == (Hours(frozenset({6}), time(2), time(4), "UTC"),)


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (
            "people: [maria, smam], starts: 2026-01-05 09:00",
            "people[1]: 'smam' is not a person of this catalog; did you mean sam?",
        ),
        ("people: [sam, sam], starts: 2026-01-05 09:00", "people[1]: sam is named twice; remove one of the two"),
        ("people: [], starts: 2026-01-05 09:00", "people: is empty; write at least one entry"),
        ("people: [sam]", "starts: is missing; add `starts: …`"),
        ("people: [sam], starts: tomorrow", "starts: 'tomorrow' is not a local time; write it as 2026-01-05 09:00"),
        (
            "people: [sam], starts: 2026-02-30 09:00",
            "starts: '2026-02-30 09:00' is not a local time; write it as 2026-01-05 09:00",
        ),
        (
            "people: [sam], starts: 1995-02-20 09:00",
            "starts: '1995-02-20 09:00' is too far away; write a year from 2000 to 2100",
        ),
        (
            f"{GOOD_LAYER}, every: 1 weak",
            "every: '1 weak' is not the length of a turn; did you mean 1 week? (write a number with "
            "hours, days, weeks or months: 12 hours, 2 days, 1 week, 1 month)",
        ),
        (
            f"{GOOD_LAYER}, every: 0 days",
            "every: is a turn of no length; write a number with hours, days, weeks or months: "
            "12 hours, 2 days, 1 week, 1 month",
        ),
        (f"{GOOD_LAYER}, hours: [mon-fir 09:00-18:00]", "hours[0]: 'fir' is not a day of the week; did you mean fri?"),
        (
            f"{GOOD_LAYER}, hours: [mon 09:00-25:00]",
            "hours[0]: 'mon 09:00-25:00' holds no time of day; write days and times, "
            "for example mon-fri 09:00-18:00, or sat,sun 00:00-24:00",
        ),
        (
            f"{GOOD_LAYER}, hours: [at night]",
            "hours[0]: 'at night' is not a part of the week; write days and times, "
            "for example mon-fri 09:00-18:00, or sat,sun 00:00-24:00",
        ),
        (
            f"{GOOD_LAYER}, hours: [mon 09:00-18:00 Europe/Madird]",
            "hours[0]: 'Europe/Madird' is not a time zone; did you mean Europe/Madrid?",
        ),
    ],
)
def test_a_mistake_in_a_layer_is_told_at_its_place(words: str, problem: str) -> None:
    assert layer_problem(words) == f"11: rotations.support.layers.primary.{problem}"


def test_a_turn_that_is_too_long_is_told_of_its_layer() -> None:
    problem = "11: rotations.support.layers.primary: has turns of 90 weeks; write at most 53 weeks"
    assert layer_problem(f"{GOOD_LAYER}, every: 90 weeks") == problem


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ("notify: []", ".notify: is empty; write at least one entry"),
        ("notify: [ownr]", ".notify[0]: 'ownr' is nobody whom a step can page; did you mean owner?"),
        ("notify: [persn:sam]", ".notify[0]: 'persn:sam' is nobody whom a step can page; did you mean person:sam?"),
        ("notify: [group]", ".notify[0]: 'group' names no group; write group:NAME"),
        ("notify: [owner, owner]", ".notify[1]: owner is named twice; remove one of the two"),
        ("notify: [person:smam]", ".notify[0]: 'smam' is not a person of this catalog; did you mean sam?"),
        ("notify: [rotation:nights]",
         ".notify[0]: 'nights' is not a rotation of this catalog; add it under `rotations`, or write one of them"),
        ("notify: [group:leads]",
         ".notify[0]: 'leads' is not a group of this catalog; add it under `groups`, or write one of them"),
        ("notify: [owner], wait: 25h", ": waits 25h; write 1s to 24h"),
        ("notify: [owner], when: never", ".when: 'never' is not known here; write always, business_hours or off_hours"),
        ("notify: [owner], severities: [sev3]",
         ".severities[0]: 'sev3' is not known here; did you mean sev2? (write sev1 or sev2)"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_step_is_told_at_its_place(words: str, problem: str) -> None:
    assert step_problem(words) == f"10: policies.climb.steps[0]{problem}"


def test_a_layer_that_a_step_names_must_be_there() -> None:
    text = f"rotations:\n  r: {{timezone: UTC, layers: {{primary: {{{GOOD_LAYER}}}}}}}\n"
    more = text + "policies:\n  climb: {steps: [{notify: [rotation:r/primry]}]}\n"
    assert only_problem(HEAD + SYSTEM + more) == (
        "10: policies.climb.steps[0].notify[0]: 'primry' is not a layer of rotation r; did you mean primary?"
    )


@pytest.mark.parametrize(("target", "fix"), [("deputies", "deputies"), ("rotation", "rotation")])
def test_a_step_by_which_nobody_of_a_system_is_reached_is_a_mistake(target: str, fix: str) -> None:
    text = f"policies:\n  climb: {{steps: [{{notify: [owner]}}, {{notify: [{target}]}}]}}\n"
    assert only_problem(HEAD + SYSTEM.replace("channel:", "policy: climb, channel:") + text) == (
        f"6: systems.support-bot.policy: step 2 of policy climb pages nobody: support-bot has no {fix}; "
        f"add `{fix}` to support-bot, or name somebody else in that step"
    )


def test_what_a_system_names_must_be_there() -> None:
    system = SYSTEM.replace("channel:", "rotation: suport, policy: climb, updates: 30m, channel:")
    text = f"rotations:\n  support: {{timezone: UTC, layers: {{primary: {{{GOOD_LAYER}}}}}}}\n"
    assert problems_of(HEAD + system + text) == [
        "6: systems.support-bot.rotation: 'suport' is not a rotation of this catalog; did you mean support?",
        "6: systems.support-bot.policy: 'climb' is not a policy of this catalog; add it under `policies`, "
        "or write one of them",
    ]


def test_a_group_without_anybody_is_a_mistake() -> None:
    problem = "8: groups.leads: has nobody in it; add `people: [one, two]`, or `slack: S…`"
    assert only_problem(HEAD + SYSTEM + "groups:\n  leads: {}\n") == problem
    assert catalog_of(HEAD + SYSTEM + "groups:\n  leads: {slack: S0614TZR7}\n").groups["leads"].slack == "S0614TZR7"


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ("starts: 2026-01-05 22:00, ends: 2026-01-05 21:00", "ends before it begins; correct `starts` or `ends`"),
        ("starts: 2026-01-05 22:00",
         "has no `ends`; add `ends: 2026-01-05 22:00`; a quiet time without an end is refused"),
        ("timezone: UTC", "says no time; add `starts` and `ends`, or `hours`"),
        ("starts: 2026-01-05 22:00, hours: [mon 02:00-03:00]",
         "has both a date and weekly hours; keep `starts` and `ends`, "
         "or `hours`"),
    ],
)  # fmt: skip
def test_a_maintenance_has_one_time_with_an_end(words: str, problem: str) -> None:
    text = HEAD + SYSTEM + f"maintenance:\n  move: {{reason: we move, {words}}}\n"
    assert only_problem(text) == f"8: maintenance.move: {problem}"


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ("[]", ": is empty; write at least one entry"),
        ("[slak]", "[0]: 'slak' is no way to reach somebody; did you mean slack?"),
        ("[{after: 5m}]", "[0]: names no kind of contact; write a kind (slack), or {kind: address, after: 5m}"),
        ("[slack, slack]", "[1]: is named twice; remove one of the two"),
        ("[{slack: U1}]", "[0]: slack wants to know nothing more; write `slack`, or {slack: true, after: 5m}"),
        ("[{apprise: MARIA_NTFY, after: soon}]",
         "[0]: 'soon' is not a duration; write a number with a unit: 45s, 5m, 1h30m"),
        ("[{apprise: ntfys://topic}]",
         "[0].apprise: is not the name of an environment variable; put the secret into .env and "
         "write the variable's name here, for example PAGERDUTY_MARIA"),
        ("[pagerduty]", "[0].pagerduty: is missing; add `pagerduty: …`"),
        ("[{webhook: https://x.example.com, secrt: A_B}]", "[0].secrt: unknown key; did you mean `secret`?"),
        ("[email]", "[0]: email is not set up; add `email: {host: …, from: …}` under `contacts`"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_contact_is_told_at_its_place(words: str, problem: str) -> None:
    assert contacts_problem(words) == f"4: people.sam.contacts{problem}"


def test_set_ups_are_checked_by_their_kind() -> None:
    text = "contacts:\n  emial: {host: x}\n  slack: {}\n  email: {host: smtp.example.com, form: badday@example.com}\n"
    assert problems_of(HEAD + SYSTEM + text) == [
        "8: contacts.emial: 'emial' is no way to reach somebody; did you mean email?",
        "9: contacts.slack: has nothing to be set up; remove it",
        "10: contacts.email.form: unknown key; did you mean `from`?",
    ]
