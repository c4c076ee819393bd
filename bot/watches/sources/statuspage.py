"""Atlassian Statuspage v2: https://metastatuspage.com/api; one summary.json holds all that is unresolved."""

from typing import Any

from bot.watches import dialect
from bot.watches.shapes import StatusError
from bot.watches.snapshot import Snapshot
from bot.watches.source import Source


class Statuspage(Source, engine="statuspage"):
    """Also reads what incident.io answers at the same paths: a provider that moves there keeps its watch."""

    path = "api/v2/summary.json"
    shapes = frozenset({"statuspage", "incidentio"})

    def read(self, content: Any) -> Snapshot:
        if "summary" in content or "ongoing_incidents" in content:
            raise StatusError("this is incident.io's own format; set engine: incidentio")
        return dialect.read(self.engine, content)
