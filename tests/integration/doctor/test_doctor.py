"""The doctor against a workspace in which something is missing, and one in which nothing is."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.doctor.check import Check, Status
from bot.doctor.examination import checks
from bot.sandbox.server import Sandbox
from bot.settings import load_settings
from bot.slack.manifest import load_manifest
from tests.acceptance.desk import CATALOG, StatusPage


@pytest.fixture
async def page() -> AsyncIterator[StatusPage]:
    async with StatusPage() as served:
        yield served


async def examine(folder: Path, sandbox: Sandbox, page: StatusPage, **environment: str) -> dict[str, Check]:
    catalog = folder / "badday.yaml"
    if not catalog.exists():
        catalog.write_text(CATALOG.format(page=page.url, hold=2))
    defaults = {
        "SLACK_BOT_TOKEN": sandbox.bot_token,
        "SLACK_APP_TOKEN": sandbox.app_token,
        "SLACK_API_URL": sandbox.api_url,
        "DATABASE_URL": f"sqlite:///{folder}/badday.db",
    }
    settings = load_settings(catalog, defaults | environment)
    return {check.check: check async for check in checks(settings)}


async def test_nothing_is_missing(tmp_path: Path, page: StatusPage) -> None:
    async with Sandbox(manifest=load_manifest()) as sandbox:
        found = await examine(tmp_path, sandbox, page)
    assert {name for name, check in found.items() if check.status is not Status.OK} == {"calls", "reach without Slack"}
    assert found["calls"].message == "the database is still empty, so it holds no calls"
    assert {"catalog", "database", "slack-scopes", "channel support-bot", "person maria"} <= set(found)
    assert "watch status.northwind" in found


async def test_a_missing_scope_is_named_with_what_to_do(tmp_path: Path, page: StatusPage) -> None:
    manifest = json.loads(json.dumps(load_manifest()))
    manifest["oauth_config"]["scopes"]["bot"].remove("im:write")
    async with Sandbox(manifest=manifest) as sandbox:
        check = (await examine(tmp_path, sandbox, page))["slack-scopes"]
    assert (check.status, check.message) == (Status.FAIL, "the installed app lacks: im:write")
    assert "slack-manifest.yaml" in check.fix


async def test_a_channel_without_the_bot_and_a_stranger_are_named(tmp_path: Path, page: StatusPage) -> None:
    text = CATALOG.replace("channel: support-bot", "channel: nowhere").replace("sam@example.com", "who@example.com")
    (tmp_path / "badday.yaml").write_text(text.format(page=page.url, hold=2))
    async with Sandbox(manifest=load_manifest()) as sandbox:
        found = await examine(tmp_path, sandbox, page)
    assert found["channel nowhere"].status is Status.FAIL
    assert "/invite" in found["channel nowhere"].fix
    assert found["person sam"].status is Status.FAIL
    assert "who@example.com" in found["person sam"].message


async def test_tokens_that_are_missing_or_refused_never_appear(tmp_path: Path, page: StatusPage) -> None:
    async with Sandbox(manifest=load_manifest()) as sandbox:
        refused = await examine(tmp_path, sandbox, page, SLACK_BOT_TOKEN="xoxb-of-somebody-else")
        missing = await examine(tmp_path, sandbox, page, SLACK_BOT_TOKEN="")
    assert "invalid_auth" in refused["slack-bot-token"].message
    assert "xoxb-of-somebody-else" not in str(refused)
    assert missing["slack-bot-token"].status is Status.FAIL


async def test_a_watch_that_cannot_be_read_is_told(tmp_path: Path, page: StatusPage) -> None:
    async with Sandbox(manifest=load_manifest()) as sandbox:
        await page.__aexit__(None, None, None)
        found = await examine(tmp_path, sandbox, page)
    assert found["watch status.northwind"].status is Status.FAIL
