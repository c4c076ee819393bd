"""What a catalog says, once it is read."""

import json
from datetime import timedelta
from pathlib import Path

import jsonschema
import pytest

from bot.catalog import Catalog, Engine, Hysteresis, load_catalog, parse_catalog, reference
from bot.catalog.directory import known_providers
from bot.catalog.reading import read
from bot.catalog.values import duration, written

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "badday.example.yaml"


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog(EXAMPLE)


def test_the_example_is_a_good_catalog_for_pydantic_and_for_editors(catalog: Catalog) -> None:
    assert list(catalog.people) == ["maria", "sam", "ana"]
    jsonschema.validate(read(EXAMPLE.read_text(), "example").data, reference.schema())


def test_the_editor_modeline_of_the_example_names_the_schema() -> None:
    modeline = EXAMPLE.read_text().splitlines()[0]
    assert ROOT / modeline.partition("$schema=")[2] == reference.SCHEMA


def test_a_system_knows_each_of_its_providers_once(catalog: Catalog) -> None:
    assert catalog.systems["support-bot"].providers == ("openai", "anthropic", "pinecone")


@pytest.mark.parametrize("provider", ["openai", "anthropic", "pinecone"])
def test_systems_are_found_by_primary_standby_and_dependency(catalog: Catalog, provider: str) -> None:
    assert [system.name for system in catalog.systems_using(provider)] == ["support-bot"]


def test_nobody_uses_an_unknown_provider(catalog: Catalog) -> None:
    assert catalog.systems_using("mistral") == []


def test_routes_and_features_are_found_by_name_alone(catalog: Catalog) -> None:
    found = catalog.route("chat")
    assert found is not None
    assert (found[0].name, found[1].primary, found[1].standbys) == ("support-bot", "openai", ("anthropic",))
    feature = catalog.feature("autoreply")
    assert feature is not None
    assert feature[1].default
    assert catalog.route("nothing") is None
    assert catalog.feature("nothing") is None


def test_people_are_found_by_mail_in_any_case(catalog: Catalog) -> None:
    person = catalog.person_by_email(" Maria@Example.com")
    assert person is not None
    assert person.key == "maria"
    assert catalog.person_by_email("nobody@example.com") is None
    assert catalog.person_by_slack("U1") is None


def test_a_status_page_implies_a_watch_with_defaults(catalog: Catalog) -> None:
    watch = catalog.watches["status.anthropic"]
    assert (watch.page, watch.provider, watch.engine) == ("https://status.claude.com", "anthropic", Engine.STATUSPAGE)
    assert (watch.interval, watch.hold) == (timedelta(seconds=60), timedelta(minutes=5))
    assert watch.hysteresis == Hysteresis(bad=2, of=3, good=2)
    assert watch.bad == frozenset({"partial_outage", "major_outage"})


def test_a_watch_takes_page_and_engine_from_its_provider(catalog: Catalog) -> None:
    watch = catalog.watches["status.openai"]
    assert (watch.page, watch.engine) == ("https://status.openai.com", Engine.INCIDENTIO)
    assert watch.components == ("Responses", "Chat Completions")


def test_a_page_is_not_polled_a_second_time_under_another_name() -> None:
    watches = "watches:\n  by-another-name: {provider: openai}\n"
    assert list(parse_catalog(_small() + watches).watches) == ["by-another-name"]


def test_fast_polling_and_plain_http_are_for_this_machine() -> None:
    text = _small().replace("https://status.openai.com", "http://127.0.0.1:9000")
    watch = parse_catalog(text + "watches:\n  w: {provider: openai, interval: 1s}\n").watches["w"]
    assert watch.interval == timedelta(seconds=1)


def test_words_that_yaml_1_1_would_change_stay_words() -> None:
    text = _small().replace("support-bot:", "on:").replace("channel: ai", "channel: no")
    assert parse_catalog(text).systems["on"].channel == "no"


def test_dates_and_times_stay_text_and_numbers_are_numbers() -> None:
    data = read("[2026-01-02, 12:30, 0x10, 0o17, 017, 1e3, -.inf, ~, True, no, 1_000]", "x").data
    assert data[:2] == ["2026-01-02", "12:30"]
    assert data[2:4] == [16, 15]
    assert data[5:10] == [1000.0, float("-inf"), None, True, "no"]


@pytest.mark.parametrize("text", ["0s", "45s", "5m", "1h30m", "1h1m1s", "24h"])
def test_durations_are_written_as_they_are_read(text: str) -> None:
    assert written(duration(text)) == text


def test_the_schema_in_the_package_is_current() -> None:
    assert reference.SCHEMA.read_text() == reference.schema_text(), "renew it: python -m bot.catalog"


def test_the_tables_of_the_documentation_are_current() -> None:
    page = reference.PAGE.read_text()
    assert page == reference.with_tables(page), "renew them: python -m bot.catalog"
    assert "| `owner` |" in page


def test_the_schema_is_itself_valid() -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(reference.SCHEMA.read_text()))


def test_known_providers_are_valid_and_dated() -> None:
    known = known_providers()
    assert {"openai", "anthropic", "groq", "cohere"} <= known.keys()
    assert all(provider.evidence[:2] == "20" for provider in known.values())


def _small() -> str:
    return (
        "badday: 1\npeople: {maria: {name: Maria, email: maria@example.com}}\n"
        "providers: {openai: {status: https://status.openai.com}}\n"
        "systems:\n  support-bot:\n    owner: maria\n    channel: ai\n"
        "    routes: {chat: {primary: openai}}\n"
    )
