"""Flapping: what comes and goes too often to tell each time. Pure.

    state    | returns often enough | returns  | stays clear for long enough
    steady   | flapping             | steady   | resolved
    flapping | flapping             | flapping | resolved

Steady, each return is told. Flapping, only the root message changes; nobody is paged anew for a return, and it takes
longer to be over. An incident that is reopened afterwards begins steady.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

RETURNS = 3
"""So many returns within the window are flapping."""
WINDOW = timedelta(minutes=10)
CALM = timedelta(minutes=5)
"""So long something that flaps has to stay clear before it is over."""
SETTLES = timedelta(seconds=60)
"""What resolved without any hold is told as over after so long: if it is back by then, nobody was told twice."""
GLIMPSE = timedelta(seconds=10)
"""A recovery is told after so long at most."""


def flaps(returns: Sequence[datetime], now: datetime) -> bool:
    """Whether it came back too often; `returns` are the times at which it did, the present one among them."""
    return len(lately(returns, now)) >= RETURNS


def lately(returns: Sequence[datetime], now: datetime) -> Sequence[datetime]:
    """The returns that count now: those within the window, which ends now."""
    return [at for at in returns if now - WINDOW < at <= now]


def hold(wanted: timedelta, *, flapping: bool) -> timedelta:
    """How long a recovery has to last until it is over."""
    return max(wanted, CALM) if flapping else wanted


def told_after(wanted: timedelta) -> timedelta:
    """How long a recovery with this hold waits before it is told, so that one which does not last is not."""
    return min(wanted / 2, GLIMPSE)


def summary_after(wanted: timedelta) -> timedelta:
    """How long the summary waits after a resolution: a hold was waiting enough."""
    return timedelta() if wanted else SETTLES
