"""The demo's badday.yaml and .env: what `badday init` writes, with the seconds of a demo instead of minutes."""

import io
import socket
from collections.abc import Mapping
from pathlib import Path

from ruamel.yaml import YAML

from bot.catalog.init import CATALOG, ENV, catalog_text, checked, env_text
from bot.catalog.reference import SCHEMA
from bot.sandbox.demo.providers import VENDORS
from bot.sandbox.server import Sandbox
from bot.settings import Settings, load_settings

OWNER = "maria@example.com"
DEPUTY = "sam@example.com"
SYSTEM = CHANNEL = "support-bot"
INTERVAL = 1
"""Seconds between two polls of a status page; loopback only."""
HOLD = "12s"
"""How long a recovery must last before the incident resolves itself; minutes in earnest."""
CALLS = {"window": "1m", "minimum": 200}
"""When calls are bad: the product asks four questions a second, and nobody waits five minutes at a demo."""


def configure(folder: Path, sandbox: Sandbox, status_pages: Mapping[str, str]) -> Settings:
    """Write both files into the folder; gives the settings that they make."""
    (folder / CATALOG).write_text(_catalog(sandbox, status_pages), encoding="utf-8")
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


def _catalog(sandbox: Sandbox, status_pages: Mapping[str, str]) -> str:
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
        document["people"][user.name] = {"name": user.real_name, "email": user.email, "timezone": user.timezone}
    document["systems"][SYSTEM]["deputies"] = [DEPUTY.partition("@")[0]]
    document["systems"][SYSTEM]["calls"] = dict(CALLS)
    for vendor in VENDORS:
        document["providers"][vendor.key]["prices"] = {vendor.model: dict(vendor.price)}
    for watch in document["watches"].values():
        watch["hold"] = HOLD
    text = io.StringIO()
    yaml.dump(document, text)
    return text.getvalue()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
