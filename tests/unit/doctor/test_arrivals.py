"""What the doctor says of calls that arrive, and of those that do not."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.catalog.models import CallsWatch, Catalog, Person, Provider, System
from bot.detect.silence import hour_of
from bot.doctor.arrivals import Arrivals, Recent, Source, Token, Unpriced, judge
from bot.doctor.check import Check, Status
from bot.doctor.emitters import UNKNOWN, emitter

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
GOOD = Recent(calls=100, answered=95, with_prompt_version=100)


def catalog(silence: timedelta | None = timedelta(minutes=30)) -> Catalog:
    return Catalog(
        people={"maria": Person("maria", "Maria Ortiz", "maria@example.com")},
        providers={"openai": Provider("openai")},
        systems={"support-bot": System("support-bot", "maria", "support-bot", calls=CallsWatch(silence=silence))},
    )


def source(emitter: str = "openllmetry", *, ago: timedelta = timedelta(minutes=2), **more: Any) -> Source:
    values: dict[str, Any] = {"system": "support-bot", "calls": 1204, "recent": GOOD} | more
    return Source(emitter=emitter, last=NOW - ago, **values)


def found(*sources: Source, more: Arrivals | None = None, **watch: Any) -> dict[str, Check]:
    arrivals = more or Arrivals(sources=sources)
    return {each.check: each for each in judge(arrivals, catalog(**watch), NOW, "http://127.0.0.1:8765")}


def problems(checks: dict[str, Check]) -> set[str]:
    return {name for name, check in checks.items() if check.status is not Status.OK}


def test_all_is_well() -> None:
    checks = found(source())
    assert problems(checks) == set()
    assert checks["calls support-bot"].message == "1,204 calls by openllmetry, the newest 2 min ago"


def test_no_call_has_arrived_and_the_two_lines_are_told() -> None:
    check = found()["calls support-bot"]
    assert (check.status, check.message) == (Status.WARN, "no call has arrived")
    assert "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:8765" in check.fix
    assert 'OTEL_EXPORTER_OTLP_HEADERS="Authorization=Bearer%20TOKEN"' in check.fix
    assert "badday token create --system support-bot" in check.fix


def test_spans_that_are_no_calls_are_named_by_their_emitter() -> None:
    check = found(source("opentelemetry.instrumentation.httpx", calls=0, unknown_spans=40, recent=None))
    assert check["calls support-bot"].message == (
        "40 spans arrived, none of them a model call (opentelemetry.instrumentation.httpx)"
    )


def test_spans_without_a_system_may_be_those_of_one_that_sends_no_calls() -> None:
    check = found(source("fastapi", system="unknown", calls=0, unknown_spans=9, recent=None))["calls support-bot"]
    assert check.message == "9 spans arrived, none of them a model call (fastapi)"


def test_no_text_names_the_setting_of_the_emitter() -> None:
    sdk = source("anthropic-sdk", recent=Recent(calls=10, answered=10, without_input=10, without_output=10))
    check = found(sdk)["text support-bot/anthropic-sdk"]
    assert check.message == "no input and no output in 10 of the newest 10 calls"
    assert check.fix == (
        "set ANTHROPIC_OPEN_TELEMETRY_TRACES_CONTENT_MODE=content; see docs/how-to/send-calls/anthropic-sdk.md"
    )


def test_a_few_calls_without_text_are_nothing_to_tell() -> None:
    assert problems(found(source(recent=Recent(100, 40, 95, 40, with_prompt_version=1)))) == set()


def test_streams_without_tokens_are_told_with_include_usage() -> None:
    recent = Recent(calls=100, answered=95, without_tokens=60, streams_without_tokens=58, with_prompt_version=1)
    check = found(source(recent=recent))["tokens support-bot/openllmetry"]
    assert check.message == ("no tokens, and so no cost, in 60 of the newest 100 calls; 58 of them are streams")
    assert 'stream_options={"include_usage": True}' in check.fix


def test_missing_prompt_versions_and_dropped_attributes_are_told() -> None:
    checks = found(source(recent=Recent(calls=100, answered=95, truncated=3)))
    assert problems(checks) == {"prompt-version support-bot/openllmetry", "attributes support-bot/openllmetry"}
    assert "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT=10000" in checks["attributes support-bot/openllmetry"].fix
    assert "badday.prompt.version" in checks["prompt-version support-bot/openllmetry"].fix


def test_calls_told_twice_name_both_emitters_and_the_one_to_switch_off() -> None:
    check = found(source(), source("anthropic-sdk", twins=300))["twins support-bot"]
    assert "anthropic-sdk and openllmetry" in check.message
    assert check.fix.startswith("set ANTHROPIC_OPEN_TELEMETRY=false in the product's environment, or keep")
    assert "remove openllmetry" in check.fix


def test_other_twins_say_how_to_silence_each() -> None:
    check = found(source("logfire"), source("openlit", twins=3))["twins support-bot"]
    assert "logfire: do not call logfire.instrument_openai()" in check.fix
    assert "openlit: name it in OPENLIT_DISABLED_INSTRUMENTORS" in check.fix


def test_an_emitter_that_was_switched_off_is_told_no_more() -> None:
    checks = found(source(), source("anthropic-sdk", twins=300, ago=timedelta(days=2)))
    assert problems(checks) == set()


def test_refused_spans_are_told() -> None:
    assert "7 spans or records were refused" in found(source(rejected=7))["refused support-bot/openllmetry"].message


@pytest.mark.parametrize(
    ("ago", "hours", "silence", "told"),
    [
        (timedelta(minutes=40), range(hour_of(NOW) - 12, hour_of(NOW)), timedelta(minutes=30), True),
        (timedelta(minutes=40), (), timedelta(minutes=30), False),
        (timedelta(days=3), (), timedelta(minutes=30), True),
        (timedelta(days=3), (), None, False),
    ],
    ids=["usually sends", "seldom sends", "for days", "silence is switched off"],
)
def test_silence_is_told_when_calls_would_be_expected(
    ago: timedelta, hours: Sequence[int], silence: timedelta | None, told: bool
) -> None:
    arrivals = Arrivals(sources=[source(ago=ago)], hours={"support-bot": set(hours)})
    check = found(more=arrivals, silence=silence)["calls support-bot"]
    assert (check.status is Status.WARN) == told
    assert ("but none for" in check.message) == told


def test_models_without_a_price_are_named_with_the_key_to_add() -> None:
    unpriced = [Unpriced("openai", "house-model", 30), Unpriced(None, "primary", 4)]
    check = found(more=Arrivals(sources=[source()], unpriced=unpriced))["prices"]
    assert check.message == (
        "no price is known for house-model of openai and primary of an unnamed provider: 34 recent calls have no cost"
    )
    assert check.fix.startswith("add providers.openai.prices: {house-model: {input:")


def test_systems_and_tokens_that_the_catalog_does_not_have_are_told() -> None:
    arrivals = Arrivals(
        sources=[source(), source(system="suport-bot"), source(system="unknown", calls=3)],
        tokens=[Token("t1", "support-bot"), Token("t2", "old-bot")],
    )
    checks = found(more=arrivals)
    assert problems(checks) == {"unlisted suport-bot", "unlisted calls", "token t2"}
    assert "set OTEL_SERVICE_NAME to one of: support-bot" in checks["unlisted suport-bot"].fix
    assert "badday token revoke t2" in checks["token t2"].fix


def test_every_warning_says_what_to_do() -> None:
    bad = Recent(100, 100, 90, 90, 90, 90, 0, 5)
    checks = found(
        more=Arrivals(
            sources=[source(recent=bad, rejected=1), source("anthropic-sdk", twins=3), source(system="x")],
            unpriced=[Unpriced("openai", "m", 1)],
            tokens=[Token("t", "gone")],
        )
    )
    assert len(problems(checks)) >= 8
    assert all(check.fix for check in checks.values() if check.status is not Status.OK)


def test_a_variant_of_an_emitter_has_the_advice_of_its_family() -> None:
    assert emitter("vercel-ai-legacy").page == "vercel-ai-sdk.md"
    assert emitter("litellm-generic").page == "litellm.md"
    assert emitter("somebody-else") is UNKNOWN
