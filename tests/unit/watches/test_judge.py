"""What a snapshot means for one watch."""

from typing import Any

import pytest

from bot.catalog import Watch
from bot.detect.hysteresis import Verdict
from bot.watches.judge import Judgement, judge
from bot.watches.status import parse
from tests.unit.watches.pages import component, encoded, incident, statuspage


def judged(*components: str, hidden: tuple[str, ...] = (), bad: frozenset[str] | None = None, **page: Any) -> Judgement:
    watch = Watch("status.acme", "https://status.acme.example", "acme", components=components)
    if bad is not None:
        watch = Watch(watch.name, watch.page, watch.provider, components=components, bad=bad)
    return judge(parse(encoded(statuspage(**page))), watch, hidden=hidden)


TWO = [component("c1", "Chat", "major_outage"), component("c2", "Embeddings", "degraded_performance")]


@pytest.mark.parametrize("wanted", ["c1", "Chat", " chat "])
def test_a_component_is_found_by_id_or_name(wanted: str) -> None:
    judgement = judged(wanted, components=TWO)
    assert (judgement.status, judgement.verdict, judgement.severity) == ("major_outage", Verdict.BAD, "sev1")


def test_components_that_are_not_watched_do_not_matter() -> None:
    judgement = judged("Embeddings", components=TWO, status={"indicator": "critical"}, incidents=[incident()])
    assert (judgement.status, judgement.verdict) == ("degraded", Verdict.GOOD)


def test_without_components_the_whole_page_decides() -> None:
    assert judged(incidents=[incident()]).verdict is Verdict.BAD
    assert judged().verdict is Verdict.GOOD


def test_the_watch_says_what_counts_as_bad() -> None:
    assert judged("c2", components=TWO, bad=frozenset({"degraded"})).verdict is Verdict.BAD
    assert judged("c1", components=TWO, bad=frozenset({"degraded"})).verdict is Verdict.GOOD


def test_a_component_that_vanished_is_unknown_and_a_problem() -> None:
    judgement = judged("Chat", "Realtime")
    assert (judgement.status, judgement.verdict) == ("unknown", Verdict.UNKNOWN)
    assert judgement.problem is not None
    assert judgement.problem.startswith("not on the status page: Realtime;")
    assert "the page lists: Chat, Embeddings" in judgement.problem


def test_a_vanished_component_does_not_hide_an_outage_of_another() -> None:
    assert judged("Chat", "Realtime", components=TWO).verdict is Verdict.BAD


def test_a_component_shown_only_while_degraded_is_well_when_absent() -> None:
    shown = judged("c3", components=[component("c3", "Region", "partial_outage", only_show_if_degraded=True)])
    assert shown.hidden == ("c3",)
    gone = judged("c3", hidden=shown.hidden)
    assert (gone.verdict, gone.problem, gone.hidden) == (Verdict.GOOD, None, ("c3",))


def test_a_component_of_unknown_word_is_not_green() -> None:
    assert judged("c1", components=[component("c1", "Chat", "affected")]).verdict is Verdict.UNKNOWN


def test_what_is_known_is_one_sentence_with_the_pages_words() -> None:
    judgement = judged(components=TWO, incidents=[incident()])
    assert judgement.known == (
        "acme's status page says major outage: Chat (major outage), Embeddings (degraded). "
        "“Elevated errors” (investigating)"
    )
    assert judged().known == "acme's status page says operational"
