"""Words and signs that several messages share: a state is always a word with a sign, never a colour alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from bot.slack.blocks import Mrkdwn, clip, clock_time, date, markup
from bot.spans import span as span

STATE: Mapping[str, str] = MappingProxyType(
    {"triggered": "● Triggered", "acknowledged": "◐ Acknowledged", "resolved": "✔ Resolved"}
)
COLOUR: Mapping[str, str] = MappingProxyType({"triggered": "#c0392b", "acknowledged": "#d9a038", "resolved": "#2e9e6b"})
SEVERITY: Mapping[str, str] = MappingProxyType({"sev1": "▲ SEV1", "sev2": "▲ SEV2", "sev3": "△ SEV3"})
"""A full triangle pages somebody, an empty one only tells."""


@dataclass(frozen=True, slots=True)
class Deed:
    """Who did something, and when."""

    by: str
    at: datetime

    def shown(self) -> Mrkdwn:
        return markup("by {by} {at}", by=self.by, at=date(self.at))


@dataclass(frozen=True, slots=True)
class Flapping:
    """How often something came and went, and between which times; `until` is None while it still does."""

    times: int
    since: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """From where something is known: a watch, the calls, an alert; `seen_at` is when it was last looked at."""

    name: str
    seen_at: datetime | None = None

    def shown(self) -> Mrkdwn:
        name = markup("{name}", name=clip(self.name, 120))
        if self.seen_at is None:
            return name
        return markup("{name}, last looked at {at}", name=name, at=clock_time(self.seen_at))


def are(names: str) -> str:
    """The verb after one name or several, as in `Sam Lee and Ana Silva are`."""
    return f"{names} are" if " and " in names else f"{names} is"


def count(number: int, singular: str, plural: str | None = None) -> str:
    return f"{number} {singular if number == 1 else plural or singular + 's'}"


def target_words(target: str) -> str:
    """What somebody stands in for, as people say it: `rotation support`, `the owner of support-bot`."""
    kind, _, name = target.partition("/")
    return f"the owner of {name}" if kind == "system" else f"rotation {name}"
