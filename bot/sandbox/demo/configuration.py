"""The demo's badday.yaml and .env: what `badday init` writes, with the seconds of a demo instead of minutes."""

import io
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from bot.catalog.init import CATALOG, ENV, catalog_text, checked, env_text
from bot.catalog.reference import SCHEMA
from bot.sandbox.demo.providers import VENDORS
from bot.sandbox.demo.scenarios import Night
from bot.sandbox.server import Sandbox
from bot.settings import Settings, load_settings

OWNER = "maria@example.com"
DEPUTY = "sam@example.com"
SYSTEM = CHANNEL = "support-bot"
MAILS_FROM = "badday@example.com"
MAIL_AFTER = "2m"
"""From a page in Slack to the mail, while no night is played."""
POLICY = "night"
INTERVAL = 1
"""Seconds between two polls of a status page; loopback only."""
HOLD = "12s"
"""How long a recovery must last before the incident resolves itself; minutes in earnest."""
CALLS = {"window": "1m", "minimum": 200}
"""When calls are bad: the product asks four questions a second, and nobody waits five minutes at a demo."""


def configure(
    folder: Path, sandbox: Sandbox, status_pages: Mapping[str, str], *, mail_port: int, night: Night | None = None
) -> Settings:
    """Write both files into the folder; gives the settings that they make. `night`: how long nobody is waited for."""
    catalog = _catalog(sandbox, status_pages, mail_port, night)
    (folder / CATALOG).write_text(catalog, encoding="utf-8")
    env = {
        "SLACK_BOT_TOKEN": sandbox.bot_token,
        "SLACK_APP_TOKEN": sandbox.app_token,
        "SLACK_SIGNING_SECRET": sandbox.signing_secret,
        "SLACK_API_URL": sandbox.api_url,
        "DATABASE_URL": f"sqlite:///{folder / 'badday.db'}",
        "BADDAY_HTTP": f"127.0.0.1:{_free_port()}",
    }
    (folder / ENV).write_text(env_text(env), encoding="utf-8")
    # Not the environment of whoever starts the demo: their own tokens have no place here.
    return load_settings(folder / CATALOG, environ={})


def _catalog(sandbox: Sandbox, status_pages: Mapping[str, str], mail_port: int, night: Night | None) -> str:
    answers = checked(
        owner=OWNER,
        system=SYSTEM,
        channel=CHANNEL,
        providers=[f"{name}={url}" for name, url in status_pages.items()],
        interval=INTERVAL,
        armed=True,
    )
    yaml = YAML()
    document = yaml.load(catalog_text(answers, schema=str(SCHEMA)))
    for user in (sandbox.workspace.user_named(email) for email in (OWNER, DEPUTY)):
        assert user is not None
        document["people"][user.name] = {
            "name": user.real_name,
            "email": user.email,
            "timezone": user.timezone,
            "contacts": ["slack", {"email": user.email, "after": MAIL_AFTER}],
        }
    document["systems"][SYSTEM]["deputies"] = [DEPUTY.partition("@")[0]]
    document["systems"][SYSTEM]["calls"] = dict(CALLS)
    document["systems"][SYSTEM]["caps"] = {"daily": {}}
    for vendor in VENDORS:
        document["providers"][vendor.key]["prices"] = {vendor.model: dict(vendor.price)}
    for watch in document["watches"].values():
        watch["hold"] = HOLD
    document["contacts"] = {
        "email": {"host": "127.0.0.1", "port": mail_port, "security": "none", "from": MAILS_FROM},
    }
    if night is not None:
        _let_climb(document, night)
    text = io.StringIO()
    yaml.dump(document, text)
    return text.getvalue()


def _let_climb(document: Any, night: Night) -> None:
    """The owner has Slack alone, the deputy a mailbox behind it; who does not answer is soon followed by the next."""
    owner, deputy = (document["people"][email.partition("@")[0]] for email in (OWNER, DEPUTY))
    owner["contacts"] = ["slack"]
    deputy["contacts"] = ["slack", {"email": DEPUTY, "after": _seconds(night.mail_after)}]
    document["policies"] = {
        POLICY: {
            "repeat": 0,
            "steps": [
                {"notify": ["owner"], "wait": _seconds(night.owner_has)},
                {"notify": ["deputies"], "wait": _seconds(night.deputy_has)},
                {"notify": ["owner", "deputies", "channel"], "wait": _seconds(night.deputy_has)},
            ],
        }
    }
    document["systems"][SYSTEM]["policy"] = POLICY


def _seconds(number: int) -> str:
    return f"{number}s"


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
