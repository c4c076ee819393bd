"""What becomes of one call through a gateway, for what the switchboard may say."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from badday_openfeature import BaddayProvider
from badday_openfeature.gateway import Call, Gate, Refusal
from badday_openfeature.values import read

MODELS = {
    "chat": ["openai/large-1"],
    "chat-cirrus": ["anthropic/tall-1"],
    "chat-degraded": ["openai/small-1"],
    "small-2": ["small-2"],
}
CLOSED = {"amount": "50.00", "currency": "USD", "period": "day", "state": "closed", "until": "2999-03-03T00:00:00Z"}


def gate(tmp_path: Path, **flags: Any) -> Gate:
    """Over a provider that follows nobody; `route_chat` is the key `route.chat`."""
    provider = BaddayProvider("http://127.0.0.1:9", cache=tmp_path / "none.json")
    told = [
        {"key": key.replace("_", ".", 1)} | (value if isinstance(value, Mapping) else {"value": value})
        for key, value in flags.items()
    ]
    provider._take(read(json.dumps({"flags": told})), b"")
    return Gate(provider)


def cap(how: str = "refuse", **more: str) -> dict[str, Any]:
    return {"value": CLOSED, "metadata": {"when_closed": how, **more}}


def call(group: str = "chat", **more: str) -> Call:
    return Call(group, MODELS, **more)


def refused(ruling: str | Refusal) -> tuple[int, str]:
    assert isinstance(ruling, Refusal)
    return ruling.status, ruling.reason


def test_without_values_every_call_goes_where_it_was_sent(tmp_path: Path) -> None:
    assert gate(tmp_path).decide(call(feature="autoreply", user="u")) == "chat"


def test_a_route_leads_to_the_group_of_its_provider(tmp_path: Path) -> None:
    assert gate(tmp_path, route_chat="cirrus").decide(call()) == "chat-cirrus"
    assert gate(tmp_path, route_chat="northwind").decide(call()) == "chat", "the primary needs no group of its own"
    assert gate(tmp_path, route_voice="cirrus").decide(call()) == "chat"


def test_a_split_route_gives_each_user_always_the_same(tmp_path: Path) -> None:
    split = {"value": "northwind", "reason": "SPLIT", "metadata": {"split": "cirrus=50,northwind=50"}}
    ruling = gate(tmp_path, route_chat=split)
    found = [ruling.decide(call(user=f"user-{number}")) for number in range(40)]
    assert set(found) == {"chat", "chat-cirrus"}
    assert found == [ruling.decide(call(user=f"user-{number}")) for number in range(40)]


def test_a_pin_wins_over_the_route(tmp_path: Path) -> None:
    assert gate(tmp_path, route_chat="cirrus", model_chat="small-2").decide(call()) == "small-2"
    assert gate(tmp_path, route_chat="cirrus", model_chat="unknown").decide(call()) == "chat-cirrus"


def test_a_feature_that_is_off_is_refused(tmp_path: Path) -> None:
    off = gate(tmp_path, feature_autoreply=False)
    assert refused(off.decide(call(feature="autoreply"))) == (503, "feature pulled by on-call: autoreply")
    assert off.decide(call(feature="other")) == off.decide(call()) == "chat"


def test_a_closed_cap_refuses(tmp_path: Path) -> None:
    status, reason = refused(gate(tmp_path, cap_daily=cap()).decide(call()))
    assert status == 429
    assert reason == "spending cap daily is closed (50.00 USD a day) until 2999-03-03T00:00:00Z"
    open_ = {"value": CLOSED | {"state": "open", "until": None}}
    assert gate(tmp_path, cap_daily=open_).decide(call()) == "chat"


def test_a_cap_of_a_feature_counts_for_its_calls_alone(tmp_path: Path) -> None:
    ruling = gate(tmp_path, cap_replies=cap(feature="autoreply"))
    assert refused(ruling.decide(call(feature="autoreply")))[0] == 429
    assert ruling.decide(call()) == "chat"


def test_a_cap_that_degrades_leads_to_the_cheaper_group(tmp_path: Path) -> None:
    ruling = gate(tmp_path, route_chat="cirrus", cap_daily=cap("degrade"))
    assert ruling.decide(call()) == "chat-degraded"
    assert refused(ruling.decide(call("small-2")))[0] == 429, "there is no cheaper one"
    both = gate(tmp_path, cap_a=cap("degrade"), cap_b=cap("refuse"), cap_c=cap("degrade"))
    assert "cap b" in refused(both.decide(call()))[1]


@pytest.mark.parametrize("name", ["tall-1", "anthropic/tall-1"])
def test_a_banned_model_is_refused_where_the_group_has_no_other(tmp_path: Path, name: str) -> None:
    ruling = gate(tmp_path, route_chat="cirrus", ban_cirrus={"value": {"models": [name]}})
    assert refused(ruling.decide(call())) == (503, "model banned by on-call: tall-1")
    more = Call("chat", MODELS | {"chat-cirrus": ["anthropic/tall-1", "anthropic/tall-2"]})
    assert ruling.decide(more) == "chat-cirrus"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
KEYS = st.sampled_from(["route_chat", "model_chat", "feature_autoreply", "cap_daily", "ban_cirrus"])


@given(st.dictionaries(KEYS, st.fixed_dictionaries({"value": VALUES, "metadata": VALUES})), st.text(max_size=5))
def test_whatever_it_is_told_it_rules(
    tmp_path_factory: pytest.TempPathFactory, flags: dict[str, Any], group: str
) -> None:
    ruling = gate(tmp_path_factory.getbasetemp(), **flags)
    for asked in (call(group, feature="autoreply"), call(feature="autoreply", user="u")):
        found = ruling.decide(asked)
        assert isinstance(found, Refusal) or found == asked.group or found in MODELS
