"""Slack's Web API as we call it, and what an answer (or none) means for what was asked."""

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import (
    AsyncConnectionErrorRetryHandler,
    AsyncRateLimitErrorRetryHandler,
    AsyncServerErrorRetryHandler,
)
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.loopback import is_loopback
from bot.settings import Settings

ANSWER_WITHIN = 10.0
"""Seconds; a post without an answer by then is looked up before anything is sent again."""
PAUSE = 1.0
"""Seconds until the next try where Slack did not name a time."""


class Verdict(StrEnum):
    DONE = "done"
    LATER = "later"
    """Nothing happened; ask again after `retry_after`."""
    UNKNOWN = "unknown"
    """It may have happened: the answer got lost."""
    REFUSED = "refused"
    """Slack will not do it, however often it is asked."""


@dataclass(frozen=True, slots=True)
class Answer:
    verdict: Verdict
    error: str = ""
    detail: str = ""
    retry_after: float = 0.0
    limited: bool = False
    """A 429: the whole method waits for `retry_after`."""
    data: Mapping[str, Any] = field(default_factory=dict)


_NOTHING_HAPPENED = frozenset({"ratelimited", "rate_limited", "service_unavailable", "team_added_to_org"})
_WHO_KNOWS = frozenset({"internal_error", "fatal_error", "request_timeout"})


async def ask(call: Awaitable[AsyncSlackResponse]) -> Answer:
    """Wait for a call and say what came of it; only a cancelled one raises."""
    try:
        response = await call
    except SlackApiError as error:
        return _refused(error.response)
    except aiohttp.ClientConnectorError as error:
        # The connection never stood, so nothing was sent.
        return Answer(Verdict.LATER, "no_connection", _told(error), PAUSE)
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError, AttributeError) as error:
        # The SDK lets answers that are no JSON end in the last two.
        return Answer(Verdict.UNKNOWN, "no_answer", _told(error), PAUSE)
    return Answer(Verdict.DONE, data=response.data if isinstance(response.data, dict) else {})


def _refused(response: Any) -> Answer:
    # The SDK gives its own response, or aiohttp's where the body was no JSON.
    status = int(getattr(response, "status_code", 0) or getattr(response, "status", 0) or 0)
    data = getattr(response, "data", None)
    data = data if isinstance(data, dict) else {}
    error = str(data.get("error") or f"http_{status}")
    if status == 429 or error in _NOTHING_HAPPENED:
        after = _seconds(getattr(response, "headers", {}))
        return Answer(Verdict.LATER, error, "", after, limited=status == 429, data=data)
    if status >= 500 or error in _WHO_KNOWS:
        return Answer(Verdict.UNKNOWN, error, f"HTTP {status}", PAUSE, data=data)
    return Answer(Verdict.REFUSED, error, "; ".join(_messages(data)), data=data)


def _messages(data: Mapping[str, Any]) -> list[str]:
    told = (data.get("response_metadata") or {}).get("messages") or []
    needed = [f"needed: {data['needed']}"] if data.get("needed") else []
    return [*map(str, told), *needed]


def _seconds(headers: Any) -> float:
    try:
        return max(0.0, float(headers.get("Retry-After", PAUSE)))
    except (TypeError, ValueError):
        return PAUSE


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


class SlackWeb:
    """Two clients on one connection pool: `once` never repeats a call, `again` repeats what may be repeated."""

    def __init__(self, settings: Settings) -> None:
        assert settings.slack_bot_token is not None, "the settings were checked for a token before"
        self._token = settings.slack_bot_token.get_secret_value()
        self._url = settings.slack_api_url
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Make the clients; nothing is sent."""
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWER_WITHIN))
        self.once = self._client([])
        self.again = self._client(
            [
                AsyncConnectionErrorRetryHandler(max_retry_count=2),
                AsyncRateLimitErrorRetryHandler(max_retry_count=1),
                AsyncServerErrorRetryHandler(max_retry_count=2),
            ]
        )

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def respond(self, url: str, body: Mapping[str, Any]) -> Answer:
        """Answer an interaction by its response_url, which works where the bot is no member."""
        assert self._session is not None
        try:
            async with self._session.post(url, json=body) as response:
                if response.status == 200:
                    return Answer(Verdict.DONE)
                if response.status in (429, 500, 502, 503, 504):
                    return Answer(Verdict.LATER, f"http_{response.status}", retry_after=_seconds(response.headers))
                return Answer(Verdict.REFUSED, f"http_{response.status}", (await response.text())[:200])
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return Answer(Verdict.LATER, "no_connection", _told(error), PAUSE)

    def is_slacks(self, url: str) -> bool:
        """Whether an address is Slack's own, so that the bot's token may be sent there."""
        asked, api = urlsplit(url), urlsplit(self._url)
        if asked.scheme == "https" and asked.hostname is not None:
            return asked.hostname == "slack.com" or asked.hostname.endswith(".slack.com")
        return is_loopback(api.hostname) and (asked.scheme, asked.netloc) == (api.scheme, api.netloc)

    async def download(self, url: str, *, at_most: int) -> Answer:
        """The bytes of a file of Slack's (`data["content"]`); REFUSED for one that is larger, or not given to the bot.

        Only for addresses that `is_slacks`; no redirect is followed, as the token would go along.
        """
        assert self._session is not None
        headers = {"Authorization": f"Bearer {self._token}"}
        try:
            async with self._session.get(url, headers=headers, allow_redirects=False) as response:
                if response.status in (429, 500, 502, 503, 504):
                    return Answer(Verdict.LATER, f"http_{response.status}", retry_after=_seconds(response.headers))
                if response.status != 200:
                    return Answer(Verdict.REFUSED, f"http_{response.status}", f"Slack answered {response.status}")
                content = await _read(response, at_most)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return Answer(Verdict.LATER, "no_connection", _told(error), PAUSE)
        if content is None:
            return Answer(Verdict.REFUSED, "too_large", f"it is larger than {at_most // 1024 // 1024} MB")
        return Answer(Verdict.DONE, data={"content": content})

    async def upload(self, url: str, content: bytes) -> Answer:
        """Send the bytes of a file to the address that files.getUploadURLExternal gave."""
        assert self._session is not None
        try:
            async with self._session.post(url, data=content, allow_redirects=False) as response:
                if response.status == 200:
                    return Answer(Verdict.DONE)
                return Answer(Verdict.LATER, f"http_{response.status}", retry_after=_seconds(response.headers))
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return Answer(Verdict.LATER, "no_connection", _told(error), PAUSE)

    def _client(self, handlers: list[Any]) -> AsyncWebClient:
        return AsyncWebClient(
            token=self._token, base_url=self._url, session=self._session, retry_handlers=handlers, timeout=10
        )


async def _read(response: aiohttp.ClientResponse, at_most: int) -> bytes | None:
    """The body; None as soon as it is larger."""
    content = bytearray()
    async for part in response.content.iter_chunked(65_536):
        content += part
        if len(content) > at_most:
            return None
    return bytes(content)
