"""The outside heartbeat: a service that expects to hear from Badday, and alarms when it does not.

Healthchecks.io, Cronitor, Uptime Kuma's push and their like take a GET of an address that is theirs alone. The address
is a secret: who has it can keep the alarm quiet. It is never logged.
"""

import asyncio

import httpx
import structlog
from pydantic import SecretStr

log = structlog.get_logger(__name__)
WITHIN = 10.0


class Heartbeat:
    """Tells the outside that all is well."""

    def __init__(self, url: SecretStr | None, web: httpx.AsyncClient) -> None:
        self._url = url
        self._web = web

    async def beat(self) -> bool:
        """Ping once; False where nobody took it, or there is nobody to ping."""
        if self._url is None:
            return False
        try:
            async with asyncio.timeout(WITHIN):  # the library's own limit is for each part of an answer
                answer = await self._web.get(self._url.get_secret_value(), follow_redirects=False)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:  # TimeoutError is an OSError
            # The library's own words may repeat the address.
            log.warning("heartbeat not taken", error=type(error).__name__)
            return False
        if not answer.is_success:
            log.warning("heartbeat not taken", status=answer.status_code)
        return answer.is_success
