"""Texts with names in them: filled in, and unable to do harm."""

import contextlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.runbooks import templates
from bot.runbooks.templates import Plain, TemplateProblemError

CONTEXT: dict[str, Plain] = {
    "incident": {
        "id": 7,
        "system": "support-bot",
        "title": "{{ 7 * 7 }} <!channel>",
        "severity": "sev1",
        "provider": "a",
    },
    "route": {"name": "chat", "value": "a", "primary": "a", "standbys": ["b", "c"], "standby": "b"},
}


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("No names at all", "No names at all"),
        ("Move {{ route.name }} to {{ route.standby }}", "Move chat to b"),
        ("{{ route['standbys'] | join(', ') }}", "b, c"),
        ("{{ route.standbys[1] | upper }}", "C"),
        ("{% if incident.severity == 'sev1' %}Hurry{% else %}Calm{% endif %}", "Hurry"),
        ("{{ 'home' if route.value == route.primary else 'away' }}", "home"),
    ],
)
def test_names_are_filled_in(text: str, filled: str) -> None:
    assert templates.render(text, CONTEXT) == filled


def test_foreign_text_is_data_and_never_a_template() -> None:
    assert templates.render("{{ incident.title }}", CONTEXT) == "{{ 7 * 7 }} <!channel>"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ alert.provider }}", "uses the unknown name 'alert'"),
        ("{{ route.nmae }}", "uses the unknown field route.nmae"),
        ("{{ route['nmae'] }}", "uses the unknown field route.nmae"),
        ("{{ route.name", "is not a text that can be filled in"),
        ("{{ route.name | nosuchfilter }}", "uses the unknown filter 'nosuchfilter'"),
        ("{% for i in route.standbys %}x{% endfor %}", "uses a loop"),
        ("{{ route.name.upper() }}", "uses a call"),
        ("{{ 'a' * 1000000000 }}", "uses arithmetic"),
        ("{{ 10 ** 10 ** 10 }}", "uses arithmetic"),
        ("{{ route.name ~ route.name }}", "uses arithmetic"),
        ("{% set x = 1 %}", "uses {% assign %}"),
        ("{% include 'x' %}", "uses {% include %}"),
        ("{% macro m() %}{% endmacro %}", "uses {% macro %}"),
        ("x" * 5000, "is longer than 4000 characters"),
        ("{{ " + "(" * 1500 + "1" + ")" * 1500 + " }}", "is nested too deeply"),
    ],
)
def test_what_a_text_cannot_use_is_named(text: str, message: str) -> None:
    with pytest.raises(TemplateProblemError) as caught:
        templates.check(text)
    assert caught.value.message.startswith(message)


@pytest.mark.parametrize(
    "text",
    [
        "{{ ''.__class__ }}",
        "{{ route.name.__class__.__mro__ }}",
        "{{ (route|attr('__class__')) }}",
        "{{ '{0.__class__}'.format(1) }}",
        "{{ self }}",
        "{{ route.__class__ }}",
        "{{ cycler }}",
        "{{ lipsum.__globals__ }}",
    ],
)
def test_no_way_leads_out_of_the_sandbox(text: str) -> None:
    with pytest.raises(TemplateProblemError):
        templates.render(text, CONTEXT)


def test_a_missing_value_is_an_error_and_no_empty_text() -> None:
    with pytest.raises(TemplateProblemError, match="cannot be filled in"):
        templates.render("{{ route.standby }}", {"route": {"name": "chat"}})


def test_only_plain_data_is_open_to_a_text() -> None:
    class Row:
        secret = "s3cret"

    with pytest.raises(TemplateProblemError, match="Row is no plain data"):
        templates.render("{{ route.name.secret }}", {"route": {"name": Row()}})  # type: ignore[dict-item]


def test_a_result_that_grows_too_long_is_refused() -> None:
    with pytest.raises(TemplateProblemError, match="longer than 3000 characters"):
        templates.render("{{ incident.title }}", {"incident": {"title": "x" * 4000}})


@given(st.text(alphabet=" {}%|.'()[]+*abcinorsutefx_0123\n", max_size=400))
def test_any_text_is_filled_in_or_refused_within_a_blink(text: str) -> None:
    started = time.perf_counter()
    with contextlib.suppress(TemplateProblemError):
        assert len(templates.render(text, CONTEXT)) <= templates.LONGEST_TEXT
    assert time.perf_counter() - started < 2
