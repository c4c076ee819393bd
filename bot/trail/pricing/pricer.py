"""What a call cost: by the contract prices of the catalog, else by the public price list of its own day.

The list is genai-prices, as installed: nothing is fetched. Its own calculation takes a hundred times as long as a call
may, so that rates are worked out once for each provider, model and day; tests compare the two.
"""

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from importlib.metadata import version
from typing import Any, NamedTuple

from bot.catalog.models import Catalog, Price
from bot.trail.calls import CostSource, Facts
from bot.trail.identity import EPOCH
from bot.trail.pricing.model_names import spellings, without_date
from bot.trail.pricing.rates import Rates, Usage, of_contract, of_list

_DAY_US = 86_400_000_000
_MOST_REMEMBERED = 20_000
"""Model names come from outside; this many are more than anybody calls."""
_TIER_KEYS = (
    "service_tier",
    "openai.response.service_tier",
    "gen_ai.openai.response.service_tier",
    "anthropic.response.service_tier",
)
_HOUR_WRITES = ("cache_write_1h_tokens", "ephemeral_1h_input_tokens", "gen_ai.usage.cache_creation.1h.input_tokens")


class Priced(NamedTuple):
    """What a call cost in billionths of a dollar, who says so, and by which list; all None for an unpriced call."""

    cost_nano: int | None
    source: CostSource | None
    version: str | None


_UNPRICED = Priced(None, None, None)
_UPPER = {
    CostSource.CONTRACT: CostSource.CONTRACT_UPPER_BOUND,
    CostSource.PRICE_LIST: CostSource.PRICE_LIST_UPPER_BOUND,
}


class _Tariff(NamedTuple):
    """The rates of one model on one day; several where they depend on the time of day, the last that holds counts."""

    rates: Rates | None
    by_time: tuple[tuple[Any, Rates], ...]
    source: CostSource
    version: str

    def at(self, start_us: int) -> Rates | None:
        time = EPOCH + timedelta(microseconds=start_us)
        return next(
            (rates for holds, rates in reversed(self.by_time) if holds is None or holds.active(time)), self.rates
        )


class Pricer:
    """Prices calls by the catalog it was made with; make another one when the catalog changes.

    The price list is loaded with the first call that needs it (200 ms, 31 MB).
    """

    def __init__(self, catalog: Catalog) -> None:
        self._contracts = {
            name.casefold(): provider.prices for name, provider in catalog.providers.items() if provider.prices
        }
        self._tariffs: dict[tuple[str | None, str | None, str | None, int, str | None], _Tariff | None] = {}

    def price(self, facts: Facts) -> Priced:
        """The cost of a call. None where its model is on no list, or where nothing tells how much it used."""
        used = usage_of(facts)
        if used is None:
            return _by_emitter(facts)
        tier = _tier(facts.extra) if facts.extra else None
        key = (facts.provider, facts.model_answered, facts.model_asked, facts.start_us // _DAY_US, tier)
        try:
            tariff = self._tariffs[key]
        except KeyError:
            tariff = self._remembered(key)
        if tariff is None:
            return _by_emitter(facts)
        rates = tariff.at(facts.start_us) if tariff.by_time else tariff.rates
        if rates is None:
            return _by_emitter(facts)
        band = rates.band(used.input)
        nano = band.nano(used)
        if facts.cached_split_told or facts.cached_tokens or not band.cached_is_cheaper or not used.input:
            return Priced(nano, tariff.source, tariff.version)
        told = facts.emitter_cost_nano
        # The emitter hides the split, but may have seen it: its own figure is believed if it is a possible one.
        if told and band.nano(used._replace(cached=used.input)) <= told < nano:
            return Priced(told, CostSource.EMITTER, None)
        return Priced(nano, _UPPER[tariff.source], tariff.version)  # at most this

    def _remembered(self, key: tuple[str | None, str | None, str | None, int, str | None]) -> _Tariff | None:
        if len(self._tariffs) >= _MOST_REMEMBERED:
            self._tariffs.clear()
        provider, answered, asked, day, tier = key
        models = tuple(name for name in (answered, asked) if name)
        tariff = self._contract(provider, models) or _listed(provider, models, day, tier)
        self._tariffs[key] = tariff
        return tariff

    def _contract(self, provider: str | None, models: tuple[str, ...]) -> _Tariff | None:
        if not self._contracts:
            return None
        names = list(dict.fromkeys(name for model in models for _, name in spellings(model)))
        for prices in self._of_provider(provider):
            price = next((prices[name] for name in names if name in prices), None)
            if price is None:
                undated = {without_date(name): each for name, each in prices.items()}
                price = next((undated[each] for name in names if (each := without_date(name)) in undated), None)
            if price is not None:
                return _Tariff(of_contract(price), (), CostSource.CONTRACT, _contract_version(price))
        return None

    def _of_provider(self, provider: str | None) -> Iterator[dict[str, Price]]:
        """The contract with this provider, under its own name in the catalog or under another name for it.

        Of a call that names no provider, any contract may tell.
        """
        folded = {
            name: {model.casefold(): price for model, price in prices.items()}
            for name, prices in self._contracts.items()
        }
        if provider is None:
            yield from folded.values()
            return
        own = provider.casefold()
        if own in folded:
            yield folded[own]
            return
        known = _list_provider(own)
        yield from (prices for name, prices in folded.items() if known is not None and _list_provider(name) is known)


def usage_of(facts: Facts) -> Usage | None:
    """What the call used, cached input included in the input; None where nothing is told (zeros alone tell nothing)."""
    told, output = facts.input_tokens or 0, facts.output_tokens or 0
    cached, written, reasoning = facts.cached_tokens or 0, facts.cache_write_tokens or 0, facts.reasoning_tokens or 0
    if not (told or output or cached or written):
        return None
    if cached + written > told:  # an emitter that leaves the cached tokens out
        told += cached + written
    if reasoning > output:  # one that leaves the reasoning out
        output += reasoning
    hour = _told(facts.extra, _HOUR_WRITES) if written and facts.extra else None
    long = min(hour, written) if isinstance(hour, int) and hour > 0 else 0
    return Usage(told, cached, written, long, output, reasoning)


def _by_emitter(facts: Facts) -> Priced:
    """The emitter's own figure; it says 0 where it knows no price, so that 0 tells nothing."""
    if not facts.emitter_cost_nano or facts.emitter_cost_nano < 0:
        return _UNPRICED
    return Priced(facts.emitter_cost_nano, CostSource.EMITTER, None)


def _tier(extra: dict[str, Any]) -> str | None:
    """The service tier that answered, where it has prices of its own."""
    tier = _told(extra, _TIER_KEYS)
    return tier if isinstance(tier, str) and tier not in ("default", "standard", "auto") else None


def _told(extra: dict[str, Any], keys: tuple[str, ...]) -> Any:
    return next((extra[key] for key in keys if key in extra), None)


def _contract_version(price: Price) -> str:
    """Tells one contract from the next: prices that changed have another version."""
    digest = hashlib.blake2b(repr(price).encode(), digest_size=4).hexdigest()
    return f"catalog {digest}"


# --- the price list ----------------------------------------------------------------------------------------------


def _listed(provider: str | None, models: tuple[str, ...], day: int, tier: str | None) -> _Tariff | None:
    model = _find(provider, models)
    if model is None:
        return None
    context = {"service_tier": tier} if tier else None
    start = EPOCH + timedelta(days=day)
    name = f"genai-prices {version('genai-prices')}"
    if isinstance(model.prices, list) and any(_depends_on_time(each.constraint) for each in model.prices):
        by_time = tuple(
            (each.constraint, rates) for each in model.prices if (rates := of_list(each.prices)) is not None
        )
        return _Tariff(of_list(model.prices[0].prices), by_time, CostSource.PRICE_LIST, name)
    rates = of_list(model.get_prices(start, context))
    return None if rates is None else _Tariff(rates, (), CostSource.PRICE_LIST, name)


def _depends_on_time(constraint: Any) -> bool:
    return hasattr(constraint, "start_time")


def _find(provider: str | None, models: tuple[str, ...]) -> Any:
    """The first that the list knows: by the provider named, by the one that a prefix names, by the model alone.

    The library's own look-up remembers every name it was ever asked for, and names come from outside.
    """
    from genai_prices.data import providers

    own = _list_provider(provider) if provider else None
    tries = [(named, name) for model in models for named, name in spellings(model)]
    at_own = [(own, name) for _, name in tries] if own is not None else []
    at_told = [(told, name) for named, name in tries if named and (told := _list_provider(named)) is not None]
    alone = [(maker, name) for _, name in tries if (maker := _maker(name)) is not None]
    for at, name in (*at_own, *at_told, *alone):
        if (found := at.find_model(name, all_providers=providers)) is not None:
            return found
    return None


def _maker(model: str) -> Any:
    """The provider that models of this name come from."""
    from genai_prices.data import providers

    return next((each for each in providers if each.model_match is not None and each.model_match.is_match(model)), None)


_ALIASES = {
    "x_ai": "x-ai",
    "fireworks_ai": "fireworks",
    "azure_ai": "azure",
    "azure.ai.inference": "azure",
    "vertex_ai-anthropic_models": "google",
    "cohere_chat": "cohere",
    "moonshot": "moonshotai",
    "zai_org": "zai",
}


def _list_provider(name: str) -> Any:
    """The provider of the list that goes by this name."""
    from genai_prices.data import providers
    from genai_prices.data_snapshot import find_provider_by_id

    folded = name.casefold()
    return find_provider_by_id(providers, _ALIASES.get(folded, folded))
