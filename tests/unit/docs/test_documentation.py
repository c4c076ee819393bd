"""What the documentation says exists: linked pages and headings, commands, variables, catalog keys."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from bot.cli import main
from bot.doctor import emitters
from bot.trail.mapping.vocabulary import VocabularyFile, load_vocabularies, read_vocabulary

ROOT = Path(__file__).resolve().parents[3]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
SEND_CALLS = ROOT / "docs" / "how-to" / "send-calls"
ENVIRONMENT = (ROOT / "docs" / "reference" / "environment.md").read_text()

_FENCED = re.compile(r"^\s*```.*?^\s*```", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"(?<!!)\[(?:[^\]]|\](?=`))*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_COMMAND = re.compile(r"(?:^|[`\s(])badday ((?:[a-z]+)(?: [a-z]+)?)")


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def links(page: Path) -> Iterator[tuple[str, str]]:
    """Targets inside the repository, each as a path and the part after `#`."""
    for target in _LINK.findall(_FENCED.sub("", page.read_text())):
        if not re.match(r"[a-z]+:", target):
            path, _, heading = target.partition("#")
            yield path, heading


def anchors(page: Path) -> set[str]:
    """The headings of a page as GitHub names them in addresses."""
    text = _FENCED.sub("", page.read_text())
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in _HEADING.findall(text)}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_somewhere(page: Path) -> None:
    for path, heading in links(page):
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{name_of(page)}: {path}"
        if heading:
            assert heading in anchors(target), f"{name_of(page)}: {path}#{heading}"


def test_every_page_can_be_reached_from_the_index() -> None:
    reached: set[Path] = set()
    waiting = [ROOT / "docs" / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        waiting.extend((page.parent / path).resolve() for path, _ in links(page) if path)
    assert {name_of(page) for page in (ROOT / "docs").rglob("*.md")} - {name_of(page) for page in reached} == set()


def commands(group: click.Group, *before: str) -> Iterator[str]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, *before, name)
        else:
            yield " ".join((*before, name))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_command_named_exists(page: Path) -> None:
    """`badday WORD [WORD]` where it is code: the first word is a command or a group, or both are one of a group."""
    known = set(commands(main)) | {name for name, command in main.commands.items() if isinstance(command, click.Group)}
    text = page.read_text()
    code = [*re.findall(r"`([^`\n]+)`", _FENCED.sub("", text)), *_FENCED.findall(text)]
    for words in (found for part in code for found in _COMMAND.findall(part)):
        first = words.split()[0]
        assert words in known or (first in main.commands and not isinstance(main.commands[first], click.Group)), (
            f"{name_of(page)}: badday {words}"
        )


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_variable_of_badday_named_exists(page: Path) -> None:
    of_tests = "".join(file.read_text() for file in (ROOT / "tests" / "real").glob("*.py"))
    for name in set(re.findall(r"\bBADDAY_[A-Z_]+\b", page.read_text())):
        assert f"| `{name}` |" in ENVIRONMENT or name in of_tests, f"{name_of(page)}: {name}"


def test_every_documented_variable_is_read_and_in_the_example() -> None:
    read = (ROOT / "bot" / "settings.py").read_text()
    example = (ROOT / ".env.example").read_text()
    for name in re.findall(r"^\| `([A-Z_]+)` \|", ENVIRONMENT, re.MULTILINE):
        assert name in read
        assert f"{name}=" in example


def test_the_doctor_knows_every_emitter_that_the_trail_knows() -> None:
    for vocabulary in (ROOT / "bot" / "trail" / "vocabularies").glob("*.yaml"):
        assert vocabulary.stem == "application" or emitters.emitter(vocabulary.stem) is not emitters.UNKNOWN


def test_attributes_that_people_are_told_to_set_are_understood() -> None:
    understood = load_vocabularies().general.targets
    for page in PAGES:
        for name in re.findall(
            r"`(badday\.(?!yaml|example|db)[a-z.]+|gen_ai\.prompt\.[a-z]+|user\.id|enduser\.id)`", page.read_text()
        ):
            assert name in understood, f"{name_of(page)}: {name}"


def test_the_example_vocabulary_can_be_read() -> None:
    page = (ROOT / "docs" / "how-to" / "add-an-emitter.md").read_text()
    example = re.search(r"```yaml\n(.*?)```", page, re.DOTALL)
    assert example is not None
    assert read_vocabulary(example[1]).name == "acme"
    for key in (*VocabularyFile.model_fields, "failed", "any", "none"):
        assert f"`{key}`" in page, key


def test_every_route_is_described() -> None:
    page = (ROOT / "docs" / "reference" / "http.md").read_text()
    for path in ("/v1/traces", "/v1/logs", "/v1/metrics", "/v1/litellm", "/api/public/otel/v1/traces"):
        assert f"`{path}`" in page


def test_the_doctor_sends_people_to_pages_that_exist() -> None:
    for known in (emitters.UNKNOWN, *emitters._KNOWN.values()):
        assert (ROOT / emitters.PAGES / known.page).exists()


@pytest.mark.parametrize("page", sorted(SEND_CALLS.glob("*.md")), ids=lambda page: page.stem)
def test_a_set_up_page_says_where_to_send_and_how_to_see_it(page: Path) -> None:
    text = page.read_text()
    assert f"({page.name})" in (SEND_CALLS / "README.md").read_text() or page.name == "README.md"
    if page.name == "import-a-log.md":
        return
    assert "http://127.0.0.1:8765" in text
    assert "see-that-it-works" in text or "badday calls tail" in text


def test_examples_of_json_are_json() -> None:
    for page in PAGES:
        for block in re.findall(r"^```json\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE):
            json.loads(block.replace("…", ""))
