"""What products keep in memory and on disk: any answer is a bulk evaluation or is refused."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from badday_openfeature.values import EMPTY, Flag, RubbishError, keep, load, read
from bot.switchboard.serving import bucket

BULK = json.dumps(
    {
        "flags": [
            {"key": "route.chat", "value": "northwind", "variant": "northwind", "reason": "STATIC"},
            {"key": "route.mail", "value": "a", "reason": "SPLIT", "metadata": {"split": "a=70,b=30"}},
            {"key": "feature.gone"},
        ]
    }
)


def test_a_bulk_evaluation_is_read() -> None:
    found = read(BULK)
    assert found["route.chat"] == Flag("northwind", "northwind", "STATIC")
    assert found["route.mail"].shares == (("a", 70), ("b", 30))
    assert "feature.gone" not in found


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "{}", '{"flags": {}}', '{"flags": [1]}', '{"flags": [{"value": 1}]}', "[" * 9_999]
)
def test_rubbish_is_refused(text: str) -> None:
    with pytest.raises(RubbishError):
        read(text)


@given(st.text(max_size=200) | st.binary(max_size=200))
def test_any_answer_is_read_or_refused(text: str | bytes) -> None:
    try:
        read(text)
    except RubbishError:
        pass


@given(st.integers(1, 99), st.text(min_size=1, max_size=20))
def test_a_user_goes_where_the_bot_would_send_them(share: int, user: str) -> None:
    shares = {"northwind": 100 - share, "cirrus": share}
    listed = ",".join(f"{name}={part}" for name, part in shares.items())
    flag = {"key": "route.chat", "value": "northwind", "metadata": {"split": listed}}
    (found,) = read(json.dumps({"flags": [flag]})).values()
    assert found.of("route.chat", user) == bucket(shares, "route.chat", user)
    assert found.of("route.chat", "") == "northwind"


@pytest.mark.parametrize(
    ("until", "state"),
    [
        ("2026-03-03T00:00:00Z", "open"),
        ("2999-03-03T00:00:00Z", "closed"),
        ("2026-03-03T00:00:00", "closed"),
        ("never", "closed"),
        (None, "closed"),
        (7, "closed"),
    ],
)
def test_a_closed_cap_opens_at_its_end_whoever_is_down(until: object, state: str) -> None:
    cap = {"amount": "50.00", "currency": "USD", "period": "day", "state": "closed", "until": until}
    told = {"key": "cap.daily", "value": cap, "variant": "closed", "metadata": {"when_closed": "refuse"}}
    found = read(json.dumps({"flags": [told]}))["cap.daily"].now()
    assert (found.value["state"], found.variant) == (state, state)
    assert found.value["amount"] == "50.00"
    assert found.metadata == {"when_closed": "refuse"}


def test_the_last_values_are_kept_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "values.json"
    assert load(path) == EMPTY
    assert keep(path, BULK.encode())
    assert load(path) == read(BULK)
    path.write_text(BULK[:40])
    assert load(path) == EMPTY
    assert not keep(Path("/proc/nowhere/values.json"), b"{}")
    assert [each.name for each in path.parent.iterdir()] == ["values.json"]


def test_it_needs_nothing_of_the_bot() -> None:
    code = "import sys, badday_openfeature; print([name for name in sys.modules if name.split('.')[0] == 'bot'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
