"""Signed HTTP delivery: what Slack posts to an app's request URL, and how it reads the answer."""

import hashlib
import hmac
import json
import time
from typing import Any
from urllib.parse import urlencode

import httpx

from bot.sandbox.clock import Clock
from bot.sandbox.delivery import ACKNOWLEDGE_WITHIN, Answer, Parcel, Sort

JSON_TYPE = "application/json"
FORM_TYPE = "application/x-www-form-urlencoded"


class SignedHttp:
    """The transport by HTTP POST to one request URL for events, commands and interactions."""

    def __init__(self, url: str, signing_secret: str, clock: Clock) -> None:
        self.url = url
        self._secret = signing_secret
        self._clock = clock
        self._client = httpx.AsyncClient(timeout=60, trust_env=False, follow_redirects=False)

    async def verify(self) -> bool:
        """Slack's question when a request URL is set: the app must echo the challenge."""
        challenge = "a challenge to be echoed"
        body = json.dumps({"type": "url_verification", "challenge": challenge})
        try:
            response = await self._client.post(
                self.url, content=body, headers=self._headers(body, JSON_TYPE), timeout=3
            )
        except httpx.HTTPError:
            return False
        return response.status_code == 200 and challenge in response.text

    async def send(self, parcel: Parcel) -> Answer:
        body, kind = _encode(parcel)
        headers = self._headers(body, kind)
        if parcel.attempt:
            headers |= {"X-Slack-Retry-Num": str(parcel.attempt), "X-Slack-Retry-Reason": parcel.reason}
        failed = "http_timeout" if parcel.sort is Sort.EVENT else "operation_timeout"
        try:
            sent = self._client.post(self.url, content=body, headers=headers)
            response = await self._clock.within(ACKNOWLEDGE_WITHIN, sent)
        except TimeoutError:
            return Answer(acknowledged=False, reason=failed)
        except httpx.HTTPError:
            reason = "connection_failed" if parcel.sort is Sort.EVENT else "dispatch_failed"
            return Answer(acknowledged=False, reason=reason)
        if response.is_success:
            return Answer(acknowledged=True, payload=_payload(response))
        reason = "http_error" if parcel.sort is Sort.EVENT else "dispatch_failed"
        retry = response.headers.get("X-Slack-No-Retry") != "1"
        return Answer(acknowledged=False, reason=reason, retry=retry)

    async def close(self) -> None:
        await self._client.aclose()

    def _headers(self, body: str, kind: str) -> dict[str, str]:
        at = str(int(time.time()))  # the receiver compares it with its own clock, which nobody sets
        digest = hmac.new(self._secret.encode(), f"v0:{at}:{body}".encode(), hashlib.sha256).hexdigest()
        return {
            "Content-Type": kind,
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            "X-Slack-Request-Timestamp": at,
            "X-Slack-Signature": f"v0={digest}",
        }


def _encode(parcel: Parcel) -> tuple[str, str]:
    match parcel.sort:
        case Sort.EVENT:
            return json.dumps(parcel.payload), JSON_TYPE
        case Sort.COMMAND:
            return urlencode(parcel.payload), FORM_TYPE
        case Sort.INTERACTION:
            return urlencode({"payload": json.dumps(parcel.payload)}), FORM_TYPE


def _payload(response: httpx.Response) -> dict[str, Any]:
    if not response.content:
        return {}
    if JSON_TYPE not in response.headers.get("Content-Type", ""):
        return {"text": response.text}
    try:
        parsed = response.json()
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}
