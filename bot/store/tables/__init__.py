"""The tables; importing this package makes the whole schema known."""

from bot.store.tables.alerts import Alert, Hold, Silence
from bot.store.tables.audit import AuditEntry
from bot.store.tables.auditor import AuditorTurn, Stuck
from bot.store.tables.base import Leased
from bot.store.tables.calls_watching import CallsWatchState, TrailCursor
from bot.store.tables.effects import Effect
from bot.store.tables.incidents import FollowUp, Incident, IncidentFinding, IncidentRole, Picture, TimelineEntry
from bot.store.tables.messages import (
    AppHome,
    DeliveryAttempt,
    InboxItem,
    OutboxLane,
    OutboxMessage,
    SlackGroup,
    SlackIdentity,
    SlackWorkspace,
)
from bot.store.tables.paging import AckLink, ContactTest, CoverOverride, Escalation, Page, PageAttempt
from bot.store.tables.runbooks import Arming, Freeze, RunbookRun, RunbookStep, StepApproval
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
    "AckLink",
    "Alert",
    "ApiToken",
    "AppHome",
    "Arming",
    "AuditEntry",
    "AuditorTurn",
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
    "ContactTest",
    "CoverOverride",
    "DeliveryAttempt",
    "Effect",
    "Escalation",
    "Finding",
    "FollowUp",
    "Freeze",
    "Hold",
    "InboxItem",
    "Incident",
    "IncidentFinding",
    "IncidentRole",
    "Leased",
    "Observation",
    "OutboxLane",
    "OutboxMessage",
    "Page",
    "PageAttempt",
    "Picture",
    "PollTarget",
    "RunbookRun",
    "RunbookStep",
    "Silence",
    "SlackGroup",
    "SlackIdentity",
    "SlackWorkspace",
    "StepApproval",
    "Stuck",
    "Switch",
    "TimelineEntry",
    "TrailCursor",
    "TrailJob",
    "TrailState",
    "WatchState",
]
