"""Opens many new incidents by a fixed number of statements, each row complete at birth.

For incidents that nothing is odd about: no open or recent incident of their cause, nothing that holds them back, a
first step that pages people. bot.incidents.incidents opens all others, one by one, to the same result. Root messages
and pages may be born in the hands of a sender of this process (`claim`), which saves claiming them; when it dies their
lease ends, and whoever finds them asks Slack before anything is sent again.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, bindparam, insert, inspect, select, update
from sqlmodel import SQLModel, col

from bot.catalog import Catalog
from bot.incidents.life import State
from bot.incidents.timeline import root_key
from bot.paging import ways
from bot.paging.first_step import Call, FirstStep
from bot.paging.life import PageState
from bot.paging.life import State as Climbing
from bot.store import outbox
from bot.store.tables import (
    AuditEntry,
    Escalation,
    Finding,
    Incident,
    IncidentFinding,
    OutboxMessage,
    Page,
    PageAttempt,
    TimelineEntry,
)

BOT = "badday"
Values = dict[str, Any]


_ROWS: dict[type[SQLModel], Any] = {
    table: insert(table) for table in (IncidentFinding, OutboxMessage, PageAttempt, TimelineEntry, AuditEntry)
}
_NUMBERED: dict[type[SQLModel], Any] = {
    table: insert(table).returning(inspect(table).c.id, sort_by_parameter_order=True)
    for table in (Finding, Incident, Escalation, Page)
}


@dataclass(frozen=True, slots=True)
class Claim:
    """Who sends what is written now, and how long it is theirs without a word."""

    owner: str
    lease: timedelta


@dataclass(frozen=True, slots=True)
class New:
    """A finding of one system that opens an incident, and its first step where its severity pages."""

    finding: Values
    """The columns of bot.store.tables.Finding."""
    known: str
    step: FirstStep | None

    @property
    def system(self) -> str:
        return str(self.finding["system"])

    @property
    def cause(self) -> str:
        return f"{self.finding['kind']}:{self.finding['subject']}"


@dataclass(frozen=True, slots=True)
class Letter:
    """A message of the outbox as it was born: a row's object would cost more than writing the row."""

    id: UUID
    key: str
    kind: str
    subject: Values
    channel: str
    priority: outbox.Priority
    incident_id: int
    at: datetime
    claim: Claim | None
    revision: int = 1

    @property
    def attempt(self) -> int:
        return 1 if self.claim is not None else 0

    @property
    def lease_owner(self) -> str | None:
        return self.claim.owner if self.claim is not None else None

    def values(self) -> Values:
        """The columns of its row."""
        claim = self.claim
        return {
            "id": self.id,
            "key": self.key,
            "kind": self.kind,
            "subject": self.subject,
            "channel": self.channel,
            "incident_id": self.incident_id,
            "priority": self.priority.value,
            "state": (outbox.State.SENDING if claim is not None else outbox.State.PENDING).value,
            "revision": self.revision,
            "not_before": self.at,
            "created_at": self.at,
            "changed_at": self.at,
            "attempt": self.attempt,
            "lease_owner": self.lease_owner,
            "lease_until": self.at + claim.lease if claim is not None else None,
        }

    def row(self) -> OutboxMessage:
        """The row as whoever settles single messages wants it."""
        return OutboxMessage(**self.values())


@dataclass(slots=True)
class _Carrier:
    """A direct message that carries pages of one person."""

    key: str
    person: str
    incident_id: int
    pages: list[int] = field(default_factory=list)
    room: int = ways.PAGES_IN_ONE_MESSAGE
    waits: bool = False
    """It was written before, and nobody has tried to send it yet."""


@dataclass(slots=True)
class Paged:
    """One person's page about an opened incident."""

    call: Call
    id: int = 0
    letter: _Carrier | None = None


@dataclass(slots=True)
class Opened:
    """An incident that was opened, with what its messages show."""

    id: int
    finding_id: int
    new: New
    owner: str
    at: datetime
    escalation: int | None = None
    pages: list[Paged] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Batch:
    """What one transaction opened, and the messages that are in the hands of whoever claimed them, pages first."""

    opened: Sequence[Opened]
    messages: Sequence[Letter]


def open_all(
    connection: Connection, catalog: Catalog, new: Sequence[New], *, now: datetime, claim: Claim | None
) -> Batch:
    """Write findings (which get their ids) and incidents with everything that belongs to them, in this order."""
    findings = _ids(connection, Finding, [one.finding for one in new])
    ids = _ids(connection, Incident, [_incident(catalog, one, now=now) for one in new])
    opened = [
        Opened(incident_id, finding_id, one, catalog.systems[one.system].owner, now)
        for incident_id, finding_id, one in zip(ids, findings, new, strict=True)
    ]
    _put(connection, IncidentFinding, [{"incident_id": one.id, "finding_id": one.finding_id} for one in opened])
    _climb(connection, opened, now=now)
    letters = _page(connection, opened, now=now, claim=claim)
    messages = [_page_message(one, now=now, claim=claim) for one in letters]
    messages += [_root(catalog, one, now=now, claim=claim) for one in opened]
    _put(connection, OutboxMessage, [message.values() for message in messages])
    _put(connection, TimelineEntry, [entry for one in opened for entry in _entries(one, now=now)])
    _put(connection, AuditEntry, [_audit(one, now=now) for one in opened])
    return Batch(opened, messages if claim is not None else [])


def _put(connection: Connection, table: type[SQLModel], rows: list[Values]) -> None:
    if rows:
        connection.execute(_ROWS[table], rows)


def _ids(connection: Connection, table: type[SQLModel], rows: list[Values]) -> list[int]:
    return list(connection.execute(_NUMBERED[table], rows).scalars()) if rows else []


def _incident(catalog: Catalog, one: New, *, now: datetime) -> Values:
    entry = catalog.systems[one.system]
    return {
        "system": one.system,
        "cause": one.cause,
        "title": one.finding["title"],
        "severity": one.finding["severity"],
        "state": State.TRIGGERED.value,
        "owner": entry.owner,
        "channel": entry.channel,
        "opened_at": now,
        "opened_by": BOT,
        "known": one.known,
        # A runbook starts on a watch; where none found it, there is none to be looked up.
        "runbooks_started_at": now if one.finding.get("watch") is None else None,
    }


def _root(catalog: Catalog, one: Opened, *, now: datetime, claim: Claim | None) -> Letter:
    key = root_key(one.id)
    channel = catalog.systems[one.new.system].channel
    subject = {"incident": one.id}
    priority = outbox.Priority.ROOT
    return Letter(outbox.message_id(key), key, "incident_root", subject, channel, priority, one.id, now, claim)


def _climb(connection: Connection, opened: Sequence[Opened], *, now: datetime) -> None:
    climbing = [(one, one.new.step) for one in opened if one.new.step is not None]
    rows = [
        {
            "incident_id": one.id,
            "policy": step.policy,
            "state": Climbing.PAGING.value,
            "step": step.place.step + 1,
            "round": step.place.round,
            "next_at": step.next_at,
            "version": 2,
            "started_at": now,
            "changed_at": now,
            "change": step.change,
            "severity": one.new.finding["severity"],
        }
        for one, step in climbing
    ]
    for (one, _), escalation_id in zip(climbing, _ids(connection, Escalation, rows), strict=True):
        one.escalation = escalation_id
    for one, step in climbing:
        one.pages = [Paged(call) for call in step.calls]


def _page(connection: Connection, opened: Sequence[Opened], *, now: datetime, claim: Claim | None) -> list[_Carrier]:
    """Write the pages and their attempts; returns the direct messages that carry those by Slack."""
    pages = [(one, paged) for one in opened for paged in one.pages]
    letters = _letters(connection, pages, reuse=claim is None)
    rows = [_page_row(one, paged, now=now) for one, paged in pages]
    for (_, paged), page_id in zip(pages, _ids(connection, Page, rows), strict=True):
        paged.id = page_id
        if paged.letter is not None:
            paged.letter.pages.append(page_id)
    _put(connection, PageAttempt, [attempt for _, paged in pages for attempt in _attempts(paged, now=now)])
    _prolong(connection, [letter for letter in letters if letter.waits], now=now)
    return [letter for letter in letters if not letter.waits]


def _letters(connection: Connection, pages: Sequence[tuple[Opened, Paged]], *, reuse: bool) -> list[_Carrier]:
    """Who is paged about several incidents at once reads of them in one message, also in one that still waits."""
    by_person: dict[str, list[_Carrier]] = {}
    in_slack = [(one, paged) for one, paged in pages if ways.SLACK in paged.call.kinds]
    if reuse and in_slack:
        for waiting in _waiting(connection, {paged.call.person for _, paged in in_slack}):
            by_person.setdefault(waiting.person, []).append(waiting)
    used: dict[str, _Carrier] = {}
    for one, paged in in_slack:
        person = paged.call.person
        letters = by_person.setdefault(person, [])
        letter = next((each for each in letters if each.room > 0), None)
        if letter is None:
            letter = _Carrier(f"incident:{one.id}:page:{person}", person, one.id)
            letters.append(letter)
        letter.room -= 1
        paged.letter = used.setdefault(letter.key, letter)
    return list(used.values())


def _waiting(connection: Connection, people: Collection[str]) -> list[_Carrier]:
    channels = [f"person:{person}" for person in sorted(people)]
    return [
        _Carrier(
            row.key,
            row.channel.removeprefix("person:"),
            row.incident_id,
            pages=list(row.subject["pages"]),
            room=ways.PAGES_IN_ONE_MESSAGE - len(row.subject["pages"]),
            waits=True,
        )
        for row in connection.execute(_WAITING, {"channels": channels})
    ]


_WAITING = (
    select(
        col(OutboxMessage.key), col(OutboxMessage.channel), col(OutboxMessage.incident_id), col(OutboxMessage.subject)
    )
    .where(col(OutboxMessage.channel).in_(bindparam("channels", expanding=True)), *ways.WAITING)
    .order_by(col(OutboxMessage.created_at))
    .with_for_update(skip_locked=True)
)
_PROLONG = (
    update(OutboxMessage)
    .where(col(OutboxMessage.key) == bindparam("of_key"))
    .values(subject=bindparam("subject"), changed_at=bindparam("changed_at"))
)


def _prolong(connection: Connection, letters: Sequence[_Carrier], *, now: datetime) -> None:
    if letters:
        rows = [{"of_key": one.key, "subject": {"pages": one.pages}, "changed_at": now} for one in letters]
        connection.execute(_PROLONG, rows)


def _page_row(one: Opened, paged: Paged, *, now: datetime) -> Values:
    step, call = one.new.step, paged.call
    assert step is not None
    return {
        "incident_id": one.id,
        "escalation_id": one.escalation,
        "person": call.person,
        "why": call.why,
        "step": step.place.step,
        "round": step.place.round,
        "state": PageState.PAGING.value,
        "message_key": paged.letter.key if paged.letter is not None else None,
        "methods": call.methods,
        "method": call.begun,
        "next_at": call.next_at,
        "created_at": now,
    }


def _attempts(paged: Paged, *, now: datetime) -> list[Values]:
    return [
        {
            "page_id": paged.id,
            "method": kind,
            "options": method["options"] or None,
            "at": now,
            "outcome": "sending" if kind in ways.IN_SLACK else "pending",
            "not_before": None if kind in ways.IN_SLACK else now,
        }
        for kind, method in zip(paged.call.kinds, paged.call.methods, strict=False)
    ]


def _page_message(one: _Carrier, *, now: datetime, claim: Claim | None) -> Letter:
    subject, channel = {"pages": one.pages}, f"person:{one.person}"
    priority = outbox.Priority.PAGE
    return Letter(outbox.message_id(one.key), one.key, "page", subject, channel, priority, one.incident_id, now, claim)


def _entries(one: Opened, *, now: datetime) -> list[Values]:
    """The timeline of the opening, in its order."""
    entries = [_entry(one, "opened", f"Incident opened: {one.new.finding['title']}", None, now=now)]
    for paged in one.pages:
        for kind in paged.call.kinds:
            text = f"Paging {paged.call.person} ({paged.call.why}) by {ways.name(kind)}"
            entries.append(_entry(one, "page", text, {"page": paged.id}, now=now))
    if one.new.step is not None:
        entries.append(_entry(one, "step_fired", one.new.step.text, one.new.step.told, now=now))
    return entries


def _entry(one: Opened, kind: str, text: str, data: Values | None, *, now: datetime) -> Values:
    return {"incident_id": one.id, "at": now, "kind": kind, "actor": BOT, "text": text, "data": data}


def _audit(one: Opened, *, now: datetime) -> Values:
    return {
        "at": now,
        "actor": BOT,
        "action": "incident.open",
        "object": f"incident:{one.id}",
        "after": {"system": one.new.system, "cause": one.new.cause, "severity": one.new.finding["severity"]},
        "incident_id": one.id,
    }
