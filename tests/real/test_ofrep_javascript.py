"""OpenFeature's web SDK and its OFREP provider from npm, unmodified, read the switchboard and follow its stream."""

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.openfeature.test_provider import Bot

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]
PROGRAM = Path(__file__).with_name("ofrep_page.mjs")
PACKAGES = ["@openfeature/web-sdk@1", "@openfeature/ofrep-web-provider@0.4.3", "eventsource@5"]


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page's program beside a fresh installation of what it imports."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("node and npm are not installed here; install Node.js 20 or newer to run this")
    folder = tmp_path_factory.mktemp("ofrep")
    (folder / "package.json").write_text('{"private": true, "type": "module"}')
    command = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", *PACKAGES]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=240)
    return Path(shutil.copy(PROGRAM, folder))


class Page:
    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def tells(self, name: str) -> dict[str, Any]:
        """The next line of this name."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            told: dict[str, Any] = json.loads(line)
            assert told["name"] != "error", told
            if told["name"] == name:
                return told
        raise AssertionError(f"the page ended before it told {name}")


@pytest.fixture
def bot(tmp_path: Path) -> Iterator[Bot]:
    bot = Bot(tmp_path)
    bot.start()
    yield bot
    bot.kill()


@pytest.fixture
def page(program: Path, bot: Bot) -> Iterator[Page]:
    command = ["node", str(program), bot.url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Page(process)
        process.kill()


def test_a_page_reads_all_flags_and_follows_the_stream(page: Page, bot: Bot) -> None:
    told = page.tells("ready")
    assert (told["route"]["value"], told["route"]["variant"], told["route"]["reason"]) == (
        "northwind",
        "northwind",
        "STATIC",
    )
    assert told["feature"]["value"] is True
    assert told["cap"]["value"]["state"] == "open"
    time.sleep(1)
    bot.change("route.chat", "cirrus")
    begun = time.monotonic()
    told = page.tells("changed")
    assert told["route"]["value"] == "cirrus"
    assert told["flags"] == ["route.chat"]
    assert time.monotonic() - begun < 4
