"""Durations and times in words."""

from datetime import UTC, datetime, timedelta


def span(length: timedelta) -> str:
    """A duration as people say it: `40 s`, `12 min`, `3 h 05 min`, `2 d 4 h`."""
    seconds = max(0, round(length.total_seconds()))
    if seconds < 60:
        return f"{seconds} s"
    minutes = seconds // 60
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes:02} min"
    return f"{hours // 24} d {hours % 24} h"


def clock(at: datetime, now: datetime) -> str:
    """A time for a text that is the same for everybody, in UTC; with the date where it is not today's."""
    at = at.astimezone(UTC)
    return f"{at:%H:%M} UTC" if at.date() == now.astimezone(UTC).date() else f"{at:%Y-%m-%d %H:%M} UTC"
