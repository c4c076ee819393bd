"""The JavaScript Bolt from npm, unmodified, lives in the local workspace as the Python one does."""

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.sandbox.server import Sandbox

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]
PROGRAM = Path(__file__).with_name("bolt_app.mjs")
Json = dict[str, Any]


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The app beside a fresh installation of @slack/bolt."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("node and npm are not installed here; install Node.js 20 or newer to run this")
    folder = tmp_path_factory.mktemp("bolt")
    (folder / "package.json").write_text('{"private": true, "type": "module"}')
    command = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "@slack/bolt"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=240)
    return Path(shutil.copy(PROGRAM, folder))


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(rate_limit=False) as running:
        yield running


class App:
    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def tells(self, name: str) -> Json:
        """The next line of this name; others in between are passed over."""
        assert self.process.stdout is not None
        while line := await asyncio.wait_for(self.process.stdout.readline(), 20):
            told: Json = json.loads(line)
            if told["name"] == name:
                return told
        raise AssertionError(f"the app ended before it told {name}")


@pytest.fixture
async def app(program: Path, sandbox: Sandbox) -> AsyncIterator[App]:
    tokens = {
        "SLACK_BOT_TOKEN": sandbox.bot_token,
        "SLACK_APP_TOKEN": sandbox.app_token,
        "SLACK_API_URL": sandbox.api_url,
    }
    process = await asyncio.create_subprocess_exec(
        "node", str(program), stdout=asyncio.subprocess.PIPE, env={**os.environ, **tokens}
    )
    yield App(process)
    if process.returncode is None:
        process.terminate()
    await process.wait()


async def test_mention_command_click_modal_shortcut_home_and_upload_work(app: App, sandbox: Sandbox) -> None:
    assert (await app.tells("ready"))["uploaded"] == "a.txt"
    async with httpx.AsyncClient(base_url=sandbox.control_url, trust_env=False, timeout=20) as http:

        async def act(what: str, /, **body: Any) -> Json:
            answer: Json = (await http.post(f"/{what}", json={"user": "maria", **body})).json()
            assert answer["ok"], answer
            return answer

        posted = await act("message", channel="support-bot", text="@badday are you there?")
        assert "are you there?" in (await app.tells("mention"))["text"]
        thread = await http.get("/messages", params={"channel": "support-bot", "thread_ts": posted["ts"]})
        ts = thread.json()["messages"][-1]["ts"]
        assert (await act("click", channel="support-bot", ts=ts, action_id="go"))["acknowledged"]
        assert (await app.tells("click"))["value"] == "v1"
        command = await act("command", channel="support-bot", command="/badday", text="status")
        assert command["response"] == {"text": "you said status"}
        await app.tells("command")
        assert (await act("submit", values={"what": "bad"}))["errors"] == {"b": "Say more"}
        assert (await act("submit", values={"what": "good"}))["response_action"] == "close"
        await act("shortcut", callback_id="report_output", channel="support-bot", ts=posted["ts"])
        assert "are you there?" in (await app.tells("shortcut"))["text"]
        await act("home")
        await app.tells("home")
        assert (await http.get("/views", params={"user": "maria"})).json()["home"]["blocks"][0]["type"] == "divider"
