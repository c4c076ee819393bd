"""The postmortem as documents: whatever people, models and providers said is text in them, never markup."""

import base64
import re
from copy import deepcopy
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import UndefinedError
from markdown_it import MarkdownIt

from bot.incidents import postmortem
from bot.incidents.postmortem.documents import escape_markdown

PIXEL = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()
EVIL = '<script>alert("1")</script> **bold** [link](javascript:alert(1)) | `x` <!channel> # head\n- item\n<b>&amp;'
FACTS: dict[str, Any] = {
    "number": 7,
    "title": "Northwind AI reports a major outage",
    "system": "support-bot",
    "severity": "SEV1",
    "state": "resolved",
    "status": "monitoring",
    "owner": "Maria Ortiz",
    "provider": "northwind",
    "known": "API: major outage",
    "resolution": "The provider refused long prompts\nEnded by: chat moved to cirrus",
    "reopened": 1,
    "zone": "Europe/Madrid",
    "opened": "2026-03-02 10:00 CET, 09:00 UTC",
    "opened_by": "Badday",
    "acknowledged": "2026-03-02 10:03 CET, 09:03 UTC",
    "acknowledged_by": "Sam Lee",
    "resolved": "2026-03-02 10:40 CET, 09:40 UTC",
    "resolved_by": "Maria Ortiz",
    "lasted": "40 min",
    "to_page": "2 s",
    "to_ack": "3 min",
    "to_resolve": "40 min",
    "impact": {"calls": 1240, "fell_back": [{"provider": "cirrus", "calls": 312}], "users": 41, "nobodys": 3},
    "findings": [
        {
            "title": "Northwind AI reports a major outage",
            "severity": "SEV1",
            "known": "API: major outage",
            "opened": "2026-03-02 10:00 CET, 09:00 UTC",
            "cleared": "2026-03-02 10:31 CET, 09:31 UTC",
        }
    ],
    "people": [{"name": "Sam Lee", "role": "lead"}, {"name": "Maria Ortiz", "role": ""}],
    "timeline": [
        {
            "day": "Monday, 02 March 2026",
            "local": "10:00:00",
            "utc": "09:00:00 UTC",
            "kind": "opened",
            "by_bot": True,
            "who": "Badday",
            "text": "Incident opened: Northwind AI reports a major outage",
            "pictures": [],
        },
        {
            "day": "Monday, 02 March 2026",
            "local": "10:05:12",
            "utc": "09:05:12 UTC",
            "kind": "note",
            "by_bot": False,
            "who": "Sam Lee",
            "text": "errors in every region",
            "pictures": [
                {"name": "graph.png", "address": f"data:image/png;base64,{PIXEL}", "missing": ""},
                {"name": "big.png", "address": "", "missing": "it has 14.0 MB, at most 10 MB are kept"},
            ],
        },
    ],
    "pages": [
        {
            "who": "Maria Ortiz",
            "why": "owner",
            "at": "2026-03-02 10:00 CET, 09:00 UTC",
            "state": "ended",
            "delivered_after": "2 s",
            "acknowledged_after": "",
            "attempts": [{"method": "slack", "at": "10:00:00", "outcome": "delivered", "detail": ""}],
        }
    ],
    "steps": [
        {
            "title": "Move chat to cirrus",
            "state": "done",
            "change": "Switch route chat from northwind to cirrus",
            "error": "",
            "by": "Sam Lee",
            "at": "2026-03-02 10:06 CET, 09:06 UTC",
        }
    ],
    "left": ["Switch route chat from northwind to cirrus"],
    "follow_ups": [
        {"number": 1, "text": "Ask for a higher limit", "owner": "Sam Lee", "due": "2026-04-01", "done": False}
    ],
    "written": "2026-03-02 11:00 CET, 10:00 UTC",
}
BARE: dict[str, Any] = {
    **FACTS,
    **dict.fromkeys(("known", "resolution", "acknowledged", "resolved", "to_page", "to_ack", "to_resolve"), ""),
    **{name: [] for name in ("findings", "people", "timeline", "pages", "steps", "left", "follow_ups")},
    "impact": None,
    "state": "triggered",
    "reopened": 0,
    "zone": "UTC",
}


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def tags(source: str) -> _Tags:
    parser = _Tags()
    parser.feed(source)
    return parser


def poisoned(facts: Any) -> Any:
    """The same facts with every text made hostile, but for what the bot alone makes."""
    kept = {"severity", "state", "zone", "utc", "local", "day", "address", "kind", "status"}
    if isinstance(facts, dict):
        return {name: value if name in kept else poisoned(value) for name, value in facts.items()}
    if isinstance(facts, list):
        return [poisoned(one) for one in facts]
    return EVIL if isinstance(facts, str) and facts else facts


@pytest.mark.parametrize("facts", [FACTS, BARE, poisoned(FACTS)], ids=["full", "bare", "hostile"])
def test_the_page_is_self_contained_and_runs_nothing(facts: dict[str, Any]) -> None:
    page = postmortem.html(facts)
    found = tags(page.content.decode())
    names = {tag for tag, _ in found.tags}
    assert not names & {"script", "iframe", "object", "link", "base", "form", "a", "svg"}
    assert all(not name.startswith("on") for _, attributes in found.tags for name in attributes)
    sources = [attributes["src"] for _, attributes in found.tags if "src" in attributes]
    assert all((source or "").startswith("data:image/png;base64,") for source in sources)
    assert "url(" not in page.content.decode()
    assert "script-src" not in page.policy
    assert page.policy.startswith("default-src 'none'; style-src 'sha256-")


def test_the_page_tells_everything_that_is_known() -> None:
    text = " ".join(tags(postmortem.html(FACTS).content.decode()).text.split())
    for part in (
        *("40 min", "41", "312", "Europe/Madrid", "09:05:12 UTC", "errors in every region", "Sam Lee lead"),
        *("The provider refused long prompts", "Switch route chat from northwind to cirrus", "due 2026-04-01"),
        *("big.png was not kept: it has 14.0 MB", "slack: delivered"),
    ):
        assert part in text, part


def test_what_is_not_known_is_said_and_not_left_blank() -> None:
    for document in (postmortem.html(BARE), postmortem.markdown(BARE)):
        text = document.content.decode()
        for part in ("Nobody has said yet what it was", "Nobody was paged", "No runbook was played", "None yet"):
            assert part in text


def test_hostile_text_is_neither_html_nor_markup_in_markdown() -> None:
    shown = MarkdownIt("commonmark").enable("table").render(postmortem.markdown(poisoned(FACTS)).content.decode())
    names = {tag for tag, _ in tags(shown).tags}
    plain = MarkdownIt("commonmark").enable("table").render(postmortem.markdown(FACTS).content.decode())
    assert names == {tag for tag, _ in tags(plain).tags}
    assert "<a " not in shown
    assert EVIL.split("\n")[0] in tags(shown).text


def test_the_markdown_has_its_tables_lists_and_tasks() -> None:
    text = postmortem.markdown(FACTS).content.decode()
    assert text.startswith("# Postmortem 7: Northwind AI reports a major outage\n")
    assert "| Lasted | 40 min, reopened 1× |" in text
    assert "- 10:05:12 (09:05:12 UTC) **Sam Lee**: errors in every region [picture: graph.png]" in text
    assert "- [ ] 1: Ask for a higher limit (Sam Lee, due 2026-04-01)" in text
    assert not re.search(r"\n{3}", text)


@given(st.text(max_size=200))
def test_any_text_in_markdown_reads_as_it_was_written(text: str) -> None:
    line = " ".join(text.replace("\x00", " ").split())
    shown = tags(MarkdownIt("commonmark").render(f"- {escape_markdown(text.replace(chr(0), ' '))}"))
    assert {tag for tag, _ in shown.tags} <= {"ul", "li"}
    assert " ".join(shown.text.split()) == line


def test_a_fact_that_is_missing_is_a_mistake_and_not_a_gap() -> None:
    facts = deepcopy(FACTS)
    del facts["owner"]
    with pytest.raises(UndefinedError):
        postmortem.html(facts)
