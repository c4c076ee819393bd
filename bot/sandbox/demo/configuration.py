"""The demo's badday.yaml and .env: what `badday init` writes, with the seconds of a demo instead of minutes."""

import socket
from collections.abc import Mapping
from pathlib import Path

from bot.sandbox.server import Sandbox
from bot.settings import Settings, load_settings

HOLD = "8s"
"""How long a recovery must last before the incident resolves itself; minutes in earnest."""


def configure(folder: Path, sandbox: Sandbox, status_pages: Mapping[str, str]) -> Settings:
    """Write both files into the folder; gives the settings that they make."""
    names = list(status_pages)
    (folder / "badday.yaml").write_text(
        "badday: 1\npeople:\n  maria: {name: Maria Ortiz, email: maria@example.com}\nproviders:\n"
        + "".join(f"  {name}: {{status: '{url}'}}\n" for name, url in status_pages.items())
        + "systems:\n  support-bot:\n    owner: maria\n    channel: support-bot\n    armed: true\n"
        + f"    routes: {{chat: {{primary: {names[0]}, standbys: [{names[1]}]}}}}\n    features: {{autoreply: {{default: true}}}}\n"
        + "watches:\n"
        + "".join(
            f"  status.{name}: {{page: '{url}', provider: {name}, interval: 1s, hold: {HOLD}}}\n"
            for name, url in status_pages.items()
        )
    )
    environ = {
        "DATABASE_URL": f"sqlite:///{folder / 'badday.db'}",
        "BADDAY_HTTP": f"127.0.0.1:{_free_port()}",
        "SLACK_API_URL": sandbox.api_url,
        "SLACK_BOT_TOKEN": sandbox.bot_token,
        "SLACK_APP_TOKEN": sandbox.app_token,
        "SLACK_SIGNING_SECRET": sandbox.signing_secret,
    }
    return load_settings(folder / "badday.yaml", environ)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
