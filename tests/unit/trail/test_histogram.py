"""Latencies as counts in buckets."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from bot.trail.storing import histogram

latencies = st.lists(st.integers(0, 10_000_000_000), max_size=60)


def made(values: list[int]) -> int:
    return sum(map(histogram.one, values))


@given(latencies)
def test_what_is_packed_reads_as_it_was(values: list[int]) -> None:
    whole = made(values)
    assert histogram.unpack(histogram.pack(whole)) == whole
    assert histogram.total(whole) == len(values)


@given(st.dictionaries(st.integers(0, histogram.BUCKETS - 1), st.integers(1, 2**40), max_size=20))
def test_large_counts_are_packed_too(counts: dict[int, int]) -> None:
    whole = histogram.of(counts)
    assert histogram.unpack(histogram.pack(whole)) == whole
    assert histogram.total(whole) == sum(counts.values())


@given(latencies, latencies)
def test_adding_is_counting_both(one: list[int], other: list[int]) -> None:
    assert made(one) + made(other) == made(one + other)
    packed = [histogram.pack(made(one)), None, histogram.pack(made(other))]
    assert histogram.unpack_sum(packed) == made(one + other)


@given(latencies, latencies)
def test_what_was_added_can_be_taken_away(kept: list[int], gone: list[int]) -> None:
    assert histogram.subtract(made(kept + gone), made(gone)) == made(kept)


@given(latencies, latencies)
def test_no_count_falls_below_nothing(whole: list[int], too_much: list[int]) -> None:
    left = Counter(map(histogram.bucket_of, whole)) - Counter(map(histogram.bucket_of, too_much))
    assert histogram.subtract(made(whole), made(too_much)) == histogram.of(left)


@given(st.lists(st.integers(1, 4_000_000_000), min_size=1, max_size=80), st.floats(0.01, 1))
def test_a_quantile_is_right_by_half_a_bucket(values: list[int], share: float) -> None:
    found = histogram.quantile(made(values), share)
    rank = max(1, -(-share * len(values) // 1))
    exact = sorted(values)[int(rank) - 1]
    assert found is not None
    assert abs(found - exact) <= max(1, 0.08 * exact)


def test_nothing_has_no_quantile() -> None:
    assert histogram.quantile(histogram.EMPTY, 0.5) is None
    assert histogram.pack(histogram.EMPTY) == b""
    assert histogram.unpack(None) == histogram.EMPTY
