"""How long calls took, as counts in 160 buckets that are 15 % wide: adds up over any stretch, quantiles are 7 % exact.

A histogram is one whole number with a lane of 64 bits a bucket. Adding two of them is adding two numbers, so that
tens of thousands of stored ones add up in a few milliseconds without leaving Python.
"""

import math
import sys
from array import array
from collections.abc import Iterable, Mapping
from itertools import accumulate

BUCKETS = 160
"""From 1 microsecond to 85 minutes; what lies outside counts in the first or the last bucket."""
WIDTH = 1.15
_LANE_BYTES = 8
_LANE_BITS = 8 * _LANE_BYTES
_SIZE = BUCKETS * _LANE_BYTES
_LOG = math.log(WIDTH)

Histogram = int
"""Counts by bucket, in lanes; 0 is the empty one, `+` adds two of them."""
EMPTY: Histogram = 0
_ONE = tuple(1 << _LANE_BITS * bucket for bucket in range(BUCKETS))


def bucket_of(microseconds: int) -> int:
    """The bucket in which a latency counts."""
    if microseconds <= 1:
        return 0
    return min(BUCKETS - 1, int(math.log(microseconds) / _LOG))


def one(microseconds: int) -> Histogram:
    """The histogram of one latency."""
    return _ONE[bucket_of(microseconds)]


def of(counts: Mapping[int, int]) -> Histogram:
    """The histogram with these counts by bucket."""
    return sum(_ONE[bucket] * count for bucket, count in counts.items())


def subtract(whole: Histogram, part: Histogram) -> Histogram:
    """What is left without the part; never below nothing, whatever the part claims."""
    if not part:
        return whole
    pairs = zip(_lanes(whole), _lanes(part), strict=True)
    return of({bucket: left for bucket, (count, taken) in enumerate(pairs) if (left := count - taken) > 0})


def total(histogram: Histogram) -> int:
    """How many latencies it counts."""
    return sum(_lanes(histogram))


def quantile(histogram: Histogram, share: float) -> int | None:
    """The latency in microseconds below which this share lies (the middle of its bucket); None for an empty one."""
    lanes = _lanes(histogram)
    count = sum(lanes)
    if not count:
        return None
    wanted = max(1, math.ceil(share * count))
    bucket = next(number for number, below in enumerate(accumulate(lanes)) if below >= wanted)
    return round(math.pow(WIDTH, bucket + 0.5))


def pack(histogram: Histogram) -> bytes:
    """Compact bytes: the width of a count (1, 2, 4 or 8), the first bucket, then the counts, lowest byte first."""
    lanes = _lanes(histogram)
    used = [bucket for bucket, count in enumerate(lanes) if count]
    if not used:
        return b""
    first, last = used[0], used[-1]
    largest = max(lanes)
    width = next(width for width in (1, 2, 4, 8) if largest < 1 << 8 * width)
    counts = b"".join(count.to_bytes(width, "little") for count in lanes[first : last + 1])
    return bytes((width, first)) + counts


def unpack(packed: bytes | None) -> Histogram:
    """Read what `pack` wrote."""
    if not packed:
        return EMPTY
    width, first = packed[0], packed[1]
    counts = packed[2:]
    lanes = bytearray(len(counts) // width * _LANE_BYTES)
    for place in range(width):  # the n-th bytes of all counts at once
        lanes[place::_LANE_BYTES] = counts[place::width]
    return int.from_bytes(lanes, "little") << first * _LANE_BITS


def unpack_sum(packed: Iterable[bytes | None]) -> Histogram:
    """The sum of many packed histograms."""
    return sum(map(unpack, packed))


def _lanes(histogram: Histogram) -> "array[int]":
    lanes = array("Q", histogram.to_bytes(_SIZE, "little"))
    if sys.byteorder == "big":
        lanes.byteswap()
    return lanes
