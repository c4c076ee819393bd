"""Unleash itself, from npm and on the PostgreSQL of the tests: a step pulls a feature there and brings it back."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.catalog.models import DriverSetup, Feature
from tests.acceptance.desk import free_port
from tests.integration.actions.conftest import SECRETS, Stage, catalog, stage
from tests.postgres import PostgresServer

__all__ = ["catalog", "stage"]
pytestmark = [pytest.mark.real, pytest.mark.timeout(600)]
VERSION = "7.5.1"
TOKEN = "*:*.unleash-admin-token-of-a-test"
PATH = "/api/admin/projects/default/features"


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("node and npm are not installed here; install Node.js 20 or newer to run this")
    folder = tmp_path_factory.mktemp("unleash")
    (folder / "package.json").write_text('{"private": true}')
    command = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", f"unleash-server@{VERSION}"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=400)
    return folder / "node_modules" / "unleash-server" / "dist" / "server.js"


@pytest.fixture
def its_database(postgres: PostgresServer) -> Iterator[str]:
    with postgres.database() as url:
        yield url


@pytest.fixture
async def unleash(program: Path, its_database: str, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    port = free_port()
    variables = {
        "DATABASE_URL": its_database,
        "DATABASE_SSL": "false",
        "INIT_ADMIN_API_TOKENS": TOKEN,
        "HTTP_HOST": "127.0.0.1",
        "HTTP_PORT": str(port),
        "SEND_TELEMETRY": "false",
        "CHECK_VERSION": "false",
    }
    with (tmp_path / "unleash.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *("node", str(program)), env=os.environ | variables, stdout=log, stderr=asyncio.subprocess.STDOUT
        )
    headers = {"Authorization": TOKEN}
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=10) as client:
            for _ in range(300):
                try:
                    if (await client.get("/health")).status_code == 200:
                        break
                except httpx.TransportError:
                    pass
                assert process.returncode is None, (tmp_path / "unleash.log").read_text()[-2_000:]
                await asyncio.sleep(0.2)
            yield client
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def shown(client: httpx.AsyncClient, environment: str) -> bool:
    found: dict[str, Any] = (await client.get(f"{PATH}/autoreply-kill")).json()
    return bool(next(one["enabled"] for one in found["environments"] if one["name"] == environment))


async def test_a_feature_is_pulled_and_brought_back(
    unleash: httpx.AsyncClient, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SECRETS, "UNLEASH_TOKEN", TOKEN)
    made = await unleash.post(PATH, json={"name": "autoreply-kill", "type": "kill-switch"})
    assert made.status_code == 201, made.text
    strategy = {"name": "default", "constraints": [], "parameters": {}}
    for environment in ("development", "production"):
        await unleash.post(f"{PATH}/autoreply-kill/environments/{environment}/strategies", json=strategy)
        await unleash.post(f"{PATH}/autoreply-kill/environments/{environment}/on")
    assert await shown(unleash, "production")

    setup = DriverSetup("flags", "unleash", str(unleash.base_url).rstrip("/"), "UNLEASH_TOKEN")
    feature = Feature("autoreply", via="flags", remote="autoreply-kill")
    system = replace(stage.context.system, features={"autoreply": feature})
    outside = replace(stage.context.catalog, systems={system.name: system}, drivers={"flags": setup})
    there = Stage(replace(stage.context, catalog=outside, system=system), stage.http)

    said, reading = await there.run("feature.off", feature="autoreply")
    assert (said, reading["value"]) == ("Switch feature autoreply off", False)
    assert not await shown(unleash, "production")
    assert await shown(unleash, "development"), "other environments are left alone"
    assert (await there.run("feature.off", feature="autoreply"))[0].startswith("Keep feature autoreply off")
    await there.undo("feature.off", {"value": True}, feature="autoreply")
    assert await shown(unleash, "production")
