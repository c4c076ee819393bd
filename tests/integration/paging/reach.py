"""What contacts talk to, played over loopback: PagerDuty, Twilio and a webhook's receiver, which can misbehave."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl

from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from bot.http.server import HttpServer
from bot.paging.contact import Secrets

ACCOUNT = "AC" + "0" * 32
TOKEN = "twilio-auth-token"
ROUTING_KEY = "routing-key-of-maria"
WEBHOOK_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PAGERDUTY_SECRET = "the-secret-of-the-subscription"
ENVIRONMENT = {
    "TWILIO_TOKEN": TOKEN,
    "PAGERDUTY_MARIA": ROUTING_KEY,
    "HOOK_SECRET": WEBHOOK_SECRET,
    "PAGERDUTY_WEBHOOK": PAGERDUTY_SECRET,
}


def secrets(**more: str) -> Secrets:
    known = ENVIRONMENT | more
    return Secrets(lambda name: SecretStr(known[name]) if name in known else None)


@dataclass(frozen=True, slots=True)
class Got:
    """One request that came."""

    path: str
    headers: dict[str, str]
    body: bytes = field(repr=False)

    def json(self) -> Any:
        return json.loads(self.body)

    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))


class OtherSide:
    """A server for all of them. `faults` are answers to the next requests: a status, `hang`, or `cut`; a status with
    `keep` is said although the request was taken."""

    def __init__(self) -> None:
        self.got: list[Got] = []
        self.faults: list[int | str] = []
        self.headers: dict[str, str] = {}
        self._came = asyncio.Event()
        self._let_go = asyncio.Event()
        self._server = HttpServer(
            Starlette(routes=[Route("/{path:path}", self._answer, methods=["POST"])]), host="127.0.0.1", port=0
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.port}"

    async def __aenter__(self) -> Self:
        await self._server.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._let_go.set()
        await self._server.stop()

    async def wait_for(self, enough: Callable[[list[Got]], bool], *, within: float = 10.0) -> list[Got]:
        async with asyncio.timeout(within):
            while not enough(self.got):
                self._came.clear()
                await self._came.wait()
        return self.got

    def events(self) -> list[dict[str, Any]]:
        """What PagerDuty was sent, in order."""
        return [each.json() for each in self.got if each.path == "/v2/enqueue"]

    async def _answer(self, request: Request) -> Response:
        self.got.append(Got(request.url.path, dict(request.headers), await request.body()))
        self._came.set()
        fault = self.faults.pop(0) if self.faults else None
        if fault == "hang":
            await self._let_go.wait()
        if fault == "redirect":
            return RedirectResponse("http://127.0.0.1:9/elsewhere", status_code=307)
        if isinstance(fault, int):
            return JSONResponse(
                {"message": "as the test says for +34600000000"}, status_code=fault, headers=self.headers
            )
        if request.url.path.endswith("/Calls.json"):
            return JSONResponse({"sid": f"CA{len(self.got):032}", "status": "queued"}, status_code=201)
        return JSONResponse({"status": "success"}, status_code=202)
