"""What a call cost, compared with the price list's own calculation."""

import random
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from genai_prices import Usage, calc_price
from genai_prices.data import providers
from hypothesis import given
from hypothesis import strategies as st

from bot.catalog.models import Catalog, Price, Provider
from bot.trail.calls import CostSource, Facts, Outcome
from bot.trail.pricing.model_names import spellings, without_date
from bot.trail.pricing.pricer import Priced, Pricer

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
TOKEN_PRICES = ("input_mtok", "output_mtok", "requests_kcount")


def call(at: datetime = NOW, **told: Any) -> Facts:
    return Facts(start_us=int(at.timestamp()) * 1_000_000, **told)


def mini(**told: Any) -> Facts:
    return call(
        **{"provider": "openai", "model_asked": "gpt-4.1-mini", "input_tokens": 1000, "output_tokens": 100} | told
    )


def dollars(priced: Priced) -> Decimal:
    assert priced.cost_nano is not None
    return Decimal(priced.cost_nano) / 10**9


def sampled() -> list[tuple[str, str]]:
    models = [
        (provider.id, model.id)
        for provider in providers
        for model in provider.models
        if any(getattr(price, key) is not None for price in _prices(model) for key in TOKEN_PRICES)
        and model.is_match(model.id)
        and next(each for each in provider.models if each.is_match(model.id)) is model
        and "/" not in model.id
    ]
    return random.Random(7).sample(models, 400)


def _prices(model: Any) -> list[Any]:
    return [each.prices for each in model.prices] if isinstance(model.prices, list) else [model.prices]


def test_costs_are_those_of_the_price_list() -> None:
    pricer = Pricer(Catalog())
    chance = random.Random(11)
    compared = 0
    for provider, model in sampled():
        for _ in range(4):
            at = NOW - timedelta(days=chance.randint(0, 500), minutes=chance.randint(0, 1440))
            size = chance.choice([10, 1000, 99_000, 199_999, 200_000, 200_001, 300_000, 900_000])
            cached, written = chance.choice([(0, 0), (size // 3, 0), (size // 4, size // 5)])
            output = chance.choice([0, 1, 77, 4096])
            usage = Usage(input_tokens=size, cache_read_tokens=cached, cache_write_tokens=written, output_tokens=output)
            expected = calc_price(usage, model, provider_id=provider, genai_request_timestamp=at).total_price
            facts = call(
                at,
                provider=provider,
                model_answered=model,
                input_tokens=size,
                cached_tokens=cached,
                cache_write_tokens=written,
                output_tokens=output,
            )
            priced = pricer.price(facts)
            assert priced.source is CostSource.PRICE_LIST, (provider, model)
            assert abs(dollars(priced) - expected) <= Decimal("1e-9"), (provider, model, at, facts)
            compared += 1
    assert compared == 1600


def test_the_price_of_the_calls_own_day_counts() -> None:
    pricer = Pricer(Catalog())
    long = {"provider": "anthropic", "model_asked": "claude-opus-4-6", "input_tokens": 300_000, "output_tokens": 1000}
    january = pricer.price(call(datetime(2026, 1, 15, tzinfo=UTC), **long))
    november = pricer.price(call(**long))
    assert dollars(january) > Decimal("1.9") * dollars(november)


def test_what_is_priced_by_the_hour_of_the_day_is() -> None:
    pricer = Pricer(Catalog())
    facts = {"provider": "deepseek", "model_asked": "deepseek-chat", "input_tokens": 10_000, "output_tokens": 1000}
    costs = set()
    for hour in range(24):
        at = datetime(2025, 4, 1, hour, 45, tzinfo=UTC)
        usage = Usage(input_tokens=10_000, output_tokens=1000)
        listed = calc_price(usage, "deepseek-chat", provider_id="deepseek", genai_request_timestamp=at).total_price
        assert dollars(pricer.price(call(at, **facts))) == listed
        costs.add(listed)
    assert len(costs) == 2


def test_a_prompt_of_one_token_more_may_cost_twice_as_much() -> None:
    pricer = Pricer(Catalog())
    pro = {"provider": "google", "model_asked": "gemini-2.5-pro", "output_tokens": 0}
    below, above = (pricer.price(call(input_tokens=size, **pro)) for size in (200_000, 200_001))
    assert dollars(above) > Decimal("1.9") * dollars(below)


def test_cached_tokens_told_beside_the_input_are_counted_once() -> None:
    pricer = Pricer(Catalog())
    inclusive = call(provider="anthropic", model_asked="claude-haiku-4-5", input_tokens=1174, cached_tokens=1056)
    exclusive = call(provider="anthropic", model_asked="claude-haiku-4-5", input_tokens=118, cached_tokens=1056)
    assert pricer.price(inclusive) == pricer.price(exclusive)


def test_what_is_written_into_the_cache_for_an_hour_costs_more() -> None:
    pricer = Pricer(Catalog())
    told = {
        "provider": "anthropic",
        "model_asked": "claude-haiku-4-5",
        "input_tokens": 3000,
        "cache_write_tokens": 2000,
    }
    minutes = pricer.price(call(**told))
    hour = pricer.price(call(**told, extra={"cache_write_1h_tokens": 2000}))
    assert dollars(hour) - dollars(minutes) == 2000 * (Decimal(2) - Decimal("1.25")) / 10**6


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("openai", "gpt-4.1-mini"),
        ("openai", "gpt-4.1-mini-2025-04-14"),
        ("openai", "openai/gpt-4.1-mini"),
        ("azure.ai.openai", "gpt-4.1-mini-2025-04-14"),
        (None, "azure/gpt-4.1-mini"),
        ("litellm", "openai/gpt-4.1-mini-2025-04-14"),
        ("a-gateway-of-ours", "gpt-4.1-mini"),
        ("OpenAI", "GPT-4.1-mini"),
    ],
)
def test_a_model_is_known_by_its_many_names(provider: str | None, model: str) -> None:
    priced = Pricer(Catalog()).price(mini(provider=provider, model_asked=model))
    assert dollars(priced) == Decimal("0.00056")


@pytest.mark.parametrize(
    ("provider", "model", "expected"),
    [
        ("aws.bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "0.0033"),
        ("aws.bedrock", "anthropic.claude-sonnet-4-20250514-v1:0", "0.003"),
        (
            "aws.bedrock",
            "arn:aws:bedrock:eu-west-1:1:inference-profile/eu.anthropic.claude-sonnet-4-20250514-v1:0",
            "0.003",
        ),
        (None, "bedrock/anthropic.claude-sonnet-4-20250514-v1:0", "0.003"),
        ("gcp.vertex_ai", "claude-sonnet-4@20250514", "0.003"),
        ("google", "models/gemini-2.5-flash", "0.0003"),
        ("gcp.vertex_ai", "projects/p/locations/eu/publishers/google/models/gemini-2.5-flash", "0.0003"),
        ("openai", "ft:gpt-3.5-turbo-0613:acme::a1b2", "0.003"),
        (None, "ft:gpt-4o-mini-2024-07-18:acme::a1b2", "0.0003"),
        ("openai", "text-embedding-3-small", "0.00002"),
    ],
)
def test_regional_and_prefixed_names_are_priced(provider: str | None, model: str, expected: str) -> None:
    priced = Pricer(Catalog()).price(call(provider=provider, model_asked=model, input_tokens=1000))
    assert dollars(priced) == Decimal(expected)


def test_the_answered_model_counts_and_a_router_alias_does_not_harm() -> None:
    pricer = Pricer(Catalog())
    expected = pricer.price(mini())
    assert pricer.price(mini(model_asked="primary", model_answered="gpt-4.1-mini-2025-04-14")) == expected
    assert pricer.price(mini(model_asked="gpt-4.1-mini", model_answered="primary")) == expected


def test_an_unknown_model_is_unpriced_never_free() -> None:
    unknown = Pricer(Catalog()).price(mini(model_asked="our-own-model"))
    assert unknown == (None, None, None)
    assert Pricer(Catalog()).price(mini(model_asked=None)) == (None, None, None)
    assert Pricer(Catalog()).price(mini(model_asked="our-own-model", emitter_cost_nano=0)) == (None, None, None)


def test_the_emitters_figure_serves_where_no_list_knows_the_model_and_only_there() -> None:
    pricer = Pricer(Catalog())
    assert pricer.price(mini(model_asked="our-own-model", emitter_cost_nano=77)) == (77, CostSource.EMITTER, None)
    assert pricer.price(mini(emitter_cost_nano=77)).source is CostSource.PRICE_LIST


@pytest.mark.parametrize(
    "used", [{"input_tokens": None, "output_tokens": None}, {"input_tokens": 0, "output_tokens": 0}]
)
def test_a_failed_call_that_tells_no_usage_is_unpriced(used: dict[str, Any]) -> None:
    assert Pricer(Catalog()).price(mini(outcome=Outcome.ERROR, **used)) == (None, None, None)


def test_a_hidden_split_makes_the_cost_an_upper_bound() -> None:
    pricer = Pricer(Catalog())
    hidden = pricer.price(mini(cached_split_told=False))
    assert hidden == (560_000, CostSource.PRICE_LIST_UPPER_BOUND, hidden.version)
    assert pricer.price(mini(cached_split_told=False, cached_tokens=64)).source is CostSource.PRICE_LIST
    never_cheaper = mini(cached_split_told=False, model_asked="text-embedding-3-small")
    assert pricer.price(never_cheaper).source is CostSource.PRICE_LIST


def test_an_emitter_that_hides_the_split_may_have_seen_it() -> None:
    pricer = Pricer(Catalog())
    possible = pricer.price(mini(cached_split_told=False, emitter_cost_nano=300_000))
    assert possible == (300_000, CostSource.EMITTER, None)
    for impossible in (100_000, 560_001):
        told = pricer.price(mini(cached_split_told=False, emitter_cost_nano=impossible))
        assert told.source is CostSource.PRICE_LIST_UPPER_BOUND


CONTRACT = Catalog(
    providers={
        "openai": Provider("openai", prices={"gpt-4.1-mini": Price(Decimal("0.30"), Decimal("1.20"), Decimal("0.05"))}),
        "bedrock": Provider("bedrock", prices={"claude-sonnet-4-20250514": Price(Decimal(2), Decimal(10))}),
        "ours": Provider("ours", prices={"house-model": Price(Decimal("0.0125"), Decimal(0))}),
    }
)


@pytest.mark.parametrize("model", ["gpt-4.1-mini", "gpt-4.1-mini-2025-04-14", "openai/gpt-4.1-mini", "GPT-4.1-Mini"])
def test_a_contract_wins_over_the_list_with_or_without_the_date(model: str) -> None:
    pricer = Pricer(CONTRACT)
    priced = pricer.price(mini(model_asked=model, cached_tokens=200))
    assert priced.source is CostSource.CONTRACT
    assert dollars(priced) == (800 * Decimal("0.30") + 200 * Decimal("0.05") + 100 * Decimal("1.20")) / 10**6
    assert priced.version is not None
    assert priced.version.startswith("catalog ")


def test_a_contract_goes_by_the_provider_whatever_the_emitter_calls_it() -> None:
    pricer = Pricer(CONTRACT)
    sonnet = {"model_asked": "us.anthropic.claude-sonnet-4-20250514-v1:0", "input_tokens": 1000}
    assert dollars(pricer.price(call(provider="aws.bedrock", **sonnet))) == Decimal("0.002")
    assert (
        pricer.price(call(provider="aws.bedrock", **sonnet | {"model_asked": "claude-sonnet-4"})).cost_nano == 2_000_000
    )
    assert pricer.price(call(provider="anthropic", **sonnet)).source is CostSource.PRICE_LIST
    assert pricer.price(call(provider=None, model_asked="house-model", input_tokens=1000)).cost_nano == 12_500
    assert pricer.price(call(provider="ours", model_asked="other-model", input_tokens=1000)).cost_nano is None
    assert pricer.price(mini(provider="openai", cached_split_told=False)).source is CostSource.CONTRACT_UPPER_BOUND


def test_costs_are_rounded_half_even_to_billionths() -> None:
    contract = Catalog(providers={"p": Provider("p", prices={"m": Price(Decimal("0.0005"), Decimal(0))})})
    pricer = Pricer(contract)
    costs = [pricer.price(call(provider="p", model_asked="m", input_tokens=count)).cost_nano for count in range(1, 8)]
    assert costs == [0, 1, 2, 2, 2, 3, 4]


@given(
    st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6)
)
def test_no_usage_is_too_odd_and_no_cost_is_negative(
    told: int, cached: int, written: int, output: int, reasoning: int
) -> None:
    facts = mini(
        input_tokens=told,
        cached_tokens=cached,
        cache_write_tokens=written,
        output_tokens=output,
        reasoning_tokens=reasoning,
    )
    cost = PRICER.price(facts).cost_nano
    assert cost is None or cost >= 0
    assert (cost is None) == (not (told or cached or written or output))


PRICER = Pricer(Catalog())


def test_made_up_names_do_not_pile_up_in_memory() -> None:
    pricer = Pricer(Catalog())
    for number in range(50):
        assert pricer.price(mini(model_asked=f"made-up-{number}", provider=f"nobody-{number}")).cost_nano is None
    assert len(pricer._tariffs) == 50


@given(st.text(max_size=30))
def test_every_name_has_at_least_one_spelling(model: str) -> None:
    assert next(iter(spellings(model))) == (None, model.strip().casefold())
    without_date(model)


def test_the_price_list_is_not_loaded_before_a_call_needs_it() -> None:
    code = (
        "import sys; from bot.trail.pricing.pricer import Pricer; from bot.trail.calls import Facts;"
        "from bot.catalog import Catalog; Pricer(Catalog()).price(Facts(model_asked='x'));"
        "assert 'genai_prices' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
