"""LiteLLM's proxy from PyPI, without a database, obeys the switchboard by our hook."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from textwrap import dedent

import httpx
import pytest

from bot.store.database import Database
from bot.store.tables import CallDay, CallSeries
from bot.trail.identity import microseconds
from bot.trail.queries.spending import DAY_US
from tests.integration.openfeature.test_provider import Bot, eventually

pytestmark = [pytest.mark.real, pytest.mark.timeout(600)]
ROOT = Path(__file__).resolve().parents[2]
LITELLM = "litellm[proxy]==1.106.2"
"""By number: releases of March 2026 carried malware."""
KEY = "sk-badday-test-9f31c2"


class Model(BaseHTTPRequestHandler):
    """A provider of models in OpenAI's shape; each model answers its own name."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        message = {"role": "assistant", "content": asked["model"]}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        head = {"id": "answer-1", "object": "chat.completion", "created": 1, "model": asked["model"]}
        body = json.dumps(head | {"choices": [choice], "usage": usage}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@pytest.fixture
def models() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Model)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="session")
def litellm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The proxy's program, in an environment that has our client and not the bot."""
    folder = tmp_path_factory.mktemp("litellm")
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True, timeout=60)
    install = [folder / "venv/bin/python", "-m", "pip", "install", "-q", LITELLM, "openfeature-sdk", "httpx-sse"]
    subprocess.run(install, check=True, capture_output=True, timeout=500)
    (folder / "site").mkdir()
    (folder / "site/badday_openfeature").symlink_to(ROOT / "badday_openfeature")
    return folder / "venv/bin/litellm"


@pytest.fixture
def bot(tmp_path: Path) -> Iterator[Bot]:
    bot = Bot(tmp_path)
    bot.start()
    yield bot
    bot.kill()


class Proxy:
    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {KEY}"}, timeout=20, trust_env=False)

    def call(self, **more: object) -> httpx.Response:
        body = {"model": "chat", "messages": [{"role": "user", "content": "hello"}]} | more
        return self.http.post("/v1/chat/completions", json=body)

    def answers(self) -> str:
        """The model that answered."""
        return str(self.call().json()["choices"][0]["message"]["content"])

    def ready(self) -> bool:
        try:
            return self.http.get("/health/liveliness").status_code == 200
        except httpx.HTTPError:
            return False


@pytest.fixture
def proxy(litellm: Path, models: str, bot: Bot, tmp_path: Path) -> Iterator[Proxy]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    configuration = tmp_path / "config.yaml"
    configuration.write_text(
        dedent(f"""\
        model_list:
          - model_name: chat
            litellm_params: {{model: openai/large-1, api_base: "{models}", api_key: none}}
          - model_name: chat-cirrus
            litellm_params: {{model: openai/tall-1, api_base: "{models}", api_key: none}}
        litellm_settings:
          callbacks: badday_openfeature.litellm_hook.switchboard
        general_settings:
          master_key: {KEY}
        """)
    )
    variables = {
        "BADDAY_URL": bot.url,
        "BADDAY_READ_TOKEN": read_token(tmp_path),
        "BADDAY_CACHE": str(tmp_path / "values.json"),
        "PYTHONPATH": str(litellm.parents[2] / "site"),
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "NO_PROXY": "127.0.0.1",
    }
    command = [str(litellm), "--config", str(configuration), "--host", "127.0.0.1", "--port", str(port)]
    with (tmp_path / "litellm.log").open("wb") as log:
        process = subprocess.Popen(command, env=os.environ | variables, stdout=log, stderr=log, cwd=tmp_path)
    proxy = Proxy(f"http://127.0.0.1:{port}")
    try:
        eventually(proxy.ready, within=90)
        yield proxy
    finally:
        proxy.http.close()
        process.terminate()
        process.wait(20)


def read_token(folder: Path) -> str:
    """As an operator makes it, on the bot's database."""
    command = [Path(sys.executable).with_name("badday"), "token", "create", "--system", "support-bot"]
    variables = {"DATABASE_URL": f"sqlite:///{folder}/badday.db"}
    made = subprocess.run(
        [*command, "--scope", "read", "--json"], cwd=folder, env=os.environ | variables, check=True, capture_output=True
    )
    return str(json.loads(made.stdout)["token"])


def spend(dollars: int, folder: Path) -> None:
    """As the trail counts calls of today."""

    async def put() -> None:
        db = Database(f"sqlite:///{folder}/badday.db")
        async with db.transaction() as session:
            series = CallSeries(digest=b"today", system="support-bot")
            session.add(series)
            await session.flush()
            assert series.id is not None
            start = microseconds(datetime.now(UTC)) // DAY_US
            session.add(CallDay(start=start, series_id=series.id, calls=1, cost_nano=dollars * 10**9))
        await db.close()

    asyncio.run(put())


def test_live_traffic_obeys_the_switchboard(proxy: Proxy, bot: Bot, tmp_path: Path) -> None:
    assert proxy.answers() == "large-1"
    bot.change("route.chat", "cirrus")
    assert eventually(lambda: proxy.answers() == "tall-1") < 2

    bot.change("feature.autoreply", False)
    eventually(lambda: proxy.call(metadata={"feature": "autoreply"}).status_code == 503, within=2)
    pulled = proxy.call(metadata={"feature": "autoreply"})
    assert "feature pulled by on-call" in pulled.text
    assert proxy.answers() == "tall-1", "a call of no feature goes on"

    bot.change("ban.cirrus", ["tall-1"])
    eventually(lambda: proxy.call().status_code == 503, within=2)
    bot.change("ban.cirrus", [])
    eventually(lambda: proxy.call().status_code == 200, within=2)

    spend(60, tmp_path)
    eventually(lambda: proxy.call().status_code == 429, within=3)
    assert "spending cap daily is closed" in proxy.call().text

    bot.change("cap.daily", {"amount": "500.00", "currency": "USD", "period": "day"})
    eventually(lambda: proxy.call().status_code == 200, within=3)
    bot.kill()
    time.sleep(1)
    assert proxy.answers() == "tall-1", "the last values stay in force"
