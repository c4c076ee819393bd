"""The reference page knows every action, name, filter and state, and its example is a good runbook."""

import re
from pathlib import Path
from textwrap import dedent

from bot.actions.registry import packaged
from bot.runbooks import templates
from bot.runbooks.life import State
from bot.runbooks.meaning import parse_runbook
from bot.runbooks.schema import Runbook, Step

DOCS = Path(__file__).resolve().parents[3] / "docs"
PAGE = (DOCS / "reference" / "runbooks.md").read_text()


def test_every_action_is_described_with_its_arguments() -> None:
    for name, action in packaged().items():
        (line,) = [line for line in PAGE.splitlines() if line.startswith(f"| `{name}` |")]
        keys = (field.alias or name for name, field in action.With.model_fields.items())
        assert all(f"`{key}`" in line for key in keys)


def test_every_key_name_and_state_is_described() -> None:
    keys = [*Runbook.model_fields, *(f"steps[].{field.alias or name}" for name, field in Step.model_fields.items())]
    names = [field for fields in templates.KNOWN.values() for field in fields]
    for word in (*keys, *templates.KNOWN, *names, *State):
        assert f"`{word}`" in PAGE, word


def test_the_example_of_the_how_to_is_a_good_runbook() -> None:
    page = (DOCS / "how-to" / "write-a-runbook.md").read_text()
    example = re.search(r"```yaml\n(.*?)```", page, re.DOTALL)
    assert example is not None
    runbook = parse_runbook(dedent("   " + example[1]), "translation-outage.yaml", packaged())
    assert len(runbook.steps) == 3
