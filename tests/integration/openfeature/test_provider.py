"""The provider against the bot's own switchboard and the public SDK: a bot that is gone changes nothing."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from openfeature import api
from openfeature.client import OpenFeatureClient
from openfeature.evaluation_context import EvaluationContext
from openfeature.event import ProviderEvent

from badday_openfeature import BaddayProvider
from bot.catalog import parse_catalog
from bot.store.database import Database
from bot.switchboard import board

DOCUMENT = dedent("""\
    badday: 1
    people: {maria: {name: Maria Ortiz, email: maria@example.com}}
    providers: {northwind: {}, cirrus: {}}
    systems:
      support-bot:
        owner: maria
        channel: support-bot
        routes: {chat: {primary: northwind, standbys: [cirrus]}}
        features: {autoreply: {}}
        caps: {daily: {amount: "50.00"}}
    """)


def eventually(look: Callable[[], object], *, within: float = 8.0) -> float:
    """The seconds until it is so."""
    begun = time.monotonic()
    while not look():
        assert time.monotonic() - begun < within, "it never was so"
        time.sleep(0.005)
    return time.monotonic() - begun


class Bot:
    """The bot's role `switchboard`, a process of its own that can be killed and frozen."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None
        (folder / "badday.yaml").write_text(DOCUMENT)

    def start(self) -> None:
        variables = {"BADDAY_HTTP": f"127.0.0.1:{self.port}", "DATABASE_URL": f"sqlite:///{self._folder}/badday.db"}
        command = [str(Path(sys.executable).with_name("badday")), "run", "--only", "switchboard"]
        self.process = subprocess.Popen(
            command, cwd=self._folder, env=os.environ | variables, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        eventually(self._ready, within=30)

    def _ready(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def tell(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def change(self, key: str, value: object) -> None:
        """As a step in another process would: found by looking at the database."""

        async def put() -> None:
            db = Database(f"sqlite:///{self._folder}/badday.db")
            async with db.transaction() as session:
                now = datetime.now(UTC)
                await board.change(session, parse_catalog(DOCUMENT), key, value, actor="maria", now=now)
            await db.close()

        asyncio.run(put())


@pytest.fixture
def bot(tmp_path: Path) -> Iterator[Bot]:
    bot = Bot(tmp_path)
    yield bot
    bot.kill()


@pytest.fixture
def product(bot: Bot, tmp_path: Path) -> Iterator[Callable[..., OpenFeatureClient]]:
    """A product that starts; the one before it ends."""

    def begin(**options: Any) -> OpenFeatureClient:
        api.clear_providers()
        api.set_provider_and_wait(BaddayProvider(bot.url, cache=tmp_path / "cache.json", **options))
        return api.get_client()

    yield begin
    api.clear_providers()


def test_a_change_is_seen_within_a_second(bot: Bot, product: Callable[..., OpenFeatureClient]) -> None:
    bot.start()
    client = product()
    assert client.get_string_value("route.chat", "default") == "northwind"
    assert client.get_boolean_value("feature.autoreply", False) is True
    cap = client.get_object_value("cap.daily", {})
    assert isinstance(cap, dict)
    assert (cap["amount"], cap["state"]) == ("50.00", "open")
    told: list[object] = []
    client.add_handler(ProviderEvent.PROVIDER_CONFIGURATION_CHANGED, lambda event: told.append(event.flags_changed))
    time.sleep(0.5)
    bot.change("route.chat", "cirrus")
    assert eventually(lambda: client.get_string_value("route.chat", "default") == "cirrus") < 3
    eventually(lambda: ["route.chat"] in told)


def test_a_bot_that_is_killed_changes_nothing(bot: Bot, product: Callable[..., OpenFeatureClient]) -> None:
    bot.start()
    bot.change("route.chat", "cirrus")
    client = product()
    eventually(lambda: client.get_string_value("route.chat", "default") == "cirrus")
    bot.kill()
    time.sleep(0.5)
    assert client.get_string_value("route.chat", "default") == "cirrus"
    restarted = product()  # with the bot still down
    assert restarted.get_string_value("route.chat", "default") == "cirrus"
    bot.start()
    bot.change("route.chat", "northwind")
    eventually(lambda: restarted.get_string_value("route.chat", "default") == "northwind", within=20)


def test_a_bot_that_is_frozen_holds_nobody_up(bot: Bot, product: Callable[..., OpenFeatureClient]) -> None:
    bot.start()
    client = product(stale_after=0.5)
    bot.tell(signal.SIGSTOP)
    try:
        eventually(lambda: client.get_string_details("route.chat", "default").reason == "STALE", within=25)
        begun = time.perf_counter()
        for _ in range(200):
            assert client.get_string_value("route.chat", "default") == "northwind"
        assert time.perf_counter() - begun < 1
    finally:
        bot.tell(signal.SIGCONT)


def test_rubbish_changes_nothing(bot: Bot, product: Callable[..., OpenFeatureClient]) -> None:
    bot.start()
    client = product()
    bot.kill()
    answers = [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n",
        b"\0",
    ]
    asked = threading.Event()
    with socket.socket() as rubbish:
        rubbish.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        rubbish.bind(("127.0.0.1", bot.port))
        rubbish.listen()
        rubbish.settimeout(20)

        def answer() -> None:
            for text in answers:
                connection, _ = rubbish.accept()
                with connection:
                    connection.recv(65_536)
                    connection.sendall(text)
            asked.set()

        thread = threading.Thread(target=answer)
        thread.start()
        assert asked.wait(20)
        thread.join()
    assert client.get_string_value("route.chat", "default") == "northwind"
    assert client.get_boolean_value("feature.autoreply", False) is True


def test_without_a_bot_ever_the_default_counts(bot: Bot, product: Callable[..., OpenFeatureClient]) -> None:
    begun = time.monotonic()
    client = product(ready_within=0.2)
    assert client.get_string_value("route.chat", "mine") == "mine"
    assert time.monotonic() - begun < 2


def test_a_split_is_decided_in_memory(bot: Bot, product: Callable[..., OpenFeatureClient]) -> None:
    bot.start()
    bot.change("route.chat", {"split": {"northwind": 50, "cirrus": 50}})
    client = product()
    users = [EvaluationContext(targeting_key=f"user-{number}") for number in range(60)]
    found = [client.get_string_details("route.chat", "default", user) for user in users]
    assert {each.value for each in found} == {"northwind", "cirrus"}
    assert {each.reason for each in found} == {"SPLIT"}
    assert [each.value for each in found] == [client.get_string_value("route.chat", "", user) for user in users]


def test_a_wrong_type_gives_the_default(bot: Bot, product: Callable[..., OpenFeatureClient]) -> None:
    bot.start()
    client = product()
    assert client.get_integer_value("feature.autoreply", 7) == 7
    assert client.get_boolean_value("route.chat", True) is True
    assert client.get_float_value("nothing", 0.5) == 0.5


async def test_an_async_product_is_not_held_up(bot: Bot, product: Callable[..., OpenFeatureClient]) -> None:
    await asyncio.to_thread(bot.start)
    client = await asyncio.to_thread(product)
    assert await client.get_string_value_async("route.chat", "default") == "northwind"
