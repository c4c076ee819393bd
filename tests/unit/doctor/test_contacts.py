"""What the doctor says about ways to reach people."""

from datetime import UTC, datetime, timedelta

from bot.catalog import parse_catalog
from bot.doctor.check import Status
from bot.doctor.contacts import judge

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
CATALOG = parse_catalog("""\
badday: 1
people:
  maria: {name: Maria Ortiz, email: maria@example.com, contacts: [slack, email, {pagerduty: PAGERDUTY_MARIA}]}
  sam: {name: Sam Lee, email: sam@example.com, contacts: [slack]}
systems:
  support-bot: {owner: maria, channel: support-bot}
contacts:
  email: {host: smtp.example.com, from: badday@example.com}
""")


def test_ways_that_were_never_confirmed_are_named_with_what_to_type() -> None:
    (check,) = judge(CATALOG, {}, "https://badday.example.com", NOW)
    assert check.status is Status.WARN
    assert check.message == "not confirmed: e-mail never, PagerDuty never"
    assert check.fix == "try it in Slack: /badday page test maria"


def test_a_confirmation_is_told_with_its_day_and_grows_old() -> None:
    confirmed = {("maria", "email"): NOW - timedelta(days=2), ("maria", "pagerduty"): NOW - timedelta(days=181)}
    (check,) = judge(CATALOG, confirmed, "https://badday.example.com", NOW)
    assert check.message == "not confirmed: PagerDuty not since 2025-09-02; e-mail last confirmed 2026-02-28"
    confirmed["maria", "pagerduty"] = NOW
    (check,) = judge(CATALOG, confirmed, "https://badday.example.com", NOW)
    assert check.status is Status.OK
    assert check.message == "e-mail last confirmed 2026-02-28, PagerDuty last confirmed 2026-03-02"


def test_links_that_only_this_machine_can_open_are_a_warning() -> None:
    first, *_ = judge(CATALOG, {}, "http://127.0.0.1:8765", NOW)
    assert (first.check, first.status) == ("links of pages", Status.WARN)
