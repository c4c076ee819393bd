"""Which value wins, and what a wrong one says."""

from pathlib import Path

import pytest

from bot.settings import SettingsError, config_path, load_settings


def env_file(folder: Path, text: str) -> Path:
    (folder / ".env").write_text(text, encoding="utf-8")
    return folder / "badday.yaml"


def test_everything_has_a_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load_settings(environ={})
    assert settings.config == Path("badday.yaml")
    assert settings.database_url == "sqlite:///badday.db"
    assert (settings.http_host, settings.http_port) == ("127.0.0.1", 8765)
    assert settings.public_url == "http://127.0.0.1:8765"
    assert (settings.slack_api_url, settings.slack_pace) == ("https://slack.com/api/", 1.0)
    assert settings.api_token is settings.slack_bot_token is settings.slack_app_token is None


def test_the_env_file_beside_the_catalog_is_read(tmp_path: Path) -> None:
    config = env_file(tmp_path, "BADDAY_API_TOKEN=from-file\nexport BADDAY_HTTP='127.0.0.1:9'\n# words\n")
    settings = load_settings(config, {})
    assert settings.api_token is not None
    assert settings.api_token.get_secret_value() == "from-file"
    assert settings.http_port == 9


def test_the_real_environment_wins(tmp_path: Path) -> None:
    config = env_file(tmp_path, "BADDAY_HTTP=127.0.0.1:1\n")
    assert load_settings(config, {"BADDAY_HTTP": "127.0.0.1:2"}).http_port == 2


@pytest.mark.parametrize("empty", ["", "  "])
def test_an_empty_value_counts_as_unset(tmp_path: Path, empty: str) -> None:
    config = env_file(tmp_path, "BADDAY_HTTP=127.0.0.1:1\nSLACK_BOT_TOKEN=\n")
    settings = load_settings(config, {"BADDAY_HTTP": empty})
    assert settings.http_port == 1
    assert settings.slack_bot_token is None


def test_the_catalog_is_named_by_argument_then_environment_then_env_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    env_file(tmp_path, "BADDAY_CONFIG=team.yaml\n")
    environ = {"BADDAY_CONFIG": "other/badday.yaml"}
    assert config_path(Path("mine.yaml"), environ) == Path("mine.yaml")
    assert config_path(environ=environ) == Path("other/badday.yaml")
    assert config_path(environ={}) == Path("team.yaml")


def test_a_dollar_in_a_password_is_a_dollar(tmp_path: Path) -> None:
    config = env_file(tmp_path, "DATABASE_URL=postgresql://u:${HOME}@h/d\n")
    assert load_settings(config, {}).database_url == "postgresql://u:${HOME}@h/d"


def test_the_public_url_follows_the_bind_address(tmp_path: Path) -> None:
    settings = load_settings(tmp_path / "badday.yaml", {"BADDAY_HTTP": "[::1]:80"})
    assert (settings.http_host, settings.public_url) == ("::1", "http://[::1]:80")


@pytest.mark.parametrize(("pace", "seconds"), [("1/s", 1.0), ("4/s", 0.25), ("0.5/s", 2.0)])
def test_the_pace_is_messages_a_second(tmp_path: Path, pace: str, seconds: float) -> None:
    assert load_settings(tmp_path / "x", {"BADDAY_SLACK_PACE": pace}).slack_pace == seconds


def test_no_pace_is_for_a_workspace_on_this_machine(tmp_path: Path) -> None:
    local = {"BADDAY_SLACK_PACE": "off", "SLACK_API_URL": "http://127.0.0.1:5000/api"}
    settings = load_settings(tmp_path / "x", local)
    assert (settings.slack_pace, settings.slack_api_url) == (None, "http://127.0.0.1:5000/api/")
    with pytest.raises(SettingsError, match="BADDAY_SLACK_PACE: `off` is only for a local workspace"):
        load_settings(tmp_path / "x", {"BADDAY_SLACK_PACE": "off"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BADDAY_HTTP", "8765"),
        ("BADDAY_HTTP", "::1:80"),
        ("BADDAY_HTTP", "localhost:http"),
        ("BADDAY_HTTP", "localhost:70000"),
        ("BADDAY_PUBLIC_URL", "desk.example.com"),
        ("DATABASE_URL", "mysql://root:hunter2@h/d"),
        ("SLACK_API_URL", "https://slack.com/"),
        ("SLACK_API_URL", "http://slack.example.com/api/"),
        ("SLACK_BOT_TOKEN", "xapp-hunter2"),
        ("SLACK_APP_TOKEN", "xoxb-hunter2"),
        ("BADDAY_HEARTBEAT_URL", "hc-ping.example/hunter2"),
        ("BADDAY_HEARTBEAT_URL", "http://hc.example.com/hunter2"),
        ("BADDAY_SLACK_PACE", "fast"),
        ("BADDAY_SLACK_PACE", "0/s"),
    ],
)
def test_a_wrong_value_names_its_variable_and_never_a_secret(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(tmp_path / "x", {name: value})
    assert str(caught.value).startswith(f"{name}: ")
    assert "hunter2" not in str(caught.value)


def test_secrets_are_not_printed(tmp_path: Path) -> None:
    tokens = {"SLACK_BOT_TOKEN": "xoxb-hunter2", "BADDAY_API_TOKEN": "hunter2"}
    settings = load_settings(tmp_path / "x", {**tokens, "BADDAY_HEARTBEAT_URL": "https://hc.example/hunter2"})
    assert "hunter2" not in repr(settings) + str(settings) + settings.model_dump_json()


def test_an_env_file_that_is_no_text_is_told(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"A=\xff\n")
    with pytest.raises(SettingsError, match=r"\.env: cannot be read: it is not UTF-8"):
        load_settings(tmp_path / "badday.yaml", {})
