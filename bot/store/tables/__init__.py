"""The tables; importing this package makes the whole schema known."""

from bot.store.tables.audit import AuditEntry
from bot.store.tables.base import Leased
from bot.store.tables.calls_watching import CallsWatchState, TrailCursor
from bot.store.tables.incidents import Incident, IncidentFinding, Page, PageAttempt, TimelineEntry
from bot.store.tables.messages import DeliveryAttempt, InboxItem, OutboxLane, OutboxMessage, SlackIdentity
from bot.store.tables.runbooks import Arming, RunbookRun, RunbookStep
from bot.store.tables.switchboard import Switch
from bot.store.tables.trail import (
    ApiToken,
    BodyDictionary,
    Call,
    CallBody,
    CallDay,
    CallHour,
    CallMinute,
    CallPin,
    CallSeries,
    CallSource,
    CallSpan,
    TrailJob,
    TrailState,
)
from bot.store.tables.watching import Finding, Observation, PollTarget, WatchState

__all__ = [
    "ApiToken",
    "Arming",
    "AuditEntry",
    "BodyDictionary",
    "Call",
    "CallBody",
    "CallDay",
    "CallHour",
    "CallMinute",
    "CallPin",
    "CallSeries",
    "CallSource",
    "CallSpan",
    "CallsWatchState",
    "DeliveryAttempt",
    "Finding",
    "InboxItem",
    "Incident",
    "IncidentFinding",
    "Leased",
    "Observation",
    "OutboxLane",
    "OutboxMessage",
    "Page",
    "PageAttempt",
    "PollTarget",
    "RunbookRun",
    "RunbookStep",
    "SlackIdentity",
    "Switch",
    "TimelineEntry",
    "TrailCursor",
    "TrailJob",
    "TrailState",
    "WatchState",
]
