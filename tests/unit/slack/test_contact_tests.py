"""What people read of tests of their ways, as snapshots."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.slack.messages.contact_tests import ReportView, SlackTestView, WayTested, render_report, render_test
from tests.unit.slack.snapshot import assert_snapshot

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
WAYS = [
    WayTested("Slack", "", "confirmed", at=AT + timedelta(seconds=20)),
    WayTested("e-mail", "m…a@example.com", "delivered", "the mail server took it: 250 OK", AT),
    WayTested("phone", "+34…00", "sending", "Twilio is calling"),
    WayTested("PagerDuty", "the service of PAGERDUTY_MARIA", "failed", "PAGERDUTY_MARIA is not set", AT),
    WayTested("webhook", "hooks.example.com", "unknown", "hooks.example.com did not answer", AT),
    WayTested("apprise", "", "pending"),
]


def test_a_test_in_slack_asks_whether_it_arrived() -> None:
    assert_snapshot("contact_test", render_test(SlackTestView(7, "Sam Lee")).payload())
    assert_snapshot("contact_test_confirmed", render_test(SlackTestView(7, "Sam Lee", AT)).payload())


def test_one_message_tells_how_every_way_went() -> None:
    assert_snapshot("contact_tests", render_report(ReportView("Maria Ortiz", "Sam Lee", AT, WAYS)).payload())


@pytest.mark.parametrize("count", [1, 20])
def test_however_many_ways_there_are_slack_takes_the_message(count: int) -> None:
    way = WayTested("<b>&" * 20, "x" * 200, "failed", "y" * 2000, AT)
    render_report(ReportView("Maria Ortiz", "Sam Lee", AT, [way] * count)).payload()
