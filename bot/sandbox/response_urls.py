"""response_url: five answers within thirty minutes of a gesture, without a token."""

from dataclasses import dataclass

from bot.sandbox import ids
from bot.sandbox.clock import Clock

USES = 5
LIFETIME = 30 * 60.0  # seconds


class UrlError(Exception):
    """The address cannot be used any more; the argument is the error code."""


@dataclass
class ResponseUrl:
    user: str
    channel: str
    at: float
    message_ts: str | None = None  # the message in which the gesture was made
    thread_ts: str | None = None
    uses: int = 0


class ResponseUrls:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: dict[str, ResponseUrl] = {}

    def issue(self, user: str, channel: str, *, message_ts: str | None = None, thread_ts: str | None = None) -> str:
        """The key that ends the address."""
        key = f"{ids.short(11)}/{ids.secret(24)}"
        self._known[key] = ResponseUrl(user, channel, self._clock.timestamp(), message_ts, thread_ts)
        return key

    def use(self, key: str) -> ResponseUrl:
        """Count one use. Raises UrlError with expired_url or used_url."""
        known = self._known.get(key)
        if known is None or self._clock.timestamp() - known.at > LIFETIME:
            raise UrlError("expired_url")
        if known.uses >= USES:
            raise UrlError("used_url")
        known.uses += 1
        return known
