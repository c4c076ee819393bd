"""The simulated product, a process of its own: a shop's support chat that asks a model provider for its answers.

It knows Badday only by open standards, as any product would: before each answer it reads which provider to call by the
OpenFeature SDK, with the provider that Badday ships for it; OpenTelemetry's instrumentation of the OpenAI SDK reports
its calls. It ends when its standard input closes, so it never outlives the demo.
"""

import argparse
import asyncio
import logging
import os
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import httpx
from openfeature import api
from openfeature.client import OpenFeatureClient
from openfeature.evaluation_context import EvaluationContext

from badday_openfeature import BaddayProvider
from bot.sandbox.demo.answers import Answer, Endpoint, Models
from bot.sandbox.demo.reporting import Reporting
from bot.sandbox.demo.support import a_question

QUESTIONS_PER_SECOND = 4.0
CUSTOMERS = 400
STALE_AFTER = 2.0
PANEL_TIMEOUT = 2.0
HANDED_OVER = "Thank you. A colleague will answer you by e-mail today."


@dataclass(frozen=True)
class Switches:
    """What the switchboard says now."""

    route: str
    autoreply: bool
    model: str
    closed: bool
    """Whether the day's limit is reached."""
    reachable: bool


class Switchboard:
    """Evaluations in memory: an unreachable or slow switchboard changes nothing and holds no answer up."""

    def __init__(self, client: OpenFeatureClient, provider: BaddayProvider, first: str) -> None:
        self._client = client
        self._provider = provider
        self._first = first

    def ask(self, user: str) -> Switches:
        """The switches for one user."""
        of_user = EvaluationContext(targeting_key=user)
        cap = self._client.get_object_value("cap.daily", {})
        return Switches(
            route=self._client.get_string_value("route.chat", self._first, of_user),
            autoreply=self._client.get_boolean_value("feature.autoreply", True),
            model=self._client.get_string_value("model.chat", ""),
            closed=isinstance(cap, Mapping) and cap.get("state") == "closed",
            reachable=not self._provider.stale,
        )


class Product:
    """Answers users' questions, and tells the world's panel how that went."""

    def __init__(
        self,
        switchboard: Switchboard,
        models: Models,
        world: str,
        http: httpx.AsyncClient,
        random: Random,
    ) -> None:
        self._switchboard = switchboard
        self._models = models
        self._world = world
        self._http = http
        self._random = random
        self._asked = 0

    async def serve_one(self) -> None:
        """One user asks one question."""
        question = a_question(self._random)
        user = f"customer-{self._random.randrange(CUSTOMERS):03d}"
        switches = self._switchboard.ask(user)
        self._asked = number = self._asked + 1
        asked = switches.route if switches.autoreply and not switches.closed else ""
        answer = await self._answer(asked, question, user, switches.model)
        await self._tell(number, question, asked, answer, switches)

    async def _answer(self, provider: str, question: str, user: str, model: str) -> Answer:
        if not provider:
            return Answer(HANDED_OVER, None, 0)
        return await self._models.answer(provider, question, user, model=model)

    async def _tell(self, number: int, question: str, asked: str, answer: Answer, switches: Switches) -> None:
        report = {
            "number": number,
            "provider": asked,
            "question": question,
            "shown": answer.shown,
            "error": answer.error,
            "latency_ms": answer.latency_ms,
            "route": switches.route,
            "autoreply": switches.autoreply,
            "switchboard": "reachable" if switches.reachable else "unreachable",
        }
        try:
            await self._http.post(f"{self._world}/calls", json=report)
        except httpx.HTTPError:
            # The panel is only a picture; users are served without it.
            return


async def serve(product: Product, ended: asyncio.Event, per_second: float) -> None:
    """Users ask at an even pace until it ends."""
    asked: set[asyncio.Task[None]] = set()
    while not ended.is_set():
        task = asyncio.create_task(product.serve_one())
        asked.add(task)
        task.add_done_callback(asked.discard)
        try:
            async with asyncio.timeout(1 / per_second):
                await ended.wait()
        except TimeoutError:
            continue
    for task in asked:
        task.cancel()
    await asyncio.gather(*asked, return_exceptions=True)


async def end_of_input() -> asyncio.Event:
    """Set when standard input closes (the parent is gone, however it ended) or when asked by SIGTERM."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()

    class Input(asyncio.Protocol):
        def connection_lost(self, exc: Exception | None) -> None:
            ended.set()

    await loop.connect_read_pipe(Input, sys.stdin)
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    return ended


def arguments(argv: Sequence[str]) -> argparse.Namespace:
    """What the demo passes."""
    parser = argparse.ArgumentParser(prog="python -m bot.sandbox.demo.product", description=__doc__)
    parser.add_argument(
        "--switchboard", required=True, metavar="URL", help="the bot's base URL; a token in BADDAY_API_TOKEN"
    )
    parser.add_argument("--world", required=True, metavar="URL", help="where the calls are told for the panel")
    parser.add_argument(
        "--provider", required=True, action="append", metavar="NAME=URL", help="the first is the default"
    )
    parser.add_argument(
        "--model", default=[], action="append", metavar="NAME=MODEL", help="the model that a provider is asked for"
    )
    parser.add_argument("--per-second", type=float, default=QUESTIONS_PER_SECOND, help="questions a second")
    return parser.parse_args(argv)


async def main(argv: Sequence[str]) -> None:
    """Run until standard input closes."""
    options = arguments(argv)
    models = dict(model.split("=", 1) for model in options.model)
    providers = {
        name: Endpoint(url, models.get(name, "default"))
        for name, url in (provider.split("=", 1) for provider in options.provider)
    }
    reporting = Reporting()
    # The SDK logs a stack trace for every evaluation that fails; here that is an ordinary event, shown on the panel.
    for name in ("openfeature", "badday_openfeature"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    token = os.environ.get("BADDAY_API_TOKEN")
    with tempfile.TemporaryDirectory(prefix="badday-product-") as folder:
        provider = BaddayProvider(
            options.switchboard, token=token, cache=Path(folder) / "values.json", stale_after=STALE_AFTER
        )
        api.set_provider_and_wait(provider)
        switchboard = Switchboard(api.get_client(), provider, next(iter(providers)))
        await run(switchboard, providers, options)
    reporting.close()


async def run(switchboard: Switchboard, providers: Mapping[str, Endpoint], options: argparse.Namespace) -> None:
    """Serve users until the demo ends."""
    ended = await end_of_input()
    async with httpx.AsyncClient(timeout=PANEL_TIMEOUT, trust_env=False) as http:
        asked = Models(providers)
        product = Product(switchboard, asked, options.world, http, Random())  # noqa: S311  (questions, not secrets)
        await serve(product, ended, options.per_second)
        await asked.close()
    api.clear_providers()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
