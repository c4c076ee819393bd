"""The command line as a user meets it: what it prints, what it writes, its exit status."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bot.catalog import Engine, load_catalog, parse_catalog
from bot.catalog.init import catalog_text, checked, env_text, person
from bot.cli import main

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith(("BADDAY_", "SLACK_", "DATABASE_URL")):
            monkeypatch.delenv(name)
    return tmp_path


def badday(*arguments: str, answers: str | None = None) -> Result:
    return CliRunner().invoke(main, list(arguments), input=answers)


def test_init_writes_a_catalog_that_passes_the_check(folder: Path) -> None:
    assert badday("init", "--yes", "--owner", "maria.ortiz@example.com").exit_code == 0
    result = badday("check")
    assert (result.exit_code, result.stdout) == (
        0,
        "badday.yaml: good; people 1, providers 2, systems 1, watches 2\n",
    )
    system = load_catalog(folder / "badday.yaml").systems["support-bot"]
    assert (system.owner, system.channel, system.armed) == ("maria.ortiz", "support-bot", False)


def test_init_takes_every_option(folder: Path) -> None:
    options = [
        "--system",
        "sales",
        "--channel",
        "#sales-ai",
        "--owner",
        "sam@example.com",
        "--armed",
        "--dir",
        "new/desk",
    ]
    providers = ["--provider", "Groq", "--provider", "own=http://localhost:9000/", "--provider", "quiet"]
    assert badday("init", "--yes", *options, *providers, "--interval", "90").exit_code == 0
    catalog = load_catalog(folder / "new/desk/badday.yaml")
    system = catalog.systems["sales"]
    assert (system.channel, system.armed) == ("sales-ai", True)
    assert (system.routes["chat"].primary, system.routes["chat"].standbys) == ("Groq", ("own", "quiet"))
    assert list(catalog.watches) == ["status.Groq", "status.own"]
    watch = catalog.watches["status.Groq"]
    assert (watch.engine, watch.components, watch.interval.total_seconds()) == (Engine.INCIDENTIO, ("API",), 90)
    assert catalog.watches["status.own"].page == "http://localhost:9000"


def test_the_env_file_is_private_and_without_values(folder: Path) -> None:
    badday("init", "--yes", "--owner", "maria@example.com")
    assert stat.S_IMODE((folder / ".env").stat().st_mode) == 0o600
    assert (folder / ".env").read_text() == (ROOT / ".env.example").read_text() == env_text({})


def test_the_modeline_names_a_schema_that_is_there(folder: Path) -> None:
    badday("init", "--yes", "--owner", "maria@example.com")
    modeline = (folder / "badday.yaml").read_text().splitlines()[0]
    assert (folder / modeline.partition("$schema=")[2]).is_file()


@pytest.mark.parametrize("existing", ["badday.yaml", ".env"])
def test_init_never_writes_over_a_file(folder: Path, existing: str) -> None:
    (folder / existing).write_text("mine")
    result = badday("init", "--yes", "--owner", "maria@example.com")
    assert result.exit_code == 2
    assert f"{existing} exist already" in result.stderr
    assert [path.name for path in folder.iterdir()] == [existing]
    assert (folder / existing).read_text() == "mine"


def test_with_force_it_does_but_tokens_are_kept(folder: Path) -> None:
    (folder / "badday.yaml").write_text("old")
    (folder / ".env").write_text('SLACK_BOT_TOKEN=xoxb-1\nOTHER=it\'s a "#1" $HOME\\n\n')
    assert badday("init", "--yes", "--owner", "maria@example.com", "--force").exit_code == 0
    assert badday("check").exit_code == 0
    text = (folder / ".env").read_text()
    assert "SLACK_BOT_TOKEN=xoxb-1\n" in text
    assert badday("init", "--yes", "--owner", "maria@example.com", "--force").exit_code == 0
    assert (folder / ".env").read_text() == text
    assert stat.S_IMODE((folder / ".env").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "--owner: is missing"),
        (["--owner", "maria"], "--owner: 'maria' is not an e-mail address"),
        (["--owner", "m@example.com", "--system", "a b"], "--system: 'a b' is not a name"),
        (["--owner", "m@example.com", "--channel", "A B"], "--channel: 'A B' is not a channel"),
        (["--owner", "m@example.com", "--provider", "x=http://example.com"], "--provider x: is plain http"),
        (["--owner", "m@example.com", "--provider", "x", "--provider", "x"], "--provider: x is named twice"),
        (["--owner", "m@example.com", "--interval", "29"], "--interval: less than 30 seconds"),
        (["--owner", "m@example.com", "--interval", "0", "--provider", "x"], "--interval: less than"),
        (["--owner", "m@example.com", "--interval", "soon"], "'soon' is not a valid integer"),
        (["--owner", "m@example.com", "--colour"], "No such option"),
    ],
)
def test_wrong_options_write_nothing(folder: Path, options: list[str], message: str) -> None:
    result = badday("init", "--yes", *options)
    assert result.exit_code == 2
    assert message in result.stderr
    assert list(folder.iterdir()) == []


def test_fast_polling_of_this_machine_is_fine(folder: Path) -> None:
    options = ["--owner", "m@example.com", "--provider", "x=http://127.0.0.1:1", "--interval", "1"]
    assert badday("init", "--yes", *options).exit_code == 0
    assert badday("check").exit_code == 0


def test_init_asks_again_until_the_answer_is_good(folder: Path) -> None:
    answers = "maria\nmaria@example.com\n\n\nopenai, mine\nhttps://status.mine.example\n"
    result = badday("init", answers=answers)
    assert result.exit_code == 0, result.stderr
    assert "is not an e-mail address" in result.stderr
    catalog = load_catalog(folder / "badday.yaml")
    assert catalog.watches["status.mine"].page == "https://status.mine.example"


def test_init_with_nobody_to_ask_writes_nothing(folder: Path) -> None:
    result = badday("init", answers="")
    assert result.exit_code == 2
    assert "with --yes and --owner nothing is asked" in result.stderr
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("email", "key", "name"),
    [
        ("maria@example.com", "maria", "Maria"),
        ("Maria.Ortiz+slack@example.com", "maria.ortiz", "Maria Ortiz"),
        ("o'neill_jr2@example.com", "o-neill_jr2", "O'neill Jr"),
        ("李雷@example.com", "owner", "李雷"),
        ("null@example.com", "null", "Null"),
        ("123@example.com", "123", "123"),
        ("1e3@example.com", "1e3", "E"),
        ("#{x}@example.com", "x", "#{x}"),
    ],
)
def test_key_and_name_of_a_person_come_from_the_mail(email: str, key: str, name: str) -> None:
    assert (person(email).key, person(email).name) == (key, name)
    answers = checked(owner=email, system="null", channel="007", providers=["1.5", "true"], interval=60, armed=False)
    catalog = parse_catalog(catalog_text(answers, schema="x"))
    assert (catalog.people[key].name, catalog.people[key].email) == (name, email)
    assert (catalog.systems["null"].owner, catalog.systems["null"].channel) == (key, "007")
    assert catalog.systems["null"].routes["chat"].providers == ("1.5", "true")


def test_check_prints_all_mistakes_as_lines_and_as_json(folder: Path) -> None:
    (folder / "badday.yaml").write_text("people: {}\nsystem: {}\n")
    lines = badday("check").stdout.splitlines()
    assert lines[0] == "badday.yaml:1: badday: is missing; add `badday: …`"
    result = badday("check", "--json")
    assert result.exit_code == 1
    found = [json.loads(line) for line in result.stdout.splitlines()]
    assert len(found) == len(lines) == 3
    assert found[2] == {
        "file": "badday.yaml",
        "line": 2,
        "column": 1,
        "field": "system",
        "message": "unknown key",
        "fix": "did you mean `systems`?",
    }


def test_check_of_a_file_that_is_not_there_exits_2(folder: Path) -> None:
    result = badday("check", "nowhere.yaml")
    assert result.exit_code == 2
    assert "nowhere.yaml:1: there is no such file" in result.stdout
    assert json.loads(badday("check", "--json", "nowhere.yaml").stdout)["message"] == "there is no such file"


def test_check_follows_the_environment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BADDAY_CONFIG", str(ROOT / "badday.example.yaml"))
    assert badday("check").exit_code == 0


def test_a_wrong_environment_is_a_message_and_exit_2(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BADDAY_HTTP", "nowhere")
    result = badday("run")
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: BADDAY_HTTP: ")


def test_every_line_of_the_doctor_with_json_is_a_check(folder: Path) -> None:
    page = "broken=http://127.0.0.1:9"
    assert badday("init", "--yes", "--owner", "maria@example.com", "--provider", page).exit_code == 0
    command = str(Path(sys.executable).with_name("badday"))
    ended = subprocess.run([command, "doctor", "--json"], capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 1
    lines = [json.loads(line) for line in ended.stdout.splitlines()]
    assert {"catalog", "runbooks", "slack-bot-token"} <= {line["check"] for line in lines}
    assert all(set(line) == {"check", "status", "message", "fix"} for line in lines)


def test_a_folder_is_no_status_page_and_the_other_targets_are_still_read(folder: Path) -> None:
    (folder / "page.json").write_text('{"status": {"indicator": "none"}}', encoding="utf-8")
    (folder / "pages").mkdir()
    result = badday("probe", "status", str(folder / "pages"), str(folder / "page.json"), "--json")
    refused, read = map(json.loads, result.stdout.splitlines())
    assert result.exit_code == 1
    assert "is a folder; name the files in it" in refused["error"]
    assert (read["indicator"], read["error"]) == ("operational", None)


@pytest.mark.parametrize("arguments", [["walk"], ["check", "a", "b"], ["probe", "status"], ["sandbox", "--port", "x"]])
def test_wrong_use_exits_2(folder: Path, arguments: list[str]) -> None:
    assert badday(*arguments).exit_code == 2


def test_help_imports_nothing_of_the_bot(folder: Path) -> None:
    code = (
        "import sys; from bot.cli import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "print(sorted(name for name in sys.modules if name.split('.')[0] in ('bot', 'pydantic', 'sqlalchemy')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=folder)
    assert done.stdout.splitlines()[-1] == "['bot', 'bot.cli']"


def test_the_version_is_that_of_the_package(folder: Path) -> None:
    assert badday("--version").stdout.startswith("badday 0.")
