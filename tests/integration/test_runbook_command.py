"""`badday runbook …` from a shell: JSON lines, exit statuses, and mistakes with their places."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bot.runbooks.library import packaged_folder

INCIDENT = {
    "system": "support-bot",
    "severity": "sev1",
    "title": "openai is down",
    "provider": "openai",
    "findings": [{"kind": "provider_status", "subject": "openai", "value": 3}],
    "opened_at": "2026-11-01T10:00:00Z",
}


def badday(folder: Path, *words: str) -> tuple[int, list[dict[str, Any]], str]:
    command = [str(Path(sys.executable).with_name("badday")), *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    command = [str(Path(sys.executable).with_name("badday")), "init", "--yes", "--owner", "maria@example.com"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    (tmp_path / "incident.json").write_text(json.dumps(INCIDENT))
    return tmp_path


def test_a_plan_is_filled_in_and_changes_nothing(folder: Path) -> None:
    before = sorted(folder.iterdir())
    status, lines, _ = badday(
        folder, "runbook", "plan", "provider-outage", "--incident-json", "incident.json", "--json"
    )
    assert status == 0
    (switch,) = [line for line in lines if line["step"] == "switch"]
    assert (switch["do"], switch["with"]) == ("route.set", {"route": "chat", "to": "anthropic"})
    assert {"step", "title", "do", "with", "run", "if", "approve", "undo", "expires"} <= switch.keys()
    assert sorted(folder.iterdir()) == before


def test_every_packaged_runbook_is_rehearsed_on_all_paths(folder: Path) -> None:
    files = [str(path) for path in sorted(packaged_folder().glob("*.yaml"))]
    status, lines, errors = badday(folder, "runbook", "rehearse", "--all-paths", *files, "--json")
    assert (status, errors) == (0, "")
    assert {line["runbook"] for line in lines} == {Path(file).stem for file in files}
    assert all(line["ok"] and line["path"] and line["steps"] for line in lines)


def test_a_mistake_has_its_place(folder: Path) -> None:
    text = (packaged_folder() / "provider-outage.yaml").read_text().replace("do: route.set", "do: route.sett")
    (folder / "provider-outage.yaml").write_text(text)
    status, lines, _ = badday(folder, "runbook", "validate", "provider-outage.yaml", "--json")
    assert status == 1
    assert all(line.keys() == {"file", "line", "column", "field", "message", "fix"} for line in lines)
    assert any("unknown action 'route.sett'" in line["message"] for line in lines)
    assert badday(folder, "runbook", "validate", "nowhere.yaml", "--json")[0] == 2


def test_a_runbook_is_started_in_an_incident_of_its_own_and_then_in_that(folder: Path) -> None:
    for _ in range(2):
        status, lines, errors = badday(folder, "runbook", "run", "bad-output-public", "--json")
        assert (status, lines) == (0, [{"runbook": "bad-output-public", "system": "support-bot", "incident": 1}]), (
            errors
        )
    status, _, errors = badday(folder, "runbook", "run", "bill-tripled", "amount=0")
    assert (status, "amount cannot be $0; write 1 to 100000" in errors) == (2, True)
    assert badday(folder, "runbook", "run", "nothing")[0] == 1
    assert badday(folder, "runbook", "run", "bill-tripled", "--system", "other")[0] == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["plan", "nothing", "--incident-json", "incident.json"], "there is no runbook 'nothing'"),
        (["plan", "provider-outage", "--incident-json", "none.json"], "none.json: cannot be read"),
        (["plan", "provider-outage", "a=b", "--incident-json", "incident.json"], "there is no input 'a'"),
        (["rehearse", "none.yaml"], "there is no such file"),
    ],
)
def test_wrong_use_is_said_and_ends_with_2(folder: Path, words: list[str], said: str) -> None:
    status, _, errors = badday(folder, "runbook", *words)
    assert status == 2
    assert said in errors
