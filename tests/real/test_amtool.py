"""amtool of Debian's own package, unmodified, against a real bot: what it sends opens an incident and ends it."""

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.acceptance.desk import Desk, a_desk, text_of

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]


@pytest.fixture(scope="session")
def amtool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program: installed, or fetched as a package and unpacked."""
    installed = shutil.which("amtool")
    if installed is not None:
        return Path(installed)
    if shutil.which("apt-get") is None or shutil.which("dpkg") is None:
        pytest.skip("amtool is not installed, and this is no Debian that it could be fetched from")
    folder = tmp_path_factory.mktemp("amtool")
    got = subprocess.run(
        ["apt-get", "download", "prometheus-alertmanager"], cwd=folder, capture_output=True, text=True, check=False
    )
    package = next(folder.glob("*.deb"), None)
    if package is None:
        pytest.skip(f"apt-get download prometheus-alertmanager: {got.stderr.strip()[:200]}")
    subprocess.run(["dpkg", "-x", package, folder], check=True)
    return folder / "usr/bin/amtool"


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with a_desk(tmp_path, f"sqlite:///{tmp_path / 'badday.db'}") as opened:
        yield opened


async def run(program: Path, *arguments: str) -> str:
    process = await asyncio.create_subprocess_exec(
        program, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 0, output.decode()
    return output.decode()


async def test_amtool_opens_an_incident_and_ends_it(amtool: Path, desk: Desk) -> None:
    bot = await desk.start()
    where = f"--alertmanager.url={bot.url}"
    alert = (
        "alert",
        "add",
        "alertname=QueueFull",
        "severity=critical",
        "instance=web-1",
        "--annotation=summary=Jobs wait",
    )
    await run(amtool, *alert, where)
    root = await desk.root()
    assert "Jobs wait" in text_of(root)
    assert "SEV1" in text_of(root)
    await desk.page_to("maria")
    await run(amtool, *alert, "--end=2020-01-01T00:00:00-00:00", where)
    await desk.thread_says("resolved")


async def test_amtool_is_told_which_label_is_wrong(amtool: Path, desk: Desk) -> None:
    bot = await desk.start()
    process = await asyncio.create_subprocess_exec(
        amtool,
        "alert",
        "add",
        "QueueFull",
        "system=nobody",
        f"--alertmanager.url={bot.url}",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode != 0, output.decode()
