"""Figures before and after a change, and whether calls obey it."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.catalog import Catalog, Feature, Provider, Route, System
from bot.effects.figures import Figures, add_up, has_no_effect, obeys
from bot.trail.queries.answered import Answered
from bot.trail.queries.spending import Spent

SYSTEM = System(
    "support-bot",
    "maria",
    "support-bot",
    routes={"chat": Route("chat", "northwind", ("cirrus",))},
    features={"autoreply": Feature("autoreply")},
)
CATALOG = Catalog(providers={name: Provider(name) for name in ("northwind", "cirrus")}, systems={"support-bot": SYSTEM})


def calls(count: int, provider: str, *, model: str = "m", feature: str | None = None) -> Spent:
    return Spent(1, "support-bot", feature, "chat", provider, model, count, 0, 0, 0)


def test_figures_add_up() -> None:
    rows = [Answered("chat", "northwind", "m", 30, 12, 10**9), Answered("chat", "cirrus", "m", 50, 50, 10**9)]
    found = add_up(CATALOG, SYSTEM, rows, 10)
    assert (found.calls, found.failed, found.error_share) == (80, 18, 0.225)
    assert found.cost_an_hour == Decimal("12.00")
    assert list(found.providers.items()) == [("cirrus", 50), ("northwind", 30)]
    assert Figures.from_json(found.to_json()) == found
    assert Figures().cost_an_hour is None


@pytest.mark.parametrize(
    ("action", "arguments", "obeying", "other"),
    [
        ("route.set", {"route": "chat", "to": "cirrus"}, calls(9, "cirrus"), calls(9, "northwind")),
        ("model.pin", {"route": "chat", "model": "a"}, calls(9, "cirrus", model="a"), calls(9, "cirrus", model="b")),
        (
            "model.ban",
            {"provider": "cirrus", "model": "b"},
            calls(9, "cirrus", model="a"),
            calls(9, "cirrus", model="b"),
        ),
    ],
)
def test_a_change_that_most_calls_do_not_obey_has_no_effect(
    action: str, arguments: dict[str, Any], obeying: Spent, other: Spent
) -> None:
    rule = obeys(CATALOG, SYSTEM, action, arguments)
    assert rule is not None
    assert not has_no_effect([obeying, other], rule)
    assert has_no_effect([other], rule)
    assert not has_no_effect([], rule), "without calls nothing is known"


def test_a_feature_that_was_pulled_and_still_calls_was_not_pulled() -> None:
    rule = obeys(CATALOG, SYSTEM, "feature.off", {"feature": "autoreply"})
    assert rule is not None
    assert has_no_effect([calls(9, "cirrus", feature="autoreply")], rule)
    assert not has_no_effect([calls(9, "cirrus", feature="other")], rule)
    assert not has_no_effect([calls(4, "cirrus", feature="autoreply")], rule), "too few to tell"


def test_what_calls_cannot_show_is_not_judged() -> None:
    assert obeys(CATALOG, SYSTEM, "message.post", {}) is None


@given(st.lists(st.tuples(st.integers(0, 1_000), st.sampled_from(["northwind", "cirrus", None, "x"])), max_size=6))
def test_it_is_one_or_the_other_and_never_without_enough_calls(told: list[tuple[int, str]]) -> None:
    rows = [calls(count, provider) for count, provider in told]
    rule = obeys(CATALOG, SYSTEM, "route.set", {"route": "chat", "to": "cirrus"})
    assert rule is not None
    if has_no_effect(rows, rule):
        assert sum(row.calls for row in rows) >= 5
        assert sum(row.calls for row in rows if row.provider != "cirrus") > 0
