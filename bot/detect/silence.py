"""Whether calls would be expected now from a system that sends none. Pure.

A system is expected to send calls when it did so at the same time a week ago; where its trail does not reach back so
far, a day ago; and where it is younger than that, when it did so in the hour before. "Did so" means: in the hour of
now, in the hour in which the silence began, and in at least six of the 24 hours around (or before) it. So an office's
evening, its weekend from the second week on, and a system that is called once a day are no silence.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

MINIMUM_HOURS = 6
"""Hours of a day with calls that make a system one that usually sends calls."""
DAY = 24
REACH = 8 * DAY
"""Hours of the past that are looked at."""


def hour_of(at: datetime) -> int:
    """Hours since 1970."""
    return int(at.timestamp() // 3600)


def expects_calls(hours: Collection[int], now: datetime, silence: timedelta) -> bool:
    """Whether calls should have come in the `silence` before now; `hours` (since 1970) are those that had calls."""
    if not hours:
        return False
    this, began = hour_of(now), hour_of(now - silence)
    oldest = min(hours)
    for back in (7 * DAY, DAY):
        if oldest <= this - back - DAY:
            return {this - back, began - back} <= set(hours) and _is_usual(hours, this - back + DAY // 2)
    return this - 1 in hours and _is_usual(hours, this)


def _is_usual(hours: Collection[int], last: int) -> bool:
    """Whether enough of the 24 hours up to the last one had calls."""
    return sum(last - DAY < hour <= last for hour in set(hours)) >= MINIMUM_HOURS
