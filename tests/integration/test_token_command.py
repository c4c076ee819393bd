"""`badday token` as a user meets it."""

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bot.cli import main


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith(("BADDAY_", "SLACK_", "DATABASE_URL")):
            monkeypatch.delenv(name)
    return tmp_path


def token(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["token", *arguments])


def test_a_token_is_made_listed_and_revoked() -> None:
    made = json.loads(token("create", "--system", "shop", "--json").stdout)
    assert (made["system"], made["scope"]) == ("shop", "ingest")
    assert made["token"].startswith(f"bd_{made['id']}_")
    listed = token("list", "--json").stdout
    assert made["token"].rpartition("_")[2] not in listed
    assert json.loads(listed) | {"created_at": ""} == {
        "id": made["id"],
        "system": "shop",
        "scope": "ingest",
        "created_at": "",
        "revoked_at": None,
    }
    assert token("revoke", made["id"]).exit_code == 0
    assert json.loads(token("list", "--json").stdout)["revoked_at"] is not None
    assert "revoked" in token("list").stdout


def test_without_json_the_token_stands_alone_on_standard_output() -> None:
    result = token("create", "--system", "shop", "--scope", "read")
    assert result.stdout.startswith("bd_")
    assert len(result.stdout.split()) == 1
    assert "shown only now" in result.stderr


def test_an_unknown_id_is_a_failure_and_wrong_use_is_told() -> None:
    assert token("revoke", "0000000000").exit_code == 1
    assert token("create").exit_code == 2
    assert token("create", "--system", " ").exit_code == 2
    assert token("create", "--system", "shop", "--scope", "everything").exit_code == 2


def test_a_system_that_the_catalog_does_not_have_is_noted() -> None:
    CliRunner().invoke(main, ["init", "--yes", "--owner", "maria@example.com"])
    assert "has no system shop" in token("create", "--system", "shop").stderr
    assert "has no system" not in token("create", "--system", "support-bot").stderr
