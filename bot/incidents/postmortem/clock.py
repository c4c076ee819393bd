"""Times as a postmortem tells them: by the wall clock where the owner lives, with UTC beside it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.catalog import Catalog


@dataclass(frozen=True, slots=True)
class Clock:
    zone: ZoneInfo

    @classmethod
    def of(cls, catalog: Catalog, owner: str) -> Self:
        """The owner's clock; UTC where the owner left the catalog."""
        person = catalog.people.get(owner)
        try:
            return cls(ZoneInfo(person.timezone if person is not None else "UTC"))
        except (ZoneInfoNotFoundError, ValueError):
            return cls(ZoneInfo("UTC"))

    @property
    def zone_name(self) -> str:
        return self.zone.key

    def day(self, at: datetime) -> str:
        return f"{at.astimezone(self.zone):%A, %d %B %Y}"

    def time(self, at: datetime) -> str:
        return f"{at.astimezone(self.zone):%H:%M:%S}"

    def utc(self, at: datetime) -> str:
        """The time of day in UTC, with the date where it is another day there."""
        there = at.astimezone(UTC)
        same = there.date() == at.astimezone(self.zone).date()
        return f"{there:%H:%M:%S} UTC" if same else f"{there:%Y-%m-%d %H:%M:%S} UTC"

    def long(self, at: datetime) -> str:
        """Date and time, `2026-03-02 10:00 CET, 09:00 UTC`; once where both are the same."""
        local = at.astimezone(self.zone)
        if local.utcoffset() == at.astimezone(UTC).utcoffset():
            return f"{local:%Y-%m-%d %H:%M} UTC"
        there = at.astimezone(UTC)
        utc = f"{there:%H:%M} UTC" if there.date() == local.date() else f"{there:%Y-%m-%d %H:%M} UTC"
        return f"{local:%Y-%m-%d %H:%M %Z}, {utc}"
