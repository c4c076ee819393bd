"""What the calls watch says of what it saw. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.detect.calls import PROVIDER_ERRORS, Counts, Rule
from bot.watches.routed import Line


def title(line: Line, counts: Counts, rule: Rule, window: timedelta) -> str:
    """For example `34 % of calls on route chat fail (openai: overloaded 61, timeout 12 of 214 in 5 min)`."""
    who, minutes = line.provider or "provider unknown", _minutes(window)
    if counts.share >= rule.share:
        return (
            f"{_percent(counts)} of calls{_where(line)} fail ({who}: {_classes(counts)} of {counts.calls} in {minutes})"
        )
    return f"calls{_where(line)} are slow ({who}: {_slow(counts)}, {counts.calls} calls in {minutes})"


def known(line: Line, counts: Counts, rule: Rule, window: timedelta, samples: Sequence[str] = ()) -> str:
    """The sentence for people who are paged; `samples` are ids of calls."""
    who = f" to {line.provider}" if line.provider else ""
    parts = [
        f"{counts.failed} of {counts.calls} calls{who}{_where(line)} failed in {_last(window)}"
        + (f": {_classes(counts)}" if counts.failed else "")
    ]
    if rule.p95 is not None and rule.is_slow(counts):
        parts.append(f"{_slow(counts)}; the limit is {_seconds(rule.p95)}")
    if counts.malformed:
        answers = "1 more answer was" if counts.malformed == 1 else f"{counts.malformed} more answers were"
        parts.append(f"{answers} not in the form that was asked for")
    if samples:
        parts.append(f"See {', '.join(samples)}")
    return ". ".join(parts)


def recovered(line: Line, counts: Counts, window: timedelta) -> str:
    """What is known when the calls are good again."""
    who = f" to {line.provider}" if line.provider else ""
    return f"{counts.failed} of {counts.calls} calls{who}{_where(line)} failed in {_last(window)}"


def main_class(counts: Counts) -> str | None:
    """The error of the provider that is seen most often."""
    found = _errors(counts)
    return found[0][0] if found else None


def silent_title(last: datetime, now: datetime, timezone: str) -> str:
    return f"no calls arrive since {_clock(last, now, timezone)}"


def silent_known(system: str, last: datetime, now: datetime, timezone: str) -> str:
    return (
        f"{system} usually sends calls at this time; the last one arrived at {_clock(last, now, timezone)}. Either it "
        "makes no calls any more, or they are not reported: look whether it is up, at its last deploy, and at its "
        "exporter's endpoint and token"
    )


def arriving(system: str) -> str:
    return f"calls of {system} arrive again"


def _where(line: Line) -> str:
    names = line.route.split("+") if line.route else []
    if not names:
        return ""
    return f" on route {names[0]}" if len(names) == 1 else f" on routes {', '.join(names[:-1])} and {names[-1]}"


def _errors(counts: Counts) -> list[tuple[str, int]]:
    found = [(each.value, count) for each, count in counts.by_class.items() if each in PROVIDER_ERRORS and count]
    return sorted(found, key=lambda each: (-each[1], each[0]))


def _classes(counts: Counts) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in _errors(counts))


def _percent(counts: Counts) -> str:
    return f"{round(100 * counts.share)} %"


def _slow(counts: Counts) -> str:
    return f"one in twenty takes longer than {_seconds(counts.p95)}" if counts.p95 is not None else "times unknown"


def _seconds(length: timedelta) -> str:
    seconds = length.total_seconds()
    return f"{seconds:.1f} s" if seconds < 10 else f"{round(seconds)} s"


def _minutes(window: timedelta) -> str:
    return f"{max(1, round(window / timedelta(minutes=1)))} min"


def _last(window: timedelta) -> str:
    length = _minutes(window)
    return "the last minute" if length == "1 min" else f"the last {length}"


def _clock(at: datetime, now: datetime, timezone: str) -> str:
    """The time where its reader is; with the date when that is another day."""
    try:
        zone = ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError):
        zone = ZoneInfo("UTC")
    there, here = at.astimezone(zone), now.astimezone(zone)
    day = "" if there.date() == here.date() else f"{there:%Y-%m-%d} "
    return f"{day}{there:%H:%M} {there:%Z}"
