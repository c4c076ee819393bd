"""Provider status: the words, the snapshot of a page, and `parse` from an answer's bytes to it."""

from bot.watches.shapes import StatusError
from bot.watches.snapshot import Component, Maintenance, Snapshot, Status, StatusIncident, worst
from bot.watches.source import parse

__all__ = ["Component", "Maintenance", "Snapshot", "Status", "StatusError", "StatusIncident", "parse", "worst"]
