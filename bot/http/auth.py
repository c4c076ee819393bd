"""Who may call: holders of the admin token or of a system's, or anybody on this machine where there is no token."""

import base64
import binascii
import hmac
from collections.abc import Awaitable, Callable

from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import Response

from bot.http.problems import ProblemError
from bot.loopback import is_loopback
from bot.settings import Settings, SettingsError
from bot.store.tokens import TokenBook, TokenScope

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

    def __init__(self, token: SecretStr | None, book: TokenBook | None = None) -> None:
        self._token = token.get_secret_value().encode() if token is not None else None
        self._book = book

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

    async def system(
        self, request: Request, scope: TokenScope, *, basic: bool = False, api_key: bool = False
    ) -> str | None:
        """The system whose token came along; None for the admin's, and where no token was ever made.

        With `basic` the token may also be the password of `Authorization: Basic`, with `api_key` it may come as
        `X-API-Key`. Raises ProblemError: 401 for no,
        a wrong or a revoked token, 403 for one that is good for something else.
        """
        assert self._book is not None
        key = request.headers.get("x-api-key") if api_key else None
        offered = [each for each in (_bearer(request), _password(request) if basic else None, key) if each]
        if self._token is None and not await self._book.any():
            return None
        for each in offered:
            if self._is_admin(each):
                return None
            holder = await self._book.holder(each)
            if holder is None:
                continue
            if holder.scope is not scope:
                detail = f"token {holder.id} is for {holder.scope}; this needs one with --scope {scope}"
                raise ProblemError(403, detail, field="Authorization")
            return holder.system
        wrong = "the token is wrong, or was revoked" if offered else "no token was sent"
        ways = "`Authorization: Bearer …`" + (" or as the password of `Authorization: Basic …`" if basic else "")
        ways += " or `X-API-Key: …`" if api_key else ""
        raise _unauthorized(f"{wrong}; send one as {ways} (badday token create --system SYSTEM makes one)")

    def _is_admin(self, offered: str) -> bool:
        return self._token is not None and hmac.compare_digest(offered.encode(), self._token)

    def _require(self, request: Request, *, api_key: bool) -> None:
        if self._token is None:
            return
        offered = [_bearer(request), request.headers.get("x-api-key") if api_key else None]
        tokens = [each for each in offered if each is not None]
        if any(self._is_admin(each) for each in tokens):
            return
        ways = "`Authorization: Bearer …`" + (" or `X-API-Key: …`" if api_key else "")
        wrong = "the token is wrong" if tokens else "no token was sent"
        raise _unauthorized(f"{wrong}; send BADDAY_API_TOKEN as {ways}")


def _unauthorized(detail: str) -> ProblemError:
    headers = {"WWW-Authenticate": 'Bearer realm="badday"'}
    return ProblemError(401, detail, field="Authorization", headers=headers)


def _bearer(request: Request) -> str | None:
    scheme, credentials = _authorization(request)
    return credentials if scheme == "bearer" else None


def _password(request: Request) -> str | None:
    scheme, credentials = _authorization(request)
    if scheme != "basic":
        return None
    try:
        return base64.b64decode(credentials).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return None


def _authorization(request: Request) -> tuple[str, str]:
    """Scheme and credentials. Some exporters send `Bearer%20T`, as OTEL_EXPORTER_OTLP_HEADERS has to be written."""
    scheme, _, credentials = request.headers.get("authorization", "").replace("%20", " ", 1).partition(" ")
    return scheme.lower(), credentials.strip()


def _is_local(request: Request) -> bool:
    """Whether the caller is on this machine itself; a proxy there passes others on and says so."""
    if any(name in request.headers for name in _FORWARDED):
        return False
    return request.client is not None and is_loopback(request.client.host)
