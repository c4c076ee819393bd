from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from bot.catalog import Catalog, Provider, Route, System
from bot.catalog.models import Price
from bot.detect.calls import Counts, Rule
from bot.trail.calls import ErrorClass
from bot.trail.queries.asking import MinuteRow
from bot.trail.storing import histogram
from bot.watches import calls_words, routed
from bot.watches.routed import Line, line_of

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PRICE = Price(Decimal(1), Decimal(2))
WINDOW = timedelta(minutes=5)
SYSTEM = System(
    "support-bot",
    "maria",
    "support-bot",
    routes={
        "chat": Route("chat", "openai", ("anthropic",)),
        "search": Route("search", "openai"),
    },
    depends_on=("voyage",),
)
CATALOG = Catalog(
    providers={
        "openai": Provider("openai", prices={"shared-1": PRICE}),
        "anthropic": Provider("anthropic", prices={"shared-1": PRICE}),
        "voyage": Provider("voyage", prices={"voyage-3": PRICE}),
    },
    systems={"support-bot": SYSTEM},
)


def row(minute: int, calls: int, overloaded: int = 0, milliseconds: int = 100) -> MinuteRow:
    return MinuteRow(
        minute=START + timedelta(minutes=minute),
        system="support-bot",
        route="chat",
        provider="openai",
        model="gpt-4.1-mini",
        calls=calls,
        errors=overloaded,
        classes={ErrorClass.OVERLOADED: overloaded} if overloaded else {},
        latency=histogram.one(milliseconds * 1000) * calls,
    )


def line(route: str | None, provider: str | None, model: str | None = None) -> Line:
    return line_of(CATALOG, SYSTEM, replace(row(0, 1), route=route, provider=provider, model=model))


def test_a_call_that_tells_its_route_belongs_there() -> None:
    assert line("chat", "OpenAI") == Line("chat", "openai")
    assert line("unlisted", "mistral") == Line("unlisted", "mistral")


def test_a_call_that_tells_none_belongs_to_every_route_of_its_provider() -> None:
    assert line(None, "anthropic") == Line("chat", "anthropic")
    assert line(None, "openai") == Line("chat+search", "openai")
    assert line(None, "voyage") == Line("", "voyage")
    assert line(None, None) == Line("", "")


def test_a_similar_provider_s_name_is_another_provider() -> None:
    assert line(None, "azure.ai.openai") == Line("", "azure.ai.openai")


def test_the_model_tells_the_provider_where_the_sdk_names_its_own_company() -> None:
    assert line("chat", "groq.sdk", "Voyage-3") == Line("chat", "voyage")
    assert line("chat", "groq.sdk", "shared-1") == Line("chat", "groq.sdk"), "two providers sell it"
    assert line("chat", "openai", "voyage-3") == Line("chat", "openai"), "what the call tells comes first"


def test_minutes_add_up_within_the_window_alone() -> None:
    first = routed.number(START)
    rows = [row(0, 10, 10), row(1, 20, 5), row(2, 30, 1), row(3, 40, 40)]
    found = routed.counts(rows, first + 1, first + 2)
    assert (found.calls, found.failed) == (50, 6)
    assert found.p95 is not None
    assert abs(found.p95 - timedelta(milliseconds=100)) < timedelta(milliseconds=8)
    assert routed.counts([], first, first) == Counts()


def test_a_minute_is_complete_ten_seconds_after_its_end() -> None:
    assert routed.last_complete(START + timedelta(seconds=69)) == routed.number(START) - 1
    assert routed.last_complete(START + timedelta(seconds=70)) == routed.number(START)


def test_a_window_has_at_least_one_minute() -> None:
    assert [routed.length(timedelta(seconds=seconds)) for seconds in (5, 60, 300)] == [1, 1, 5]


def test_the_title_names_the_route_the_provider_and_the_errors() -> None:
    found = Counts(214, {ErrorClass.OVERLOADED: 61, ErrorClass.TIMEOUT: 12, ErrorClass.BAD_REQUEST: 3})
    assert (
        calls_words.title(Line("chat", "openai"), found, Rule(), WINDOW)
        == "34 % of calls on route chat fail (openai: overloaded 61, timeout 12 of 214 in 5 min)"
    )
    assert calls_words.title(Line("", ""), found, Rule(), WINDOW).startswith("34 % of calls fail (provider unknown: ")


def test_a_slow_route_is_named_slow() -> None:
    found = Counts(214, {}, timedelta(seconds=14.2))
    rule = Rule(p95=timedelta(seconds=8))
    assert calls_words.title(Line("chat+search", "openai"), found, rule, WINDOW) == (
        "calls on routes chat and search are slow (openai: one in twenty takes longer than 14 s, 214 calls in 5 min)"
    )


def test_what_is_known_tells_malformed_answers_apart_and_names_calls() -> None:
    found = Counts(50, {ErrorClass.SERVER: 20, ErrorClass.MALFORMED_OUTPUT: 2})
    assert calls_words.known(Line("chat", "openai"), found, Rule(), WINDOW, ["c_1", "c_2"]) == (
        "20 of 50 calls to openai on route chat failed in the last 5 min: server 20. "
        "2 more answers were not in the form that was asked for. See c_1, c_2"
    )


def test_silence_is_told_in_the_owner_s_time() -> None:
    last = START + timedelta(hours=5, minutes=2)
    now = last + timedelta(minutes=31)
    assert calls_words.silent_title(last, now, "Europe/Madrid") == "no calls arrive since 15:02 CET"
    assert calls_words.silent_title(last, now, "Nowhere/Atall") == "no calls arrive since 14:02 UTC"
    assert (
        calls_words.silent_title(last, now + timedelta(days=1), "UTC") == "no calls arrive since 2026-03-02 14:02 UTC"
    )
