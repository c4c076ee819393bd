"""Runbook files: mistakes with their lines, and a JSON Schema that says the same."""

from pathlib import Path
from textwrap import dedent

import jsonschema
import pytest
from ruamel.yaml import YAML

from bot.actions.registry import packaged
from bot.catalog import CatalogError
from bot.runbooks import json_schema, library
from bot.runbooks.meaning import parse_runbook

GOOD = dedent("""\
    runbook: 1
    name: outage
    summary: Move traffic.
    starts_on:
      - {watch: "status.*"}
    steps:
      - id: look
        title: Look
        note: Read the page of {{ incident.provider }}.
      - id: switch
        title: Switch {{ route.name }}
        do: route.set
        with: {route: "{{ route.name }}", to: "{{ route.standby }}"}
        undo: previous_value
    """)


def problems(text: str) -> list[str]:
    with pytest.raises(CatalogError) as caught:
        parse_runbook(text, "outage.yaml", packaged())
    return [str(problem) for problem in caught.value.problems]


def test_a_good_runbook_is_read() -> None:
    runbook = parse_runbook(GOOD, "outage.yaml", packaged())
    assert (runbook.name, [step.id for step in runbook.steps]) == ("outage", ["look", "switch"])
    assert runbook.matches("status.openai", bool) == "status.*"
    assert runbook.matches("cost.total", bool) is None


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("summary:", "sumary:", "outage.yaml:3: sumary: unknown key; did you mean `summary`?"),
        (
            "    undo: previous_value",
            "    on_fial: ask",
            "outage.yaml:14: steps[1].on_fial: unknown key; did you mean `on_fail`?",
        ),
        (
            "do: route.set",
            "do: route.sett",
            "outage.yaml:12: steps[1].do: unknown action 'route.sett'; did you mean route.set?",
        ),
        (
            "do: route.set",
            "do: x",
            f"outage.yaml:12: steps[1].do: unknown action 'x'; the actions are: {', '.join(sorted(packaged()))}",
        ),
        (
            'to: "{{ route.standby }}"',
            'too: "{{ route.standby }}"',
            "outage.yaml:13: steps[1].with.too: unknown key; did you mean `to`?",
        ),
        (
            ', to: "{{ route.standby }}"',
            "",
            "outage.yaml:13: steps[1].with.to: is missing; add `to: …`",
        ),
        (
            'with: {route: "{{ route.name }}", to: "{{ route.standby }}"}',
            "with: {route: 5, to: b}",
            "outage.yaml:13: steps[1].with.route: must be text, not a number; put it in quotes",
        ),
        (
            "{{ route.standby }}",
            "{{ route.backup }}",
            "outage.yaml:13: steps[1].with.to: uses the unknown field route.backup; "
            "its fields are: name, primary, standby, standbys, value",
        ),
        (
            "title: Look",
            "title: Look at {{ alert.provider }}",
            "outage.yaml:8: steps[0].title: uses the unknown name 'alert'; "
            "the names are: incident, inputs, route, steps",
        ),
        (
            "id: switch",
            "id: look",
            "outage.yaml:10: steps[1].id: the id 'look' is used twice; give each step its own id",
        ),
        (
            "undo: previous_value",
            "undo: maybe",
            "outage.yaml:14: steps[1].undo: 'maybe' is not known here; write previous_value or none",
        ),
        ("runbook: 1", "runbook: 2", "outage.yaml:1: runbook: '2' is not known here; write 1"),
        (
            "name: outage",
            "name: outage\nname: other",
            "outage.yaml:3: name: this key is already in line 2; remove one of the two",
        ),
    ],
)
def test_a_mistake_is_told_with_its_line_and_what_to_do(old: str, new: str, problem: str) -> None:
    assert old in GOOD
    assert problem in problems(GOOD.replace(old, new, 1))


def test_a_step_has_an_action_or_a_note() -> None:
    text = GOOD.replace("    note: Read the page of {{ incident.provider }}.\n", "")
    (problem,) = problems(text)
    assert problem.startswith("outage.yaml:7: steps[0]: has neither `do` nor `note`")


def test_an_empty_file_and_no_yaml_are_problems() -> None:
    assert problems("") == ["outage.yaml:1: the runbook is empty; see docs/how-to/write-a-runbook.md"]
    assert problems("steps: [")[0].startswith("outage.yaml:1: ")


def test_all_mistakes_come_at_once() -> None:
    text = GOOD.replace("do: route.set", "do: nothing").replace("title: Look", "title: '{{ x }}'")
    assert len(problems(text)) == 2


def test_the_json_schema_in_the_package_is_that_of_the_models() -> None:
    kept = Path(json_schema.__file__).with_name("runbook.schema.json").read_text()
    fresh = json_schema.text(packaged())
    assert kept == fresh, "renew it: python -m bot.runbooks.json_schema > bot/runbooks/runbook.schema.json"


def test_the_json_schema_accepts_good_runbooks_and_refuses_wrong_ones() -> None:
    validator = jsonschema.Draft202012Validator(json_schema.json_schema(packaged()))
    read = YAML(typ="safe", pure=True).load
    texts = [GOOD, *(path.read_text() for path in sorted(library.packaged_folder().glob("*.yaml")))]
    assert len(texts) > 1
    for text in texts:
        validator.validate(read(text))
    for old, new in [("summary:", "sumary:"), ("do: route.set", "do: x"), ("to:", "too:"), ("    note:", "    with:")]:
        assert not validator.is_valid(read(GOOD.replace(old, new, 1))), old


def test_the_packaged_runbooks_are_good(tmp_path: Path) -> None:
    live = library.LiveLibrary(tmp_path)
    assert live.problems == ()
    assert "provider-outage" in live().runbooks
