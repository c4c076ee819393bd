"""Ids of calls: whole numbers ordered by time, and the short text that people see and type."""

import itertools
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EPOCH_MS = 1_577_836_800_000
"""2020-01-01T00:00:00Z in milliseconds since 1970."""
SEQUENCE_BITS = 22
DAY_MS = 86_400_000
PREFIX = "c_"
_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford: no letter that reads like a digit
_VALUES = {digit: value for value, digit in enumerate(_DIGITS)}
_LENGTH = 13


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970 UTC of an aware time, exactly."""
    return (moment - EPOCH) // timedelta(microseconds=1)


def id_floor(time_us: int) -> int:
    """The smallest id of a call that started at this time: `id >= id_floor(since)` is "started since"."""
    return max(0, time_us // 1000 - EPOCH_MS) << SEQUENCE_BITS


def started_ms(call_id: int) -> int:
    """Milliseconds since 1970 of the time in the id."""
    return (call_id >> SEQUENCE_BITS) + EPOCH_MS


def day_of(time_us: int) -> int:
    """Days since 2020 of a time."""
    return max(0, time_us // 1000 - EPOCH_MS) // DAY_MS


def day_of_id(call_id: int) -> int:
    """Days since 2020 of a call."""
    return (call_id >> SEQUENCE_BITS) // DAY_MS


def id_maker() -> Callable[[int], int]:
    """`make(start_us)` gives ids that no other call of this process has, and hardly one of another process."""
    mask = (1 << SEQUENCE_BITS) - 1
    sequence = itertools.count(secrets.randbits(SEQUENCE_BITS))

    def make(start_us: int) -> int:
        return id_floor(start_us) | (next(sequence) & mask)

    return make


def public_id(call_id: int) -> str:
    """What people see: `c_` and thirteen characters."""
    characters = []
    for _ in range(_LENGTH):
        characters.append(_DIGITS[call_id & 31])
        call_id >>= 5
    return PREFIX + "".join(reversed(characters))


def read_public_id(text: str) -> int | None:
    """The id that `public_id` wrote; None for anything else."""
    digits = text.strip().lower().removeprefix(PREFIX)
    if len(digits) != _LENGTH or not all(digit in _VALUES for digit in digits):
        return None
    value = 0
    for digit in digits:
        value = value << 5 | _VALUES[digit]
    return value if value < 1 << 63 else None
