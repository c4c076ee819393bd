"""What the switchboard means for one call through a gateway: where it goes, or why it is refused. No I/O, never raises.

| the switchboard says            | the call to the model group `chat`                                       |
|---------------------------------|--------------------------------------------------------------------------|
| `route.chat` is `cirrus`        | goes to the group `chat-cirrus`, where the gateway has one               |
| `model.chat` is `small-2`       | goes to the group `small-2`, where the gateway has one                   |
| `feature.autoreply` is off      | with that feature in its metadata: refused, 503                          |
| a cap is closed                 | refused, 429; a cap that says `degrade` goes to `chat-degraded` if there |
| `ban.cirrus` names its model    | refused, 503                                                             |
"""

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from openfeature.evaluation_context import EvaluationContext

from badday_openfeature.provider import BaddayProvider

log = logging.getLogger("badday_openfeature")

UNAVAILABLE, TOO_MANY = 503, 429
DEGRADED = "degraded"


@dataclass(frozen=True, slots=True)
class Call:
    """What a gateway knows of a call. `models` are the gateway's groups, each with the models behind it."""

    group: str
    models: Mapping[str, Collection[str]]
    feature: str = ""
    user: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The call is not made. `reason` is for the product's log."""

    status: int
    reason: str


class Gate:
    """Reads the provider's memory for each call."""

    def __init__(self, provider: BaddayProvider) -> None:
        self._provider = provider
        self._missing: set[str] = set()

    def decide(self, call: Call) -> str | Refusal:
        """The model group to call, which is mostly the one that was asked for."""
        if call.feature and not self._provider.resolve_boolean_details(f"feature.{call.feature}", True).value:
            return Refusal(UNAVAILABLE, f"feature pulled by on-call: {call.feature}")
        group = self._route(call)
        closed = self._closed(call)
        if closed is not None:
            name, cap, how = closed
            degraded = f"{call.group}-{DEGRADED}"
            if how != "degrade" or degraded not in call.models:
                limit = f"{cap.get('amount')} {cap.get('currency')} a day"
                return Refusal(TOO_MANY, f"spending cap {name} is closed ({limit}) until {cap.get('until')}")
            group = degraded
        banned = self._banned(call.models.get(group, ()))
        return Refusal(UNAVAILABLE, f"model banned by on-call: {banned}") if banned else group

    def _route(self, call: Call) -> str:
        """A pin names a group itself; a route names a provider."""
        pinned = self._provider.resolve_string_details(f"model.{call.group}", "").value
        if pinned and self._has(pinned, call, f"model.{call.group}"):
            return pinned
        user = EvaluationContext(targeting_key=call.user) if call.user else None
        provider = self._provider.resolve_string_details(f"route.{call.group}", "", user).value
        group = f"{call.group}-{provider}"
        return group if provider and self._has(group, call, f"route.{call.group}") else call.group

    def _has(self, group: str, call: Call, key: str) -> bool:
        """Said once for each group: a primary mostly has none, its calls go where they were sent."""
        if group in call.models:
            return True
        if group not in self._missing:
            self._missing.add(group)
            log.info("%s: the gateway has no model group %s, its calls stay at %s", key, group, call.group)
        return False

    def _closed(self, call: Call) -> tuple[str, Mapping[str, Any], str] | None:
        """The cap that counts for this call and is reached; one that refuses before one that degrades."""
        found = None
        for key in self._provider.keys("cap."):
            told = self._provider.resolve_object_details(key, {})
            cap, metadata = told.value, told.flag_metadata
            if not isinstance(cap, Mapping) or cap.get("state") != "closed":
                continue
            if metadata.get("feature") not in (None, call.feature):
                continue
            found = key.removeprefix("cap."), cap, str(metadata.get("when_closed", "refuse"))
            if found[2] == "refuse":
                break
        return found

    def _banned(self, models: Collection[str]) -> str:
        """A model that is banned, if every one behind the group is; else the gateway has another to take."""
        banned: set[str] = set()
        for key in self._provider.keys("ban."):
            value = self._provider.resolve_object_details(key, {}).value
            listed = value.get("models") if isinstance(value, Mapping) else None
            if isinstance(listed, list):
                banned.update(each for each in listed if isinstance(each, str))
        # A gateway writes `openai/small-2` for what the provider calls `small-2`.
        short = [model.partition("/")[2] or model for model in models]
        if short and all(name in banned or model in banned for name, model in zip(short, models, strict=True)):
            return short[0]
        return ""
