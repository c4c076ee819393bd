"""Environment -> Settings: the one place that reads environment variables, and the only one where secrets live."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import BaseModel, ConfigDict, SecretStr

from bot.loopback import is_loopback

CATALOG_FILE = "badday.yaml"
ENV_FILE = ".env"
SLACK_API_URL = "https://slack.com/api/"

_PACE = re.compile(r"(\d+(?:\.\d+)?)\s*/\s*s(?:ec)?")


class SettingsError(Exception):
    """The environment cannot be used; the message names the variable, what is wrong and what to do."""


class Settings(BaseModel):
    """What the environment says. `slack_pace` is the seconds between two messages of a channel, None for no limit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    config: Path = Path(CATALOG_FILE)
    database_url: str = "sqlite:///badday.db"
    http_host: str = "127.0.0.1"
    http_port: int = 8765
    public_url: str = "http://127.0.0.1:8765"
    api_token: SecretStr | None = None
    slack_bot_token: SecretStr | None = None
    slack_app_token: SecretStr | None = None
    slack_signing_secret: SecretStr | None = None
    slack_api_url: str = SLACK_API_URL
    slack_pace: float | None = 1.0
    heartbeat_url: SecretStr | None = None


def config_path(config: Path | None = None, environ: Mapping[str, str] = os.environ) -> Path:
    """The catalog's path: the argument, else BADDAY_CONFIG of the environment or of `.env`, else badday.yaml."""
    return _sources(config, environ)[0]


def secret(name: str, config: Path | None = None, environ: Mapping[str, str] = os.environ) -> SecretStr | None:
    """A secret that the catalog names, from the environment or from `.env`; None where it is not set.

    Raises SettingsError.
    """
    value = _sources(config, environ)[1].get(name)
    return SecretStr(value) if value is not None else None


def load_settings(config: Path | None = None, environ: Mapping[str, str] = os.environ) -> Settings:
    """Settings from the environment and the `.env` beside the catalog; the environment wins, empty counts as unset.

    Raises SettingsError.
    """
    path, values = _sources(config, environ)
    http = values.get("BADDAY_HTTP", "127.0.0.1:8765")
    host, port = _bind_address(http)
    api_url = _slack_api_url(values.get("SLACK_API_URL", SLACK_API_URL))
    return Settings(
        config=path,
        database_url=_database_url(values.get("DATABASE_URL", "sqlite:///badday.db")),
        http_host=host,
        http_port=port,
        public_url=_web_url("BADDAY_PUBLIC_URL", values.get("BADDAY_PUBLIC_URL", f"http://{http}")).rstrip("/"),
        api_token=_secret(values, "BADDAY_API_TOKEN"),
        slack_bot_token=_secret(values, "SLACK_BOT_TOKEN", prefix="xoxb-"),
        slack_app_token=_secret(values, "SLACK_APP_TOKEN", prefix="xapp-"),
        slack_signing_secret=_secret(values, "SLACK_SIGNING_SECRET"),
        slack_api_url=api_url,
        slack_pace=_pace(values.get("BADDAY_SLACK_PACE", "1/s"), api_url),
        heartbeat_url=_heartbeat_url(values.get("BADDAY_HEARTBEAT_URL")),
    )


def _sources(config: Path | None, environ: Mapping[str, str]) -> tuple[Path, dict[str, str]]:
    set_outside = _filled(environ)
    named = config or (Path(set_outside["BADDAY_CONFIG"]) if "BADDAY_CONFIG" in set_outside else None)
    folder = (named or Path(CATALOG_FILE)).parent
    from_file = _read_env_file(folder / ENV_FILE)
    if named is None:
        named = folder / from_file.get("BADDAY_CONFIG", CATALOG_FILE)
    return named, from_file | set_outside


def _read_env_file(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    try:
        # No interpolation: a `$` in a password is a `$`.
        return _filled(dotenv_values(path, interpolate=False, encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else error.strerror
        raise SettingsError(f"{path}: cannot be read: {reason}; make it a UTF-8 file that this user may read") from None


def _filled(values: Mapping[str, str | None]) -> dict[str, str]:
    stripped = {name: value.strip() for name, value in values.items() if value is not None}
    return {name: value for name, value in stripped.items() if value}


def _bind_address(value: str) -> tuple[str, int]:
    fix = "write HOST:PORT, for example 127.0.0.1:8765 or [::1]:8765"
    host, separator, port = value.rpartition(":")
    bare = host.removeprefix("[").removesuffix("]")
    if not separator or not bare or (":" in bare and bare == host) or re.search(r"[\s/@\[\]]", bare):
        raise SettingsError(f"BADDAY_HTTP: {value!r} is not an address; {fix}")
    if not port.isascii() or not port.isdigit() or int(port) > 65_535:
        raise SettingsError(f"BADDAY_HTTP: {port!r} is not a port; {fix}")
    return bare, int(port)


def _database_url(value: str) -> str:
    if not value.startswith(("sqlite://", "postgresql://", "postgres://")):
        # The value is not shown: it may hold a password.
        raise SettingsError(
            "DATABASE_URL: only SQLite and PostgreSQL are supported; "
            "write sqlite:///badday.db or postgresql://user:password@host/name"
        )
    return value


def _web_url(name: str, value: str) -> str:
    try:
        parts = urlsplit(value)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 0) >= 0
    except ValueError:
        usable = False
    if not usable or re.search(r"\s", value):
        raise SettingsError(f"{name}: {value!r} is not a web address; write one that starts with https://")
    return value


def _heartbeat_url(value: str | None) -> SecretStr | None:
    if value is None:
        return None
    # The value is not shown: whoever has it can keep the alarm quiet.
    fix = "write the address that the monitoring service gives you, beginning with https://"
    try:
        url = _web_url("BADDAY_HEARTBEAT_URL", value)
    except SettingsError:
        raise SettingsError(f"BADDAY_HEARTBEAT_URL: not a web address; {fix}") from None
    if url.startswith("http://") and not is_loopback(urlsplit(url).hostname):
        raise SettingsError(f"BADDAY_HEARTBEAT_URL: plain http would send it in the open; {fix}")
    return SecretStr(url)


def _slack_api_url(value: str) -> str:
    url = _web_url("SLACK_API_URL", value)
    parts = urlsplit(url)
    if not parts.path.rstrip("/").endswith("/api"):
        raise SettingsError(f"SLACK_API_URL: {value!r} does not end in /api/; Slack's own is {SLACK_API_URL}")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise SettingsError("SLACK_API_URL: plain http would send the tokens in the open; use https://")
    return url.rstrip("/") + "/"


def _pace(value: str, api_url: str) -> float | None:
    if value.lower() == "off":
        if is_loopback(urlsplit(api_url).hostname):
            return None
        raise SettingsError(
            "BADDAY_SLACK_PACE: `off` is only for a local workspace, Slack itself allows one message a second "
            "a channel; write 1/s, or point SLACK_API_URL at a loopback address"
        )
    match = _PACE.fullmatch(value.lower())
    if match is None or not float(match[1]):
        raise SettingsError(f"BADDAY_SLACK_PACE: {value!r} is not a pace; write messages a second, for example 1/s")
    return 1 / float(match[1])


def _secret(values: Mapping[str, str], name: str, prefix: str = "") -> SecretStr | None:
    value = values.get(name)
    if value is None:
        return None
    if not value.startswith(prefix):
        raise SettingsError(
            f"{name}: such a token starts with {prefix}; copy it again from the app's settings in Slack"
        )
    return SecretStr(value)
