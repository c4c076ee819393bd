"""The way to systems outside: one client for a process, secrets by name, and addresses that are never asked."""

import ipaddress
import json
import socket
from asyncio import get_running_loop
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from pydantic import SecretStr

from bot.actions.contract import ActionContext, ActionError, ConsentNeededError, Outside, UncertainError
from bot.loopback import is_loopback
from bot.settings import SettingsError, secret

ASK_WITHIN = 15.0
"""Seconds for one request."""
LARGEST_ANSWER = 1_048_576
READS = ("GET", "HEAD")
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
_SAID = 200


def client() -> httpx.AsyncClient:
    """It follows no redirect (the target would not have been checked) and uses no proxy for this machine."""
    return httpx.AsyncClient(
        timeout=httpx.Timeout(ASK_WITHIN, connect=5.0),
        limits=httpx.Limits(max_connections=16, max_keepalive_connections=4),
        headers={"User-Agent": "Badday"},
        follow_redirects=False,
        mounts=dict.fromkeys(("all://127.0.0.1", "all://localhost", "all://[::1]")),
    )


def outside(http: httpx.AsyncClient, config: Path) -> Outside:
    """With the secrets of the environment, and of the `.env` beside the catalog."""

    def read(name: str) -> SecretStr:
        try:
            found = secret(name, config)
        except SettingsError as error:
            raise ActionError(str(error), permanent=True) from None
        if found is None:
            raise ActionError(f"{name} is not set; put it into .env beside the catalog", permanent=True)
        return found

    return Outside(http, read)


def reachable(context: ActionContext) -> Outside:
    """Raises ActionError where nothing outside may be reached."""
    if context.outside is None:
        raise ActionError("this cannot be looked at from here")
    return context.outside


async def ask(
    context: ActionContext,
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    body: Any = None,
    raw: bytes | None = None,
    pinned: bool = False,
) -> httpx.Response:
    """One request, and its answer whatever its status. Raises ActionError where nothing was asked for, UncertainError
    where a change was and no answer came.

    `pinned`: resolve the host once, refuse addresses of an internal network, and connect to what was checked, so that a
    name that answers differently a moment later leads nowhere else.
    """
    extensions: dict[str, Any] = {}
    sent = dict(headers or {})
    target = url
    if pinned:
        target, host = await _pinned(url)
        sent["Host"] = host
        extensions["sni_hostname"] = host.rpartition(":")[0] or host if ":" in host else host
    content = raw if raw is not None else None if body is None else json.dumps(body).encode()
    if body is not None:
        sent.setdefault("Content-Type", "application/json")
    try:
        answer = await reachable(context).http.request(
            method, target, headers=sent, content=content, extensions=extensions
        )
    except httpx.InvalidURL as error:
        raise ActionError(f"{_shown(url)} is not an address: {error}", permanent=True) from None
    except httpx.RequestError as error:
        what = f"{_shown(url)} did not answer: {type(error).__name__}"
        # Where no connection was made nothing was asked for, and a question that only reads changes nothing.
        if isinstance(error, _NEVER_SENT) or method in READS:
            raise ActionError(what) from None
        raise UncertainError(f"{what}.") from None
    if len(answer.content) > LARGEST_ANSWER:
        raise ActionError(f"the answer of {_shown(url)} is larger than {LARGEST_ANSWER // 1024} KiB")
    return answer


def require(answer: httpx.Response, what: str, *, consent: tuple[str, ...] = ()) -> Any:
    """The answer's JSON (None where it has no body). Raises ActionError for a refusal, ConsentNeededError for one that
    says in one of these words that somebody has to consent there."""
    if answer.is_success:
        if not answer.content.strip():
            return None
        try:
            return answer.json()
        except ValueError:
            raise ActionError(f"{what}: the answer is not JSON") from None
    said = _said(answer)
    if answer.status_code in (403, 409) and any(word in said.casefold() for word in consent):
        raise ConsentNeededError(f"{what}: somebody must approve it there: {said}")
    permanent = 400 <= answer.status_code < 500 and answer.status_code not in (408, 425, 429)
    raise ActionError(f"{what}: answered {answer.status_code}: {said}", permanent=permanent)


async def _pinned(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    try:
        found = await get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        raise ActionError(f"{host} has no address") from None
    addresses = [str(entry[4][0]) for entry in found]
    internal = [address for address in addresses if not ipaddress.ip_address(address.partition("%")[0]).is_global]
    if internal and not is_loopback(host):
        raise ActionError(
            f"{host} is an address of an internal network ({internal[0]}), which is refused", permanent=True
        )
    shown = f"[{addresses[0]}]" if ":" in addresses[0] else addresses[0]
    target = parts._replace(netloc=f"{shown}:{port}").geturl()
    return target, parts.netloc.rpartition("@")[2]


def _shown(url: str) -> str:
    """An address without what may be secret in it."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname or ''}{parts.path}"


def _said(answer: httpx.Response) -> str:
    text = " ".join(answer.text.split())
    return text if len(text) <= _SAID else text[: _SAID - 1] + "…"
