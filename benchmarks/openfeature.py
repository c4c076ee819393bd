"""How long an evaluation of the provider takes in a product, and how soon a running product sees a change."""

import tempfile
import time
from pathlib import Path

from openfeature import api

from badday_openfeature import BaddayProvider
from badday_openfeature.gateway import Call, Gate
from benchmarks._report import percentile, say
from tests.integration.openfeature.test_provider import Bot

EVALUATIONS = 100_000
CHANGES = 40


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        bot = Bot(Path(name))
        bot.start()
        try:
            provider = BaddayProvider(bot.url, cache=Path(name) / "cache.json")
            api.set_provider_and_wait(provider)
            client = api.get_client()
            say("evaluation, the provider alone", _evaluation(provider), "us", "<= 5")
            say("ruling on a gateway's call: route, pin, feature, cap, bans", _ruling(provider), "us")
            begun = time.perf_counter()
            for _ in range(EVALUATIONS // 10):
                client.get_string_value("route.chat", "")
            say("evaluation through the SDK", (time.perf_counter() - begun) / (EVALUATIONS // 10) * 1e6, "us")
            seen = [_seen(bot, client, ("cirrus", "northwind")[number % 2]) for number in range(CHANGES)]
            say("change by another process seen by a product, p50", percentile(seen, 0.5), "ms")
            say("  p99", percentile(seen, 0.99), "ms", "<= 1000")
        finally:
            api.clear_providers()
            bot.kill()


def _evaluation(provider: BaddayProvider) -> float:
    begun = time.perf_counter()
    for _ in range(EVALUATIONS):
        provider.resolve_string_details("route.chat", "")
    return (time.perf_counter() - begun) / EVALUATIONS * 1e6


def _ruling(provider: BaddayProvider) -> float:
    gate, models = Gate(provider), {"chat": ["openai/large-1"], "chat-cirrus": ["anthropic/tall-1"]}
    begun = time.perf_counter()
    for _ in range(EVALUATIONS // 10):
        gate.decide(Call("chat", models, feature="autoreply", user="user-1"))
    return (time.perf_counter() - begun) / (EVALUATIONS // 10) * 1e6


def _seen(bot: Bot, client: object, value: str) -> float:
    bot.change("route.chat", value)
    begun = time.perf_counter()
    while client.get_string_value("route.chat", "") != value:  # type: ignore[attr-defined]
        time.sleep(0.001)
    return (time.perf_counter() - begun) * 1000


if __name__ == "__main__":
    main()
