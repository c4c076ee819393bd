"""What a catalog says about the trail: prices, patterns, fallbacks and the calls watch."""

import subprocess
import sys
from datetime import timedelta
from decimal import Decimal
from textwrap import indent

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.catalog import CatalogError, load_catalog, parse_catalog, reference
from bot.catalog.models import CallsWatch, FallbackTrigger, Price, RedactPattern, System
from bot.catalog.reading import read
from bot.catalog.values import share, written_share
from tests.unit.catalog.test_catalog import EXAMPLE

HEAD = """\
badday: 1
people:
  maria: {name: Maria Ortiz, email: maria@example.com}
providers:
  anthropic: {}
  pinecone: {}
  openai:
    prices:
"""
SYSTEM = """\
systems:
  support-bot:
    owner: maria
    channel: support-bot
    routes:
      chat: {primary: openai, standbys: [anthropic]}
"""


def with_prices(lines: str) -> str:
    return HEAD + indent(lines, " " * 6) + "\n" + SYSTEM


def with_system(lines: str) -> str:
    return HEAD.replace("\n    prices:", " {}") + SYSTEM + indent(lines, " " * 4) + "\n"


def system_of(lines: str) -> System:
    text = with_system(lines)
    jsonschema.validate(read(text, "badday.yaml").data, reference.schema())
    return parse_catalog(text).systems["support-bot"]


def only_problem(text: str) -> str:
    with pytest.raises(CatalogError) as caught:
        parse_catalog(text)
    (problem,) = caught.value.problems
    return str(problem).removeprefix("badday.yaml:")


def test_prices_are_exact_whether_text_or_number() -> None:
    mini = 'gpt-4.1-mini: {input: "0.40", output: 1.6, cached_input: 0.1, cache_write: 1}'
    text = with_prices(f'{mini}\nmeta/llama:4k: {{input: 0, output: "0"}}')
    jsonschema.validate(read(text, "badday.yaml").data, reference.schema())
    assert parse_catalog(text).providers["openai"].prices == {
        "gpt-4.1-mini": Price(Decimal("0.40"), Decimal("1.6"), Decimal("0.1"), Decimal(1)),
        "meta/llama:4k": Price(Decimal(0), Decimal(0)),
    }


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        (
            "m: {input: cheap, output: 1}",
            "9: providers.openai.prices.m.input: 'cheap' is not a price; "
            'write US dollars for a million tokens, for example "0.40"',
        ),
        (
            "m: {input: $0.40, output: 1}",
            "9: providers.openai.prices.m.input: '$0.40' is not a price; "
            'write US dollars for a million tokens, for example "0.40"',
        ),
        (
            "m: {input: true, output: 1}",
            "9: providers.openai.prices.m.input: must be a price, not 'True'; "
            'write US dollars for a million tokens, for example "0.40"',
        ),
        (
            "m: {input: -1, output: 1}",
            "9: providers.openai.prices.m.input: '-1' is not a price; "
            "write 0 to 100,000: US dollars for a million tokens",
        ),
        (
            "m: {input: .nan, output: 1}",
            "9: providers.openai.prices.m.input: 'nan' is not a price; "
            "write 0 to 100,000: US dollars for a million tokens",
        ),
        (
            'm: {input: "0.0000000001", output: 1}',
            "9: providers.openai.prices.m.input: '0.0000000001' has more than nine decimal places; "
            'write US dollars for a million tokens, for example "0.40"',
        ),
        ("m: {input: 1}", "9: providers.openai.prices.m.output: is missing; add `output: …`"),
        ("m: {input: 1, outptu: 1}", "9: providers.openai.prices.m.outptu: unknown key; did you mean `output`?"),
        (
            "m: 0.40",
            "9: providers.openai.prices.m: must be a mapping, not a number; "
            "write `key: value` lines, indented under it",
        ),
        (
            "my model: {input: 1, output: 1}",
            "9: providers.openai.prices.my model: 'my model' is not the name of a model; "
            "write it as calls name it, for example gpt-4.1-mini",
        ),
        (
            "m: {input: 1, output: 1}\nM: {input: 1, output: 1}",
            "10: providers.openai.prices.M: m is the same model; keep one of the two prices",
        ),
    ],
)
def test_a_wrong_price_is_told_with_its_line(lines: str, problem: str) -> None:
    assert only_problem(with_prices(lines)) == problem


def test_a_system_without_the_keys_has_the_defaults() -> None:
    system = system_of("armed: false")
    assert (system.calls, system.redact, system.fallbacks) == (CallsWatch(), (), {})


def test_the_calls_watch_is_read() -> None:
    calls = "calls: {errors: 12.5%, minimum: 50, window: 10m, p95: 8s, severity: sev1, silence: 1h, enabled: false}"
    assert system_of(calls).calls == CallsWatch(
        error_share=0.125,
        minimum=50,
        window=timedelta(minutes=10),
        p95=timedelta(seconds=8),
        severity="sev1",
        silence=timedelta(hours=1),
        enabled=False,
    )
    assert system_of("calls: {silence: off}").calls.silence is None
    assert system_of("calls: {}").calls == CallsWatch()


def test_patterns_and_fallbacks_are_read_in_their_order() -> None:
    system = system_of(
        "redact:\n"
        "  - {name: order-id, pattern: '\\bORD-\\d{6}\\b'}\n"
        "  - {name: patient, pattern: (?i)patient \\w+}\n"
        "fallbacks:\n"
        "  openai: {timeout: anthropic, rate_limit: retry, malformed: template}\n"
        "  anthropic: {timeout: human}\n"
    )
    assert system.redact == (RedactPattern("order-id", r"\bORD-\d{6}\b"), RedactPattern("patient", r"(?i)patient \w+"))
    assert system.fallbacks == {
        "openai": {
            FallbackTrigger.TIMEOUT: "anthropic",
            FallbackTrigger.RATE_LIMIT: "retry",
            FallbackTrigger.MALFORMED: "template",
        },
        "anthropic": {FallbackTrigger.TIMEOUT: "human"},
    }


RE2_FIX = "write it in RE2 syntax (no look-around, no back-references), best in single quotes"
WORDS = "write a provider of this catalog, or one of retry, cached, template, human, none"


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        (
            "calls: {errors: 20}",
            "14: systems.support-bot.calls.errors: '20' is not a share; "
            'write a share of the calls, for example "20%"',
        ),
        (
            "calls: {errors: 120%}",
            "14: systems.support-bot.calls.errors: '120%' is no share that could be reached; "
            'write more than "0%", at most "100%"',
        ),
        (
            "calls: {errors: 0%}",
            "14: systems.support-bot.calls.errors: '0%' is no share that could be reached; "
            'write more than "0%", at most "100%"',
        ),
        ("calls: {minimum: 0}", "14: systems.support-bot.calls.minimum: must be at least 1, not 0; write 1 or more"),
        (
            "calls: {window: 90s}",
            "14: systems.support-bot.calls: has a window of 1m30s; write whole minutes, 1m to 1h",
        ),
        ("calls: {window: 2h}", "14: systems.support-bot.calls: has a window of 2h; write whole minutes, 1m to 1h"),
        ("calls: {silence: 1m}", "14: systems.support-bot.calls: has a silence of 1m; write 5m to 24h, or off"),
        (
            "calls: {silence: never}",
            "14: systems.support-bot.calls.silence: 'never' is not a duration; "
            "write a number with a unit: 45s, 5m, 1h30m",
        ),
        (
            "calls: {severity: page}",
            "14: systems.support-bot.calls.severity: 'page' is not known here; write sev1, sev2 or sev3",
        ),
        ("calls: {eror: 20%}", "14: systems.support-bot.calls.eror: unknown key; did you mean `errors`?"),
        (
            "redact: [{name: x, pattern: 'a*'}]",
            "14: systems.support-bot.redact[0].pattern: the pattern 'a*' also matches nothing at all, "
            f"so it would be found everywhere; {RE2_FIX}",
        ),
        (
            "redact:\n  - {name: x, pattern: a}\n  - {name: x, pattern: b}",
            "16: systems.support-bot.redact[1].name: 'x' is named twice; "
            "give it a name of its own, or join the patterns with |",
        ),
        (
            "redact: {name: x, pattern: a}",
            "14: systems.support-bot.redact: must be a list, not a mapping; write it in brackets: [one, two]",
        ),
        ("redact: [{name: x}]", "14: systems.support-bot.redact[0].pattern: is missing; add `pattern: …`"),
        (
            "fallbacks: {pinecone: {timeout: retry}}",
            "14: systems.support-bot.fallbacks.pinecone: support-bot does not use a provider 'pinecone'; "
            "name one of its routes, or add it to `depends_on`",
        ),
        (
            "fallbacks: {opnai: {timeout: retry}}",
            "14: systems.support-bot.fallbacks.opnai: support-bot does not use a provider 'opnai'; "
            "did you mean openai?",
        ),
        (
            "fallbacks: {openai: {timeout: openai}}",
            "14: systems.support-bot.fallbacks.openai.timeout: openai cannot stand in for itself; "
            "write retry, if it should be asked again",
        ),
        (
            "fallbacks: {openai: {timeout: antropic}}",
            "14: systems.support-bot.fallbacks.openai.timeout: 'antropic' is not known here; "
            f"did you mean anthropic? ({WORDS})",
        ),
        (
            "fallbacks: {openai: {timeout: prayer}}",
            f"14: systems.support-bot.fallbacks.openai.timeout: 'prayer' is not known here; {WORDS}",
        ),
        (
            "fallbacks: {openai: {overload: retry}}",
            "14: systems.support-bot.fallbacks.openai.overload: unknown key; "
            "remove it; known here: malformed, rate_limit, timeout",
        ),
    ],
)
def test_a_mistake_is_told_with_its_line_and_what_to_do(lines: str, problem: str) -> None:
    assert only_problem(with_system(lines)) == problem


@pytest.mark.parametrize("pattern", ["(", "(?<=a)b", "[a", r"\1", "a{5000}"])
def test_a_pattern_that_re2_refuses_is_told_with_its_line_and_the_reason(pattern: str) -> None:
    told = only_problem(with_system(f"redact:\n  - {{name: x, pattern: a}}\n  - {{name: y, pattern: '{pattern}'}}"))
    where = f"16: systems.support-bot.redact[1].pattern: the pattern {pattern!r} cannot be used: "
    assert told.startswith(where)
    assert told.endswith(f"; {RE2_FIX}")
    assert len(told) > len(where) + len(RE2_FIX) + 10


@given(st.integers(1, 10_000))
def test_shares_are_written_as_they_are_read(hundredths: int) -> None:
    part = hundredths / 10_000
    assert share(written_share(part)) == pytest.approx(part)


def test_the_example_shows_each_of_the_keys() -> None:
    catalog = load_catalog(EXAMPLE)
    system = catalog.systems["support-bot"]
    assert system.redact
    assert system.fallbacks
    assert system.calls.p95
    assert catalog.providers["openai"].prices


def test_no_library_of_the_trail_is_loaded_for_a_catalog_that_does_not_need_it() -> None:
    code = (
        "import sys; from bot.catalog import parse_catalog;"
        f"parse_catalog({with_prices('m: {input: 1, output: 1}')!r});"
        "assert not {'re2', 'genai_prices', 'zstandard', 'bot.trail'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
