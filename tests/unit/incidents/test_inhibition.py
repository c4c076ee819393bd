"""The table of inhibition: what it says of kinds, and how mistakes in it are told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.incidents import inhibition
from bot.incidents.inhibition import Explaining, InhibitionError

TABLE = inhibition.read("""
rules:
  - {by: [provider_status], inhibits: [canary_*, calls_slow], same: provider}
  - {by: [spend_*], inhibits: [eval_worse], same: system}
""")
OUTAGE = Explaining(1, "northwind", frozenset({"provider_status"}))
SPEND = Explaining(2, None, frozenset({"spend_high", "alert"}))


@pytest.mark.parametrize(
    ("kind", "provider", "explained"),
    [
        ("canary_failing", "northwind", 1),
        ("calls_slow", "northwind", 1),
        ("calls_slower", "northwind", None),
        ("canary_failing", "cirrus", None),
        ("canary_failing", None, None),
        ("eval_worse", None, 2),
        ("eval_worse", "cirrus", 2),
        ("provider_status", "northwind", None),
    ],
)
def test_an_incident_explains_kinds_of_the_same_provider_or_system(
    kind: str, provider: str | None, explained: int | None
) -> None:
    found = inhibition.explained_by(TABLE, kind, provider, [OUTAGE, SPEND])
    assert (found.incident if found is not None else None) == explained


def test_errors_of_a_system_s_own_calls_join_instead_of_being_held_back() -> None:
    for kind in ("provider_status", "calls_failing", "calls_silent", "alert"):
        assert inhibition.of_kind(inhibition.rules(), kind) == []


def test_a_provider_s_outage_explains_its_latency_evals_and_canaries() -> None:
    for kind in ("calls_slow", "latency_high", "eval_regression", "canary_failing"):
        assert inhibition.explained_by(inhibition.rules(), kind, "northwind", [OUTAGE]) == OUTAGE
        assert inhibition.explained_by(inhibition.rules(), kind, "cirrus", [OUTAGE]) is None


@given(st.from_regex(r"[a-z][a-z0-9_]{0,20}", fullmatch=True))
def test_nothing_explains_itself(kind: str) -> None:
    own = Explaining(1, "northwind", frozenset({kind}))
    rules = inhibition.rules()
    assert inhibition.explained_by(rules, kind, "northwind", [own]) is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("rules: [{by: [], inhibits: [a], same: provider}]", r"rules\.0\.by"),
        ("rules: [{by: [a], inhibits: [b], same: model}]", r"rules\.0\.same"),
        ("rules: [{by: [a], inhibits: ['b c'], same: system}]", r"rules\.0\.inhibits\.0"),
        ("rules: [{by: [a], inhibit: [b], same: system}]", r"rules\.0\.inhibit: Extra"),
        ("rules: [", "is not YAML"),
        ("[]", "valid dictionary"),
    ],
)
def test_a_mistake_in_the_table_is_told_with_its_place(text: str, why: str) -> None:
    with pytest.raises(InhibitionError, match=why):
        inhibition.read(text)
