"""Mails over STARTTLS with a login, as mail servers want them; nothing goes out in the open."""

import shutil
import ssl
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from bot.paging.contact import ContactError, Sent
from bot.paging.contacts.email import EmailContact, EmailOptions, EmailSetup
from bot.sandbox.mail import MailSink
from tests.integration.paging.reach import secrets
from tests.unit.paging.test_contacts import NOTICE

PASSWORD = "s3cret"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of localhost that signs itself, with its key in the same file."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("tls")
    command = (
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost"
    )
    subprocess.run(
        [*command.split(), "-keyout", folder / "key", "-out", folder / "cert"], check=True, capture_output=True
    )
    both = folder / "both.pem"
    both.write_text((folder / "cert").read_text() + (folder / "key").read_text())
    return both


def server_side(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def setup(sink: MailSink, **more: object) -> EmailSetup:
    return EmailSetup.model_validate({"host": "localhost", "port": sink.port, "from": "oncall@example.com"} | more)


async def send(given: EmailSetup) -> Sent:
    known = secrets(SMTP_PASSWORD=PASSWORD)
    notice = replace(NOTICE, sent_at=datetime.now(UTC))
    async with httpx.AsyncClient() as web:
        return await EmailContact().send(notice, EmailOptions(), given, known, web)


async def test_a_mail_goes_over_starttls_with_the_login(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    async with MailSink(tls=server_side(certificate), login=("badday", PASSWORD)) as sink:
        sent = await send(setup(sink, username="badday", password="SMTP_PASSWORD"))
        assert sent.external_id == "<badday-page-17-20260302090000@example.com>"
        assert len(sink.mails) == 1


async def test_a_wrong_login_is_final_and_shows_no_password(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    async with MailSink(tls=server_side(certificate), login=("badday", "another")) as sink:
        with pytest.raises(ContactError, match="the mail server refused it: 535") as refused:
            await send(setup(sink, username="badday", password="SMTP_PASSWORD"))
        assert refused.value.permanent
        assert PASSWORD not in str(refused.value)


async def test_a_server_that_nobody_vouches_for_gets_no_mail(certificate: Path) -> None:
    async with MailSink(tls=server_side(certificate)) as sink:
        with pytest.raises(ContactError):
            await send(setup(sink))
        assert sink.mails == []


async def test_where_starttls_is_asked_for_and_not_offered_no_mail_is_sent() -> None:
    async with MailSink() as sink:
        with pytest.raises(ContactError, match="STARTTLS extension not supported") as refused:
            await send(setup(sink))
        assert refused.value.permanent
        assert sink.mails == []
