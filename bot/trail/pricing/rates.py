"""Rates of a model as whole numbers, so that a cost takes a handful of multiplications and adds up exactly."""

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from bot.catalog.models import Price

_SCALE = 10**12
"""Rates are in 10^-12 of a billionth of a dollar: prices of a million tokens have fewer digits."""
_NANO_PER_TOKEN = 1_000
"""A dollar for a million tokens is a thousand billionths a token."""
_NANO_PER_REQUEST = 1_000_000
"""A dollar for a thousand requests."""


class Usage(NamedTuple):
    """Tokens of a call. `cached` and `written` are parts of `input`, `long` of `written`, `reasoning` of `output`."""

    input: int
    cached: int
    written: int
    long: int
    """Written for an hour, which costs more than for five minutes at some providers."""
    output: int
    reasoning: int


class Band(NamedTuple):
    """What one token costs (and one request), for calls whose input is within one band of sizes."""

    input: int
    cached: int
    written: int
    long: int
    output: int
    reasoning: int
    request: int

    @property
    def cached_is_cheaper(self) -> bool:
        return self.cached < self.input

    def nano(self, used: Usage) -> int:
        """The cost in billionths of a dollar, rounded half even."""
        told, cached, written, long, output, reasoning = used
        scaled = self.input * (told - cached - written) + self.output * (output - reasoning) + self.request
        if cached or written or reasoning:
            scaled += self.cached * cached + self.reasoning * reasoning
            scaled += self.written * (written - long) + self.long * long
        whole, rest = divmod(scaled, _SCALE)
        twice = 2 * rest
        return whole + (twice > _SCALE or (twice == _SCALE and whole & 1))


@dataclass(frozen=True, slots=True)
class Rates:
    """Bands by size of the input: `bands[i]` holds for more than `starts[i - 1]` tokens. All tokens pay their band."""

    starts: tuple[int, ...]
    bands: tuple[Band, ...]

    def band(self, input_tokens: int) -> Band:
        return self.bands[bisect_left(self.starts, input_tokens)] if self.starts else self.bands[0]


def of_contract(price: Price) -> Rates:
    """A contract names no bands; what it does not price costs what ordinary input costs."""
    cached = price.input if price.cached_input is None else price.cached_input
    written = price.input if price.cache_write is None else price.cache_write
    return Rates((), (_band(price.input, cached, written, written, price.output, price.output, None),))


def of_list(prices: Any) -> Rates | None:
    """The rates in a `genai_prices.types.ModelPrice`; None where it does not price tokens or requests.

    Each token pays the most specific price there is: cached input the price of input where it has none of its own.
    """
    told = prices.__dict__
    if all(told.get(key) is None for key in ("input_mtok", "output_mtok", "requests_kcount")):
        return None
    starts = sorted({tier.start for price in told.values() for tier in getattr(price, "tiers", ())})
    return Rates(tuple(starts), tuple(_listed_band(told, size) for size in _sizes(starts)))


def _sizes(starts: list[int]) -> Iterable[int]:
    """One size of input within each band."""
    return (0, *(start + 1 for start in starts))


def _listed_band(told: dict[str, Any], size: int) -> Band:
    def price(key: str) -> Decimal | None:
        found = told.get(key)
        if found is None or isinstance(found, Decimal):
            return found
        base: Decimal = found.base
        return next((tier.price for tier in reversed(found.tiers) if size > tier.start), base)

    ordinary, answer = price("input_mtok") or Decimal(0), price("output_mtok") or Decimal(0)
    written = _first(price("cache_write_mtok"), ordinary)
    return _band(
        ordinary,
        _first(price("cache_read_mtok"), ordinary),
        _first(price("cache_write_5m_mtok"), written),
        _first(price("cache_write_1h_mtok"), written),
        answer,
        _first(price("output_reasoning_mtok"), answer),
        price("requests_kcount"),
    )


def _first(price: Decimal | None, otherwise: Decimal) -> Decimal:
    return otherwise if price is None else price


def _band(
    ordinary: Decimal,
    cached: Decimal,
    written: Decimal,
    long: Decimal,
    answer: Decimal,
    reasoning: Decimal,
    request: Decimal | None,
) -> Band:
    tokens = (int(each * _NANO_PER_TOKEN * _SCALE) for each in (ordinary, cached, written, long, answer, reasoning))
    return Band._make((*tokens, int((request or Decimal(0)) * _NANO_PER_REQUEST * _SCALE)))
