"""trigger_id: what lets an app open a modal, once and within three seconds of the gesture."""

from dataclasses import dataclass

from bot.sandbox import ids
from bot.sandbox.clock import Clock

LIFETIME = 3.0  # seconds


class TriggerError(Exception):
    """The trigger cannot be used; the argument is Slack's error code."""


@dataclass
class Trigger:
    user: str
    at: float
    view_id: str | None = None  # the view in which the gesture was made; only such a trigger may push
    used: bool = False


class Triggers:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: dict[str, Trigger] = {}

    def issue(self, user: str, view_id: str | None = None) -> str:
        trigger_id = f"{self._clock.timestamp():.0f}.{ids.short(10)}.{ids.secret(32)}"
        self._known[trigger_id] = Trigger(user, self._clock.timestamp(), view_id)
        return trigger_id

    def exchange(self, trigger_id: str) -> Trigger:
        """Use the trigger up. Raises TriggerError with invalid, exchanged or expired_trigger_id."""
        trigger = self._known.get(trigger_id)
        if trigger is None:
            raise TriggerError("invalid_trigger_id")
        if trigger.used:
            raise TriggerError("exchanged_trigger_id")
        if self._clock.timestamp() - trigger.at > LIFETIME:
            raise TriggerError("expired_trigger_id")
        trigger.used = True
        return trigger
