"""Each way to reach somebody: what it accepts, what it says, how it signs; pure."""

import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from bot.catalog import contact_kinds
from bot.paging import registry
from bot.paging.contact import ContactError, Notice, Recipient, Secrets
from bot.paging.contacts import apprise, email, pagerduty, twilio, webhook

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
NOTICE = Notice(
    to=Recipient("maria", "Maria Ortiz", "maria@example.com"),
    title="Northwind fails",
    text="40 % of the calls fail.",
    severity="sev1",
    system="support-bot",
    incident=42,
    page=7,
    why="owner of support-bot",
    since=AT,
    sent_at=AT + timedelta(seconds=5),
    dedup_key="badday-42-1f0c9a2b",
    message_id="badday-page-17-20260302090000",
    ack_url="https://badday.example.com/ack/t0ken",
    reply_url="https://badday.example.com/hooks/twilio/t0ken",
    thread_url="https://acme.slack.com/archives/C1/p1",
)
SETUP = {"host": "smtp.example.com", "from": "oncall@example.com"}


def wrong(kind: str, given: dict[str, Any], *, setup: bool = False) -> str:
    """What the catalog would say about it."""
    with pytest.raises(ValidationError) as refused:
        (registry.setup_of if setup else registry.options_of)(kind, given)
    return "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in refused.value.errors())


def test_every_file_of_the_folder_is_a_kind_and_describes_itself() -> None:
    assert contact_kinds.kinds() == ("apprise", "email", "pagerduty", "slack", "twilio", "webhook")
    for kind, contact in registry.all_contacts().items():
        for model in (contact.Options, contact.Setup):
            for name, described in model.model_json_schema().get("properties", {}).items():
                assert described.get("description"), f"{kind}.{name} says nothing of itself"
        assert kind in contact.Options.model_json_schema()["properties"], "the main option has the kind's own name"
        assert contact.repeatable in (True, False)


def test_slack_wants_to_know_nothing_and_an_unknown_kind_names_those_that_there_are() -> None:
    assert contact_kinds.options_model("slack") is None
    assert contact_kinds.setup_model("webhook") is None
    with pytest.raises(LookupError, match="there are: apprise, email, pagerduty, slack, twilio, webhook"):
        contact_kinds.options_model("pigeon")


def test_secrets_are_names_of_variables_and_a_pasted_one_is_refused_without_repeating_it() -> None:
    said = wrong("pagerduty", {"pagerduty": "R0123456789abcdef0123456789abcdef"})
    assert "is not the name of an environment variable" in said
    assert "0123456789abcdef" not in said


def test_a_secret_that_is_not_set_says_where_to_put_it() -> None:
    secrets = Secrets(lambda name: SecretStr("s3cret") if name == "KNOWN" else None)
    assert secrets.read("KNOWN") == "s3cret"
    assert "s3cret" not in repr(vars(secrets))
    with pytest.raises(ContactError, match=r"UNKNOWN is not set; put it into \.env") as missing:
        secrets.read("UNKNOWN")
    assert missing.value.permanent


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (SETUP | {"security": "none"}, "would send mails in the open; write `security: starttls`"),
        (SETUP | {"username": "u"}, "has only one of `username` and `password`"),
        (SETUP | {"password": "MAIL_PASSWORD"}, "has only one of `username` and `password`"),
        (SETUP | {"port": 0}, "port"),
        (SETUP | {"from": "nobody"}, "is not an e-mail address"),
        ({"from": "oncall@example.com"}, "host: Field required"),
        (SETUP | {"hots": "x"}, "hots: Extra inputs are not permitted"),
    ],
)
def test_a_mail_server_that_cannot_be_used_is_refused(given: dict[str, Any], said: str) -> None:
    assert said in wrong("email", given, setup=True)


def test_a_mail_goes_to_the_persons_own_address_unless_another_is_named() -> None:
    contact = registry.contact_for("email")
    assert contact.shown(registry.options_of("email", {}), NOTICE.to) == "m…a@example.com"
    assert contact.shown(registry.options_of("email", {"email": "sam@x.example"}), NOTICE.to) == "s…m@x.example"
    assert email.masked("jo@example.com") == "j…@example.com"


@pytest.mark.parametrize("number", ["+34600000000", "+34 600-000 000", "+1 (555) 010-0000"])
def test_phone_numbers_are_read_as_people_write_them(number: str) -> None:
    options = registry.options_of("twilio", {"twilio": number})
    assert isinstance(options, twilio.TwilioOptions)
    assert options.number in ("+34600000000", "+15550100000")


@pytest.mark.parametrize("number", ["600000000", "+0600000000", "+34", "phone", "+346000000000000000"])
def test_what_is_no_phone_number_is_refused(number: str) -> None:
    assert "is not a phone number; write it with its country" in wrong("twilio", {"twilio": number})


@pytest.mark.parametrize(
    "url", ["http://example.com/x", "ftp://example.com", "example.com", "https://u:p@example.com/", "https://"]
)
def test_a_webhook_is_https_or_on_this_machine_and_holds_no_password(url: str) -> None:
    assert wrong("webhook", {"webhook": url, "secret": "HOOK_SECRET"})


def test_a_webhooks_address_is_kept_to_the_letter() -> None:
    for url in ("https://example.com/x/", "http://127.0.0.1:8080/a?b=c"):
        options = registry.options_of("webhook", {"webhook": url, "secret": "HOOK_SECRET"})
        assert isinstance(options, webhook.WebhookOptions)
        assert options.url == url


def test_where_it_goes_is_shown_without_address_number_or_path() -> None:
    shown = {
        "twilio": {"twilio": "+34600000000"},
        "pagerduty": {"pagerduty": "PAGERDUTY_MARIA"},
        "webhook": {"webhook": "https://hooks.example.com/s3cret", "secret": "HOOK_SECRET"},
        "apprise": {"apprise": "MARIA_NTFY"},
    }
    words = {
        kind: registry.contact_for(kind).shown(registry.options_of(kind, given), NOTICE.to)
        for kind, given in shown.items()
    }
    assert words == {
        "twilio": "+34…00",
        "pagerduty": "the service of PAGERDUTY_MARIA",
        "webhook": "hooks.example.com",
        "apprise": "the service of MARIA_NTFY",
    }


def mail(notice: Notice) -> EmailMessage:
    sent = email.compose(notice, "maria@example.com", "oncall@example.com").as_bytes()
    return message_from_bytes(sent, policy=policy.default)


def test_a_mail_has_all_that_one_needs_at_night() -> None:
    composed = mail(NOTICE)
    assert composed["Subject"] == "[#42] SEV1 support-bot: Northwind fails"
    assert composed["From"] == "Badday <oncall@example.com>"
    assert composed["To"] == "Maria Ortiz <maria@example.com>"
    assert composed["Message-ID"] == "<badday-page-17-20260302090000@example.com>"
    assert composed["In-Reply-To"] == composed["References"] == "<badday-42-1f0c9a2b@example.com>"
    assert composed["Date"] == "Mon, 02 Mar 2026 09:00:05 +0000"
    assert (composed["Importance"], composed["X-Priority"]) == ("high", "1")
    for kind in ("plain", "html"):
        body = composed.get_body((kind,))
        assert body is not None
        text = body.get_content()
        for part in (
            "40 % of the calls fail.",
            "owner of support-bot",
            "2026-03-02 09:00 UTC",
            NOTICE.ack_url,
            NOTICE.thread_url,
        ):
            assert part is not None
            assert part in text


def test_what_is_not_known_is_left_out_of_a_mail() -> None:
    body = mail(replace(NOTICE, text="", thread_url=None)).get_body(("plain",))
    assert body is not None
    assert "Slack" not in body.get_content()
    assert "\n\n\n" not in body.get_content()


@settings(deadline=None)
@given(title=st.text(max_size=400), text=st.text(max_size=200), name=st.text(min_size=1, max_size=40))
def test_no_text_breaks_out_of_a_mail(title: str, text: str, name: str) -> None:
    notice = replace(NOTICE, title=title, text=text, to=replace(NOTICE.to, name=name))
    composed = mail(notice)
    assert composed["Bcc"] is None
    assert composed["To"].addresses[0].addr_spec == "maria@example.com"
    html = composed.get_body(("html",))
    assert html is not None
    assert "<script" not in html.get_content().lower() or "<script" not in title.lower() + text.lower() + name.lower()


def test_a_page_is_one_stable_event_in_pagerduty() -> None:
    event = pagerduty.trigger(NOTICE)
    assert event["dedup_key"] == "badday-42-1f0c9a2b"
    assert event["payload"]["summary"] == "SEV1 support-bot: Northwind fails"
    assert event["payload"]["severity"] == "critical"
    assert [link["text"] for link in event["links"]] == ["Thread in Slack", "Acknowledge in Badday"]
    assert json.dumps(pagerduty.trigger(replace(NOTICE, sent_at=AT + timedelta(hours=1)))) == json.dumps(event)
    assert len(pagerduty.trigger(replace(NOTICE, title="x" * 5000))["payload"]["summary"]) == 1024
    severities = [pagerduty.trigger(replace(NOTICE, severity=one))["payload"]["severity"] for one in ("sev2", "sev3")]
    assert severities == ["error", "warning"]


def test_one_good_signature_of_pagerduty_is_enough() -> None:
    # HMAC-SHA256 of RFC 4231, test case 2.
    body, secret = b"what do ya want for nothing?", "Jefe"
    good = "v1=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert pagerduty.is_signed(body, good, secret)
    assert pagerduty.is_signed(body, f"v1={'0' * 64}, {good}", secret)
    for bad in ("", "v1=", good[3:], good.replace("v1=", "v2="), f"v1={'0' * 64}", "v1=ä"):
        assert not pagerduty.is_signed(body, bad, secret)
    assert not pagerduty.is_signed(body + b" ", good, secret)


VECTOR = {
    "CallSid": "CA1234567890ABCDE",
    "Caller": "+14158675309",
    "Digits": "1234",
    "From": "+14158675309",
    "To": "+18005551212",
}


def test_twilios_own_examples_of_signatures_are_reproduced() -> None:
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    assert twilio.signature("12345", url, VECTOR.items()) == "RSOYDt4T1cUTdK1PDd93/VVr8B8="
    repeated = [("Sid", "CA123"), ("SidAccount", "AC123"), ("Digits", "5678"), ("Digits", "1234"), ("Digits", "1234")]
    assert twilio.signature("12345", url, repeated) == "IK+Dwps556ElfBT0I3Rgjkr1wJU="


def test_a_call_says_who_why_and_what_twice() -> None:
    spoken = ET.fromstring(twilio.spoken(NOTICE))
    gathers = spoken.findall("Gather")
    assert [gather.get("numDigits") for gather in gathers] == ["1", "1"]
    assert gathers[0].get("action") == NOTICE.reply_url
    said = gathers[0].findtext("Say")
    assert said is not None
    for part in (
        "Maria Ortiz",
        "owner of support-bot",
        "severity one",
        "incident 42",
        "Northwind fails",
        "Press 1",
        "Press 2",
    ):
        assert part in said


@given(title=st.text(max_size=2000), text=st.text(max_size=2000), name=st.text(max_size=50))
def test_whatever_is_read_aloud_is_well_formed_and_short_enough_for_twilio(title: str, text: str, name: str) -> None:
    notice = replace(NOTICE, title=title, text=text, to=replace(NOTICE.to, name=name))
    spoken = twilio.spoken(notice)
    root = ET.fromstring(spoken)
    assert [child.tag for child in root] == ["Gather", "Gather", "Say"]
    assert ET.fromstring(twilio.reply(title)).find("Hangup") is not None


def test_the_longest_call_stays_under_twilios_limit() -> None:
    notice = replace(NOTICE, title="&" * 3000, text="<" * 3000, to=replace(NOTICE.to, name="'" * 80))
    assert len(twilio.spoken(notice)) <= 4000


@pytest.mark.parametrize("status", ["queued", "initiated", "ringing", "in-progress", "answered", ""])
def test_a_call_under_way_has_not_ended(status: str) -> None:
    assert twilio.ended_as(status) is None


def test_the_standard_webhooks_example_is_reproduced() -> None:
    key = webhook.secret_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    signed = webhook.sign(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("secret", ["plain words", "whsec_not base64!", "whsec_abc"])
def test_a_secret_of_another_shape_counts_as_it_is(secret: str) -> None:
    assert webhook.secret_key(secret) == secret.encode()


def test_a_webhooks_body_names_everything() -> None:
    body = json.loads(webhook.payload(NOTICE))
    assert body["type"] == "page"
    assert body["data"] == {
        "incident": 42,
        "page": 7,
        "title": "Northwind fails",
        "text": "40 % of the calls fail.",
        "severity": "sev1",
        "system": "support-bot",
        "person": "maria",
        "why": "owner of support-bot",
        "since": "2026-03-02T09:00:00+00:00",
        "dedupe_key": "badday-42-1f0c9a2b",
        "acknowledge_url": NOTICE.ack_url,
        "thread_url": NOTICE.thread_url,
    }
    assert json.loads(webhook.payload(replace(NOTICE, test=True, incident=0)))["type"] == "page.test"


def test_apprise_says_the_same_in_a_few_lines() -> None:
    assert apprise.body(NOTICE).splitlines() == [
        "40 % of the calls fail.",
        "Incident 42, since 2026-03-02 09:00 UTC. You: owner of support-bot.",
        "Acknowledge: https://badday.example.com/ack/t0ken",
        "Thread: https://acme.slack.com/archives/C1/p1",
    ]


def test_a_notice_shows_no_token_where_it_is_logged() -> None:
    assert "t0ken" not in repr(NOTICE)
