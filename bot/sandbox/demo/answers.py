"""How the simulated product answers: it asks a provider's model with the OpenAI SDK, and says sorry if that fails."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from openai import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AsyncOpenAI,
    DefaultAsyncHttpx2Client,
    OpenAIError,
)

from bot.sandbox.demo.reporting import labelled

MODEL_TIMEOUT = 2.0
"""Seconds after which the product gives up a call."""
SYSTEM_PROMPT = "You answer customers of Fern & Kettle, a tea and kitchen shop. Be short and kind."
LABELS = {
    "badday.feature": "autoreply",
    "badday.route": "chat",
    "gen_ai.prompt.name": "support",
    "gen_ai.prompt.version": "12",
}
"""What the shop knows about its calls and no instrumentation does."""
APOLOGY = "Sorry, I can't answer right now. Please try again in a moment."


@dataclass(frozen=True)
class Endpoint:
    """Where a provider is asked, and for which model."""

    url: str
    model: str


@dataclass(frozen=True)
class Answer:
    """What a user got: `shown`, and the class of the error if the model gave none."""

    shown: str
    error: str | None
    latency_ms: int


class Models:
    """The providers by name; each question is one call, never tried again."""

    def __init__(self, endpoints: Mapping[str, Endpoint]) -> None:
        self._http = DefaultAsyncHttpx2Client(trust_env=False)
        self._models = {name: endpoint.model for name, endpoint in endpoints.items()}
        self._clients = {
            name: AsyncOpenAI(
                api_key="made-up",
                base_url=f"{endpoint.url}/v1",
                timeout=MODEL_TIMEOUT,
                max_retries=0,
                http_client=self._http,
            )
            for name, endpoint in endpoints.items()
        }

    async def answer(self, provider: str, question: str, user: str, *, model: str = "") -> Answer:
        """What the user who asked gets from this provider, of its usual model where none is asked for."""
        client = self._clients.get(provider)
        if client is None:
            return Answer(APOLOGY, "unknown_provider", 0)
        started = time.perf_counter()
        # Every provider speaks OpenAI's language, so the instrumentation takes each for OpenAI.
        with labelled({**LABELS, "badday.provider": provider, "user.id": user}):
            shown, error = await self._call(client, model or self._models[provider], question, user)
        return Answer(shown, error, round((time.perf_counter() - started) * 1000))

    async def _call(self, client: AsyncOpenAI, model: str, question: str, user: str) -> tuple[str, str | None]:
        try:
            completion = await client.chat.completions.create(
                model=model,
                messages=[
                    {"role": "system", "content": f"{SYSTEM_PROMPT} You are talking with {user}."},
                    {"role": "user", "content": question},
                ],
            )
            return completion.choices[0].message.content or APOLOGY, None
        except APITimeoutError:
            return APOLOGY, "timeout"
        except APIConnectionError:
            return APOLOGY, "connection"
        except APIStatusError as error:
            return APOLOGY, "overloaded" if error.status_code == 503 else "server"
        except (OpenAIError, ValueError, LookupError, TypeError, AttributeError):
            return APOLOGY, "malformed"

    async def close(self) -> None:
        """Let the connections go."""
        await self._http.aclose()
