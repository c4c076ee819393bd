"""What the doctor looks at in the past: how quickly pages reached people lately, and how quickly they answered."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime, timedelta

from sqlalchemy.exc import SQLAlchemyError

from bot.doctor.check import Check, Status
from bot.paging.measures import quantile, recent
from bot.settings import Settings
from bot.store.database import Database, DatabaseError

ANSWER_WITHIN = 10.0
LATELY = timedelta(days=30)
SLOW = 60.0
"""Seconds to the first confirmed page of 95 % of incidents; more means that something is in the way."""
_SHARES = (0.5, 0.95, 0.99)


async def checks(settings: Settings, now: datetime) -> AsyncIterator[Check]:
    """Nothing where the database cannot be read or has no tables yet, which is a check of its own."""
    try:
        database = Database(settings.database_url)
    except DatabaseError:
        return
    try:
        async with asyncio.timeout(ANSWER_WITHIN), database.reading() as session:
            reached, answered = await recent(session, since=now - LATELY)
    except (SQLAlchemyError, OSError, TimeoutError):
        return
    finally:
        await database.close()
    for check in judge(reached, answered):
        yield check


def judge(reached: Sequence[float], answered: Sequence[float]) -> Iterator[Check]:
    """Pure; seconds in order."""
    if not reached:
        yield Check("time to page", Status.OK, f"nobody was paged in the last {LATELY.days} days")
        return
    told = _told(reached)
    if quantile(reached, 0.95) > SLOW:
        fix = "look in the incidents' timelines for what failed or waited; give people a second way to be reached"
        yield Check("time to page", Status.WARN, told, fix)
    else:
        yield Check("time to page", Status.OK, told)
    if answered:
        yield Check("time to acknowledge", Status.OK, _told(answered))


def _told(ordered: Sequence[float]) -> str:
    shown = ", ".join(f"p{share * 100:.0f} {_span(quantile(ordered, share))}" for share in _SHARES)
    return f"{shown} ({len(ordered)} incident{'' if len(ordered) == 1 else 's'} of {LATELY.days} days)"


def _span(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"
