"""Who may call: the admin token in constant time, or anybody on this machine where no token is configured."""

import hmac
from collections.abc import Awaitable, Callable

from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import Response

from bot.http.problems import ProblemError
from bot.loopback import is_loopback
from bot.settings import Settings, SettingsError

Endpoint = Callable[[Request], Awaitable[Response]]
_FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip")


def require_safe_bind(settings: Settings) -> None:
    """Refuse to be reachable from other machines without a token; raises SettingsError."""
    if settings.api_token is None and not is_loopback(settings.http_host):
        raise SettingsError(
            f"BADDAY_API_TOKEN: not set, while BADDAY_HTTP={settings.http_host}:{settings.http_port} is reachable from "
            "other machines; set it to a long random text, or listen on 127.0.0.1"
        )


class Guard:
    """Stands before endpoints. Without a token every route is open, which `require_safe_bind` allows on loopback."""

    def __init__(self, token: SecretStr | None) -> None:
        self._token = token.get_secret_value().encode() if token is not None else None

    def token(self, endpoint: Endpoint, *, api_key: bool = False) -> Endpoint:
        """Let only those in who hold the token; with `api_key` it may also come as `X-API-Key`."""

        async def guarded(request: Request) -> Response:
            self._require(request, api_key=api_key)
            return await endpoint(request)

        return guarded

    def local_or_token(self, endpoint: Endpoint) -> Endpoint:
        """Let callers on this machine in, and others with the token."""

        async def guarded(request: Request) -> Response:
            if not _is_local(request):
                self._require(request, api_key=False)
            return await endpoint(request)

        return guarded

    def _require(self, request: Request, *, api_key: bool) -> None:
        if self._token is None:
            return
        offered = [_bearer(request), request.headers.get("x-api-key") if api_key else None]
        tokens = [each for each in offered if each is not None]
        if any(hmac.compare_digest(each.encode(), self._token) for each in tokens):
            return
        ways = "`Authorization: Bearer …`" + (" or `X-API-Key: …`" if api_key else "")
        wrong = "the token is wrong" if tokens else "no token was sent"
        raise ProblemError(
            401,
            f"{wrong}; send BADDAY_API_TOKEN as {ways}",
            field="Authorization",
            headers={"WWW-Authenticate": 'Bearer realm="badday"'},
        )


def _bearer(request: Request) -> str | None:
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    return credentials.strip() if scheme.lower() == "bearer" else None


def _is_local(request: Request) -> bool:
    """Whether the caller is on this machine itself; a proxy there passes others on and says so."""
    if any(name in request.headers for name in _FORWARDED):
        return False
    return request.client is not None and is_loopback(request.client.host)
