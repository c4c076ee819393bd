"""What the doctor says about who is on call."""

from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from pydantic import SecretStr

from bot.catalog import Catalog, parse_catalog
from bot.doctor.check import Check, Status
from bot.doctor.cover import judge
from bot.paging.contact import Secrets
from bot.paging.groups import Members
from bot.paging.overrides import StandIns
from bot.paging.rotations import Override

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)  # a Monday
PEOPLE = """\
badday: 1
people:
  maria: {name: Maria Ortiz, email: maria@example.com}
  sam: {name: Sam Lee, email: sam@example.com}
"""
MAIL = "contacts:\n  email: {host: smtp.example.com, from: badday@example.com}\n"
SYSTEM = "systems:\n  support-bot: {owner: maria, channel: support-bot, deputies: [sam]}\n"
WEEKDAYS = "mon-fri 09:00-18:00"


def with_rotation(layers: str, *, used: bool = True) -> Catalog:
    system = SYSTEM.replace("deputies", "rotation: support, deputies") if used else SYSTEM
    return parse_catalog(PEOPLE + MAIL + system + f"rotations:\n  support: {{timezone: UTC, layers: {{{layers}}}}}\n")


def with_policy(steps: str, *, system: str = SYSTEM, more: str = "") -> Catalog:
    named = system.replace("owner:", "policy: climb, owner:")
    return parse_catalog(PEOPLE + MAIL + named + f"policies:\n  climb: {{steps: [{steps}]{more}}}\n")


def said(catalog: Catalog, standing: StandIns | None = None, secrets: Collection[str] = ()) -> list[Check]:
    known = Secrets(lambda name: SecretStr("x") if name in secrets else None)
    return list(judge(catalog, standing or StandIns(), known, NOW))


def told(catalog: Catalog, name: str) -> list[Check]:
    return [check for check in said(catalog) if check.check == name]


def only(catalog: Catalog, name: str) -> Check:
    (check,) = told(catalog, name)
    return check


def test_a_team_in_which_nothing_is_missing_hears_nothing_but_good() -> None:
    catalog = with_rotation("primary: {people: [maria, sam], starts: 2026-01-05 09:00}")
    assert {check.status for check in said(catalog)} == {Status.OK}
    assert only(catalog, "reach maria").message == "by slack, then email"
    assert only(catalog, "rotation support").message == "somebody is on duty in all of the next four weeks: maria, sam"
    assert only(catalog, "paging support-bot").message == "policy default: 4 steps, each reaches somebody"


def test_uncovered_hours_of_a_rotation_are_named_with_what_to_do() -> None:
    catalog = with_rotation(f"days: {{people: [maria], starts: 2026-01-05 09:00, hours: [{WEEKDAYS}]}}")
    check = only(catalog, "rotation support")
    assert check.status is Status.WARN
    assert check.message == (
        "nobody is on duty in 492 hours of the next four weeks: Mon 02 Mar 18:00 to Tue 03 Mar 09:00, "
        "Tue 03 Mar 18:00 to Wed 04 Mar 09:00, Wed 04 Mar 18:00 to Thu 05 Mar 09:00 and 17 more times"
    )
    assert "/badday override support PERSON FROM..TO" in check.fix


def test_whoever_stands_in_covers_their_hours() -> None:
    catalog = with_rotation("primary: {people: [maria], starts: 2026-03-04 09:00}")
    override = Override(1, None, "sam", NOW - timedelta(days=1), NOW + timedelta(days=3))
    found = said(catalog, StandIns({"rotation/support": [override]}))
    assert next(check for check in found if check.check == "rotation support").status is Status.OK


def test_a_rotation_that_nothing_names_pages_nobody() -> None:
    catalog = with_rotation("primary: {people: [maria, sam], starts: 2026-01-05 09:00}", used=False)
    assert only(catalog, "rotation support").message == "nobody is paged by it"


def test_somebody_without_a_working_way_is_a_failure_and_the_missing_secret_is_named() -> None:
    people = PEOPLE.replace("sam@example.com", "sam@example.com, contacts: [{apprise: SAM_NTFY}]")
    catalog = parse_catalog(people + SYSTEM)
    without, nobody = told(catalog, "reach sam")
    assert (without.status, without.message) == (Status.WARN, "not by apprise: SAM_NTFY is not set")
    assert nobody.status is Status.FAIL
    assert "/badday page test sam" in nobody.fix
    checks = said(catalog, secrets=("SAM_NTFY",))
    assert next(check for check in checks if check.check == "reach sam").message == "by apprise"


def test_whoever_can_be_reached_by_slack_alone_is_told_of_in_one_line() -> None:
    check = only(parse_catalog(PEOPLE + SYSTEM), "reach without Slack")
    assert (check.status, check.message) == (
        Status.WARN,
        "by Slack alone: maria, sam; when Slack is down, nobody reaches them",
    )


def test_people_whom_nothing_pages_are_not_looked_at() -> None:
    catalog = parse_catalog(PEOPLE + MAIL + SYSTEM.replace(", deputies: [sam]", ""))
    assert told(catalog, "reach sam") == []


def test_an_owner_whom_nobody_stands_behind_is_a_warning() -> None:
    check = only(parse_catalog(PEOPLE + MAIL + SYSTEM.replace(", deputies: [sam]", "")), "paging support-bot")
    assert check.status is Status.WARN
    assert check.message == "nobody stands behind Maria Ortiz: there are no deputies and no rotation"


def test_a_step_that_reaches_nobody_is_a_failure() -> None:
    named = SYSTEM.replace("owner:", "policy: climb, owner:")
    groups = "groups:\n  leads: {slack: S0614TZR7}\n"
    policies = "policies:\n  climb: {steps: [{notify: [owner]}, {notify: [group:leads]}]}\n"
    check = only(parse_catalog(PEOPLE + MAIL + named + groups + policies), "paging support-bot")
    assert (check.status, check.message) == (Status.FAIL, "step 2 pages nobody (group:leads)")
    assert "policies.climb.steps[1]" in check.fix


def test_a_step_that_is_never_taken_is_a_warning() -> None:
    always = SYSTEM.replace("owner:", "business_hours: [00:00-24:00], owner:")
    check = only(
        with_policy("{notify: [owner]}, {notify: [deputies], when: off_hours}", system=always), "paging support-bot"
    )
    assert check.status is Status.WARN
    assert check.message == "step 2 is never taken: there is no time of the week that is `off_hours`"


def test_hours_in_which_a_page_would_reach_nobody_at_all_are_a_failure() -> None:
    catalog = with_policy("{notify: [owner], when: business_hours}, {notify: [deputies], severities: [sev1]}")
    check = only(catalog, "paging support-bot")
    assert check.status is Status.FAIL
    assert check.message == (
        "a sev2 page would reach nobody in 492 hours of the next four weeks, first on Mon 02 Mar at 18:00 UTC"
    )


def test_more_acknowledgements_than_people_are_a_failure() -> None:
    catalog = with_policy("{notify: [owner]}", more=", acknowledgements: 2")
    check = only(catalog, "paging support-bot")
    assert check.message == "2 people must acknowledge, and only 1 can be paged"


LEADS = parse_catalog(PEOPLE + MAIL + SYSTEM + "groups:\n  leads: {people: [maria], slack: S0LEADS0001}\n")
FETCHED = Members(people=("sam",), fetched_at=NOW - timedelta(minutes=5))


def of_group(members: Members | None) -> Check:
    standing = StandIns(groups={"leads": members} if members is not None else {})
    (check,) = [check for check in said(LEADS, standing) if check.check == "group leads"]
    return check


def test_a_slack_user_group_whose_members_are_all_known_is_fine() -> None:
    assert of_group(FETCHED) == Check("group leads", Status.OK, "2 people, 1 by Slack")


def test_members_of_a_user_group_whom_the_catalog_does_not_know_are_named() -> None:
    check = of_group(replace(FETCHED, strangers=("Ana Silva", "U0NEW")))
    assert check.status is Status.WARN
    assert "does not know Ana Silva, U0NEW of user group S0LEADS0001" in check.message


def test_a_user_group_that_slack_does_not_tell_of_is_said_with_what_counts_meanwhile() -> None:
    check = of_group(replace(FETCHED, error="missing_scope"))
    assert "those of 02 Mar 08:55 UTC count" in check.message
    assert "usergroups:read" in check.fix
    assert "nobody of it is paged" in of_group(Members(error="paid_teams_only")).message


def test_a_user_group_that_nobody_asked_for_yet_or_for_long_is_said() -> None:
    assert "were not fetched yet" in of_group(None).message
    assert "fetched last on 02 Mar at 06:00" in of_group(replace(FETCHED, fetched_at=NOW - timedelta(hours=3))).message
