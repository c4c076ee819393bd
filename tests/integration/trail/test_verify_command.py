"""`badday trail verify` on recorded bodies, through the whole trail and its database."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot.cli import main

FIXTURES = Path(__file__).parents[2] / "fixtures" / "otlp"


@pytest.mark.parametrize("folder", sorted(path.name for path in FIXTURES.iterdir() if path.is_dir()))
def test_recorded_bodies_agree_with_their_truth(folder: str) -> None:
    result = CliRunner().invoke(main, ["trail", "verify", "--json", str(FIXTURES / folder)])
    line = json.loads(result.stdout)
    assert (result.exit_code, line["ok"], line["missing"], line["extra"]) == (0, True, 0, 0)


def test_a_folder_that_lacks_a_call_is_told_and_exits_1(tmp_path: Path) -> None:
    folder = tmp_path / "langfuse"
    shutil.copytree(FIXTURES / "langfuse", folder)
    truth = json.loads((folder / "truth.json").read_text())
    scenario = next(iter(truth))
    truth[scenario].append({**truth[scenario][0], "response_id": "never-seen"})
    (folder / "truth.json").write_text(json.dumps(truth))
    result = CliRunner().invoke(main, ["trail", "verify", str(folder)])
    assert result.exit_code == 1
    assert "NOT OK" in result.stdout
    assert f"{scenario}: 1 of" in result.stderr


def test_a_folder_without_a_truth_is_passed_over(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["trail", "verify", "--json", str(tmp_path)])
    assert (result.exit_code, result.stdout) == (0, "")
    assert "truth.json" in result.stderr


def test_a_body_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "truth.json").write_text("{}")
    (tmp_path / "index.json").write_text('[{"scenario": "s", "requests": [{"file": "gone.pb"}]}]')
    result = CliRunner().invoke(main, ["trail", "verify", str(tmp_path)])
    assert result.exit_code == 1
    assert "gone.pb" in result.stderr
