"""Alerts taken in together have the same result as one by one, whatever they are."""

import asyncio
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.alerts import batch, telling
from bot.catalog import parse_catalog
from bot.incidents import silencing
from bot.store import migrate
from bot.store.database import Database
from bot.store.tables import (
    Alert,
    AuditEntry,
    Escalation,
    Finding,
    Hold,
    Incident,
    IncidentFinding,
    OutboxMessage,
    Page,
    PageAttempt,
    TimelineEntry,
)
from tests.integration.alerts.desk import AlertDesk, alert, an_alert_desk, over

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
CATALOG = parse_catalog("""
badday: 1
people:
  maria: {name: Maria Ortiz, email: maria@example.com}
  sam: {name: Sam Lee, email: sam@example.com}
systems:
  support-bot: {owner: maria, deputies: [sam], channel: support-bot}
  search: {owner: sam, channel: search}
  quiet: {owner: sam, channel: quiet}
""")
TABLES = (Alert, Finding, Incident, Hold, Escalation, Page, PageAttempt, OutboxMessage, TimelineEntry, AuditEntry)


@dataclass(frozen=True)
class Sent:
    """One alert of a post."""

    name: str
    system: str
    number: int
    severity: str
    ends: bool

    def json(self) -> dict[str, Any]:
        said = alert(self.name, system=self.system, n=str(self.number), severity=self.severity)
        return over(said) if self.ends else said


@dataclass(frozen=True)
class Post:
    alerts: Sequence[Sent]
    after: timedelta
    """The time that passes before it."""


SENT = st.builds(
    Sent,
    name=st.sampled_from("ABC"),
    system=st.sampled_from(["support-bot", "search", "quiet"]),
    number=st.integers(1, 2),
    severity=st.sampled_from(["critical", "warning"]),
    ends=st.booleans(),
)
POSTS = st.lists(
    st.builds(
        Post,
        alerts=st.lists(SENT, min_size=1, max_size=8),
        after=st.sampled_from([timedelta(), timedelta(seconds=20), timedelta(minutes=3), timedelta(minutes=45)]),
    ),
    min_size=1,
    max_size=5,
)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database to begin with."""
    path = tmp_path_factory.mktemp("batch") / "empty.db"

    async def make() -> None:
        db = Database(f"sqlite:///{path}")
        await migrate.upgrade(db.engine)
        async with db.transaction() as session:
            await silencing.start(
                session,
                CATALOG,
                system="quiet",
                cause=None,
                starts=START,
                ends=START + timedelta(hours=2),
                reason="work on it",
                actor="sam",
                now=START,
            )
        await db.close()

    asyncio.run(make())
    return path


async def outcome(empty: Path, posts: Sequence[Post]) -> dict[str, list[str]]:
    with tempfile.TemporaryDirectory() as folder:
        path = shutil.copy(empty, Path(folder) / "badday.db")
        db = Database(f"sqlite:///{path}")
        try:
            async with an_alert_desk(db, START, catalog=CATALOG) as desk:
                for post in posts:
                    desk.now += post.after
                    await desk.closes()
                    answer = await desk.post(*(one.json() for one in post.alerts))
                    assert answer.status_code == 200, answer.text
                return await told(desk)
        finally:
            await db.close()


async def told(desk: AlertDesk) -> dict[str, list[str]]:
    """Every row, with numbers replaced by what they stand for, in an order that does not depend on them."""
    rows = {table: await desk.all(table) for table in TABLES}
    links = {row.finding_id: row.incident_id for row in await desk.all(IncidentFinding)}
    incidents = {row.id: f"{row.system}/{row.cause}/{row.opened_at}" for row in rows[Incident]}
    findings = {row.id: f"{row.dedupe_key}/{row.opened_at}/{incidents.get(links.get(row.id))}" for row in rows[Finding]}
    pages = {row.id: f"{incidents[row.incident_id]}/{row.person}" for row in rows[Page]}
    entries = {row.id: f"{incidents[row.incident_id]}/{row.kind}/{row.at}/{row.text}" for row in rows[TimelineEntry]}
    names = {"incident": incidents, "entry": entries, "page": pages}

    def replaced(name: str, value: Any) -> Any:
        match name, value:
            case ("incident_id", int()):
                return incidents[value]
            case ("finding_id", int()):
                return findings[value]
            case ("page_id", int()):
                return pages[value]
            case ("escalation_id" | "message_key", _):
                return value is not None
            case ("object", str()):
                return incidents[int(value.partition(":")[2])] if value.startswith("incident:") else value
            case ("subject" | "data", dict()):
                # Who is paged in one message with whom depends on the order only.
                return {key: names[key][one] if key in names else len(one) if key == "pages" else one
                        for key, one in value.items()}  # fmt: skip
            case ("known", str()):
                return value
        return value

    def row_of(table: type[Any], row: Any) -> str:
        left_out = {"id", "key", "thread_key", "runbooks_started_at"}
        if table is OutboxMessage and row.kind == "page":
            left_out |= {"incident_id"}
        values = {name: replaced(name, value) for name, value in row.model_dump().items() if name not in left_out}
        return str(sorted(values.items()))

    return {table.__name__: sorted(row_of(table, row) for row in rows[table]) for table in TABLES}


@given(POSTS)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_batch_of_whatever_kind_has_the_result_of_one_by_one(empty: Path, posts: Sequence[Post]) -> None:
    together = asyncio.run(outcome(empty, posts))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(batch, "_plain", lambda *_given, **_named: set())
        apart = asyncio.run(outcome(empty, posts))
    for name, rows in apart.items():
        assert together[name] == rows, name


async def test_what_was_kept_but_not_told_before_a_crash_is_told(
    desk: AlertDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is new is told with the alert; what joins is told in a second transaction, which may never come."""
    await desk.post(alert("A", n="1", severity="warning"))

    async def dies(*_given: object, **_named: object) -> None:
        raise ConnectionError("as if the process had died here")

    with monkeypatch.context() as patched:
        patched.setattr(telling, "tell", dies)
        sent = [alert("A", n="2", severity="critical"), alert("B", severity="critical")]
        assert (await desk.post(*sent)).status_code == 200
    assert {one.cause for one in await desk.incidents()} == {"alert:A", "alert:B"}
    assert [page.person for page in await desk.all(Page)] == ["maria"]
    assert await desk.handler.work() == 1
    assert {(one.cause, one.severity) for one in await desk.incidents()} == {("alert:A", "sev1"), ("alert:B", "sev1")}
    assert await desk.handler.work() == 0


async def test_alerts_of_a_batch_page_one_person_in_few_messages(desk: AlertDesk) -> None:
    await desk.post(*(alert(f"A{number}", severity="critical") for number in range(25)))
    sizes = [len(message.subject["pages"]) for message in await desk.messages("page")]
    assert sizes == [10, 10, 5]
    await desk.post(alert("One more", severity="critical"))
    assert [len(message.subject["pages"]) for message in await desk.messages("page")] == [10, 10, 6]
