"""The kinds of value that a catalog holds, each with its check and the words for a wrong one."""

import re
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from bot.catalog.patterns import PatternError, checked
from bot.loopback import is_loopback

PLAIN = "plain"  # the pydantic error type whose context holds our own `message` and `fix`

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_EMAIL = re.compile(r"[^@\s<>,;:\"]+@[^@\s<>,;:\"]+\.[^@\s<>,;:\".]+")
_SLACK_USER = re.compile(r"[UW][A-Z0-9]{2,}")
_SLACK_CHANNEL = re.compile(r"[CG][A-Z0-9]{8,}")
_SHARE = re.compile(r"(\d{1,3}(?:\.\d{1,2})?) ?%")
_MODEL = re.compile(r"[^\s\"']{1,200}")
_DEAREST = 100_000  # US dollars for a million tokens
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?(:\d{1,5})?")
_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}")
_HIGHEST_CAP = 10_000_000  # US dollars a day
_SECRET = re.compile(r"[A-Z][A-Z0-9_]{1,99}")
_USER_GROUP = re.compile(r"S[A-Z0-9]{2,}")
_DURATION = re.compile(r"(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s)?")


def wrong(message: str, fix: str) -> PydanticCustomError:
    """An error with our own words, to be raised from a validator."""
    return PydanticCustomError(PLAIN, "{message}; {fix}", {"message": message, "fix": fix})


def shown(value: object) -> str:
    """A value as it may stand in an error: short, on one line, and never a Slack token."""
    text = str(value)
    if re.match(r"xox|xapp", text):
        return "a token"
    return repr(text if len(text) <= 60 else text[:59] + "…")


def nearest(word: str, known: list[str]) -> str | None:
    """The known word that was probably meant."""
    lowered = {each.lower(): each for each in reversed(known)}
    for low, each in lowered.items():  # degraded_performance means degraded
        if len(low) > 3 and word.lower().startswith(low):
            return each
    close = get_close_matches(word.lower(), list(lowered), n=1, cutoff=0.6)
    return lowered[close[0]] if close else None


def name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise wrong(
            f"{shown(value)} is not a name",
            "use letters, digits, `.`, `_` and `-`, starting with a letter or digit, at most 64",
        )
    return value


def text(value: str) -> str:
    if not value.strip():
        raise wrong("is empty", "write something, or leave the key out")
    if len(value) > 200:
        raise wrong("is longer than 200 characters", "shorten it")
    return value.strip()


def email(value: str) -> str:
    if not _EMAIL.fullmatch(value):
        raise wrong(f"{shown(value)} is not an e-mail address", "write the one of the Slack profile, name@example.com")
    return value


def slack_user(value: str) -> str:
    if not _SLACK_USER.fullmatch(value):
        raise wrong(
            f"{shown(value)} is not a Slack user id",
            "copy the member ID from the profile (U…), or leave `slack` out: the e-mail finds the person",
        )
    return value


def channel(value: str) -> str:
    plain = value.removeprefix("#")
    if _SLACK_CHANNEL.fullmatch(plain):
        return plain
    usable = 0 < len(plain) <= 80 and plain == plain.lower() and all(c.isalnum() or c in "-_" for c in plain)
    if not usable:
        raise wrong(
            f"{shown(value)} is not a channel",
            "write its name in lower case without `#` (support-bot), or its id (C…)",
        )
    return plain


def timezone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        pass
    else:
        return value
    known = sorted(available_timezones())
    if not known and value == "UTC":  # a machine without any time zone data
        return value
    guess = nearest(value, known)
    meant = f"did you mean {guess}?" if guess else "write a name such as Europe/Madrid or UTC"
    raise wrong(f"{shown(value)} is not a time zone", meant)


def page_url(value: str) -> str:
    fix = "write its address, for example https://status.openai.com"
    try:
        parts = urlsplit(value)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if not usable or re.search(r"[\s<>\"\\]", value):
        raise wrong(f"{shown(value)} is not the address of a page", fix)
    if parts.username or parts.password:
        raise wrong("holds a user name or password", "leave it out: secrets belong in the environment")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise wrong("is plain http, which is only for this machine", "use https://")
    return value.rstrip("/")


def duration(value: Any) -> timedelta:
    fix = "write a number with a unit: 45s, 5m, 1h30m"
    if isinstance(value, timedelta):
        return value
    match = _DURATION.fullmatch(value) if isinstance(value, str) and value else None
    if match is None:
        raise wrong(f"{shown(value)} is not a duration", fix)
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)


def written(length: timedelta) -> str:
    """A duration as the catalog writes it: 90 seconds is 1m30s."""
    minutes, seconds = divmod(int(length.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{count}{unit}" for count, unit in ((hours, "h"), (minutes, "m"), (seconds, "s")) if count]
    return "".join(parts) or "0s"


def usd(value: Any) -> Decimal:
    """Money of a price list: a number, or better its text, for `0.1` has no exact binary form."""
    fix = 'write US dollars for a million tokens, for example "0.40"'
    if isinstance(value, Decimal):
        return value
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise wrong(f"must be a price, not {shown(value)}", fix)
    try:
        price = Decimal(str(value).strip())
    except InvalidOperation:
        raise wrong(f"{shown(value)} is not a price", fix) from None
    if not price.is_finite() or not 0 <= price <= _DEAREST:
        raise wrong(f"{shown(value)} is not a price", f"write 0 to {_DEAREST:,}: US dollars for a million tokens")
    if int(price.as_tuple().exponent) < -9:
        raise wrong(f"{shown(value)} has more than nine decimal places", fix)
    return price


def cap_usd(value: Any) -> Decimal:
    """An amount of US dollars that may be spent in a day, to the cent."""
    fix = 'write US dollars a day, for example "100.00"'
    if isinstance(value, Decimal):
        return value
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise wrong(f"must be an amount, not {shown(value)}", fix)
    try:
        amount = Decimal(str(value).strip())
    except InvalidOperation:
        raise wrong(f"{shown(value)} is not an amount", fix) from None
    if not amount.is_finite() or not 0 < amount <= _HIGHEST_CAP:
        raise wrong(
            f"{shown(value)} is no amount that could be a limit", f"write more than 0, at most {_HIGHEST_CAP:,}"
        )
    if amount != amount.quantize(Decimal("0.01")):
        raise wrong(f"{shown(value)} has more than two decimal places", fix)
    return amount.quantize(Decimal("0.01"))


def host(value: str) -> str:
    if not _HOST.fullmatch(value.lower()):
        raise wrong(f"{shown(value)} is not a host", "write example.com or example.com:8443, without https://")
    return value.lower()


def repository(value: str) -> str:
    if not _REPOSITORY.fullmatch(value):
        raise wrong(f"{shown(value)} is not a repository", "write owner/name, as GitHub has it")
    return value


def share(value: Any) -> float:
    fix = 'write a share of the calls, for example "20%"'
    if isinstance(value, float):
        return value
    found = _SHARE.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise wrong(f"{shown(value)} is not a share", fix)
    percent = Decimal(found[1])
    if not 0 < percent <= 100:
        raise wrong(f"{shown(value)} is no share that could be reached", 'write more than "0%", at most "100%"')
    return float(percent / 100)


def written_share(part: float) -> str:
    """A share as the catalog writes it: 0.2 is 20%."""
    return f"{round(part * 100, 2):g}%"


def pattern(value: str) -> str:
    if len(value) > 1_000:
        raise wrong("is longer than 1,000 characters", "split it into several patterns")
    try:
        return checked(value)
    except PatternError as error:
        raise wrong(
            f"the pattern {shown(value)} {error}",
            "write it in RE2 syntax (no look-around, no back-references), best in single quotes",
        ) from None


def model(value: str) -> str:
    if not _MODEL.fullmatch(value):
        raise wrong(f"{shown(value)} is not the name of a model", "write it as calls name it, for example gpt-4.1-mini")
    return value


def secret_ref(value: str) -> str:
    if not _SECRET.fullmatch(value):
        raise wrong(
            "is not the name of an environment variable",
            "put the secret into .env and write the variable's name here, for example PAGERDUTY_MARIA",
        )
    return value


def user_group(value: str) -> str:
    if not _USER_GROUP.fullmatch(value):
        raise wrong(f"{shown(value)} is not the id of a Slack user group", "copy it from the group's link (S…)")
    return value


Name = Annotated[str, AfterValidator(name), WithJsonSchema({"type": "string", "pattern": f"^{_NAME.pattern}$"})]
Text = Annotated[str, AfterValidator(text)]
Model = Annotated[str, AfterValidator(model)]
Pattern = Annotated[str, AfterValidator(pattern), WithJsonSchema({"type": "string", "format": "regex"})]
Usd = Annotated[
    Decimal,
    BeforeValidator(usd),
    WithJsonSchema({"type": ["string", "number"], "minimum": 0, "pattern": r"^\d+(\.\d{1,9})?$", "examples": ["0.40"]}),
]
Host = Annotated[str, AfterValidator(host)]
Repository = Annotated[str, AfterValidator(repository)]
CapUsd = Annotated[
    Decimal,
    BeforeValidator(cap_usd),
    WithJsonSchema({"type": ["string", "number"], "examples": ["100.00"]}),
]
Share = Annotated[
    float,
    BeforeValidator(share),
    WithJsonSchema({"type": "string", "pattern": r"^\d{1,3}(\.\d{1,2})? ?%$", "examples": ["20%"]}),
]
Email = Annotated[str, AfterValidator(email), WithJsonSchema({"type": "string", "format": "email"})]
SlackUser = Annotated[
    str, AfterValidator(slack_user), WithJsonSchema({"type": "string", "pattern": f"^{_SLACK_USER.pattern}$"})
]
Channel = Annotated[str, AfterValidator(channel)]
TimeZone = Annotated[str, AfterValidator(timezone)]
PageUrl = Annotated[
    str,
    AfterValidator(page_url),
    WithJsonSchema({"type": "string", "format": "uri", "pattern": "^https?://"}),
]
Duration = Annotated[
    timedelta,
    BeforeValidator(duration),
    WithJsonSchema(
        {"type": "string", "pattern": r"^(?=.)(\d{1,6}h)?(\d{1,6}m)?(\d{1,6}s)?$", "examples": ["60s", "5m"]}
    ),
]
SecretRef = Annotated[
    str, AfterValidator(secret_ref), WithJsonSchema({"type": "string", "pattern": f"^{_SECRET.pattern}$"})
]
"""The name of the environment variable that holds a secret: the secret itself never stands in the catalog."""
UserGroup = Annotated[
    str, AfterValidator(user_group), WithJsonSchema({"type": "string", "pattern": f"^{_USER_GROUP.pattern}$"})
]
