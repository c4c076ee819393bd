"""One message a second a channel, as Slack meters chat.postMessage."""

import math

INTERVAL = 1.0  # seconds between messages of a channel
EARLY = 0.2  # a sender who keeps the pace may be this much early, for the network's jitter


class Pace:
    """The earliest time at which each channel takes its next message."""

    def __init__(self, interval: float = INTERVAL) -> None:
        self._interval = interval
        self._due: dict[str, float] = {}

    def admit(self, channel: str, now: float) -> int:
        """0 when the message may pass, else the seconds to wait (Retry-After)."""
        due = self._due.get(channel, now)
        if now < due - EARLY:
            return max(1, math.ceil(due - now))
        self._due[channel] = max(due, now) + self._interval
        return 0
