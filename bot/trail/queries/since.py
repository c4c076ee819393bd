"""A point in time as people type it: `24h`, `7d`, `2026-11-25`, `2026-11-25T09:00Z`."""

import re
from datetime import UTC, datetime, timedelta

_AGO = re.compile(r"(\d{1,9})\s*(s|m|min|h|d|w)", re.IGNORECASE)
_UNITS = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "min": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}


class SinceError(ValueError):
    """Not a time; the message says what can be written."""


def read_since(text: str, now: datetime) -> datetime:
    """The time that is meant, aware and in UTC; without a time zone it is UTC. Raises SinceError."""
    typed = text.strip()
    ago = _AGO.fullmatch(typed)
    try:
        if ago is not None:
            return now - int(ago[1]) * _UNITS[ago[2].lower()]
        moment = datetime.fromisoformat(typed)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise SinceError(
            f"{text!r} is not a time; write how long ago (90s, 15m, 24h, 7d) or when (2026-11-25, 2026-11-25T09:00Z)"
        ) from None
