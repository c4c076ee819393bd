"""`http.request`: one request to a host that the catalog allows, and never to an internal address by a public name."""

from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field

from bot.actions import outside
from bot.actions.contract import Action, ActionContext, ActionError, Arguments, Reading, UncertainError
from bot.catalog import Catalog, System
from bot.catalog.values import SecretRef
from bot.loopback import is_loopback

_LONGEST_SAID = 500


class HttpArguments(Arguments):
    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] = "POST"
    """The method; after a crash in the middle of it people are asked whether it happened."""
    url: str = Field(max_length=2_000)
    """The whole address; its host is one of the catalog's `http_hosts`."""
    body: dict[str, Any] | list[Any] | None = None
    """Sent as JSON."""
    headers: dict[str, str] = Field(default_factory=dict)
    """Headers whose values are no secrets."""
    secret_headers: dict[str, SecretRef] = Field(default_factory=dict)
    """Headers whose values are in environment variables, by the name of the variable."""


class HttpRequest(Action[HttpArguments]):
    name = "http.request"
    With = HttpArguments
    idempotent = False

    def __init__(self) -> None:
        self._answers: dict[tuple[int, str], Reading] = {}

    def check(self, catalog: Catalog, system: System, arguments: HttpArguments) -> None:
        parts = urlsplit(arguments.url)
        host = (parts.hostname or "").lower()
        try:
            named = f"{host}:{parts.port}" if parts.port else host
        except ValueError:
            raise ActionError(f"{arguments.url!r} is not an address", permanent=True) from None
        if parts.scheme not in ("https", "http") or not host or parts.username or parts.password:
            raise ActionError("url is no address without a user; write https://host/path", permanent=True)
        if parts.scheme == "http" and not is_loopback(host):
            raise ActionError("plain http is only for this machine; write https://", permanent=True)
        if named not in catalog.http_hosts:
            raise ActionError(f"{named} is not allowed; add it to `http_hosts` of the catalog", permanent=True)

    async def read(self, context: ActionContext, arguments: HttpArguments) -> Reading:
        return {}

    async def apply(self, context: ActionContext, arguments: HttpArguments) -> None:
        way = outside.reachable(context)
        secrets = {name: way.secret(variable).get_secret_value() for name, variable in arguments.secret_headers.items()}
        answer = await outside.ask(
            context,
            arguments.method,
            arguments.url,
            headers=arguments.headers | secrets,
            body=arguments.body,
            pinned=True,
        )
        said = " ".join(answer.text.split())[:_LONGEST_SAID]
        for value in secrets.values():  # a host that repeats what it was sent
            said = said.replace(value, "[secret]")
        reading = {"status": answer.status_code, "said": said}
        if answer.is_server_error and arguments.method not in outside.READS:
            raise UncertainError(f"It answered {answer.status_code}: {said}.")
        if not answer.is_success:
            permanent = answer.status_code < 500
            raise ActionError(f"answered {answer.status_code}: {said}", permanent=permanent, reading=reading)
        self._answers[context.incident_id, arguments.url] = reading

    async def verify(self, context: ActionContext, arguments: HttpArguments) -> Reading:
        return self._answers.pop((context.incident_id, arguments.url), {"status": None, "said": ""})

    def reverse(self, arguments: HttpArguments, previous: Reading) -> None:
        return None

    def describe(self, arguments: HttpArguments, current: Reading | None) -> str:
        parts = urlsplit(arguments.url)
        return f"{arguments.method} {parts.scheme}://{parts.hostname}{parts.path}"
