"""A bot that is told to end while products listen: the streams end whole, and nobody waits for them."""

import signal
import time
from pathlib import Path

import httpx
from httpx_sse import connect_sse

from tests.integration.openfeature.test_provider import Bot


def test_sigterm_ends_open_streams_cleanly(tmp_path: Path) -> None:
    bot = Bot(tmp_path)
    bot.start()
    try:
        with (
            httpx.Client(base_url=bot.url, trust_env=False, timeout=20) as client,
            connect_sse(client, "GET", "/ofrep/v1/stream") as stream,
        ):
            events = stream.iter_sse()
            assert next(events).json()["type"] == "refetchEvaluation"
            assert bot.process is not None
            begun = time.monotonic()
            bot.tell(signal.SIGTERM)
            assert list(events) == []  # a body that breaks off would raise
            assert bot.process.wait(8) == 0
            assert time.monotonic() - begun < 8
    finally:
        bot.kill()
