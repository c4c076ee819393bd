"""What a page or a test says, before it is put into a mail, a call or an event."""

import hashlib
from datetime import datetime

from sqlalchemy import func, select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.catalog import Catalog
from bot.incidents.timeline import root_key
from bot.paging.contact import Notice, Recipient
from bot.store import outbox
from bot.store.tables import ContactTest, Incident, Page, PageAttempt, SlackWorkspace

_OF_SYSTEM = frozenset({"owner", "deputy"})


def dedup_key(incident: Incident) -> str:
    """`badday-42-1f0c9a2b`: the incident's number, and what tells it from number 42 of another installation.

    It is made of what never changes of the incident, so everything about it has the same key for ever.
    """
    told = f"{incident.system}\n{incident.cause}\n{incident.opened_at.isoformat()}"
    return f"badday-{incident.id}-{hashlib.sha256(told.encode()).hexdigest()[:8]}"


async def open_key(session: AsyncSession, incident: Incident) -> str:
    """The key for the other side's own incident, which cannot page anew once it was told of an acknowledgement there.

    After an acknowledgement that was taken back it is therefore another one: `badday-42-1f0c9a2b-1`.
    """
    told = (
        select(func.count(func.distinct(col(PageAttempt.external_id))))
        .join(Page, col(Page.id) == col(PageAttempt.page_id))
        .where(col(Page.incident_id) == incident.id, col(PageAttempt.told) == "acknowledged")
    )
    before = int((await session.execute(told)).scalar_one())
    key = dedup_key(incident)
    return f"{key}-{before}" if before else key


async def of_page(
    session: AsyncSession,
    catalog: Catalog,
    attempt: PageAttempt,
    page: Page,
    incident: Incident,
    *,
    token: str,
    public_url: str,
    now: datetime,
) -> Notice:
    assert incident.id is not None
    return Notice(
        to=recipient(catalog, page.person),
        title=incident.title,
        text=incident.known,
        severity=incident.severity,
        system=incident.system,
        incident=incident.id,
        page=page.id,
        why=f"{page.why} of {incident.system}" if page.why in _OF_SYSTEM else page.why,
        since=incident.opened_at,
        sent_at=now,
        dedup_key=attempt.external_id if attempt.told and attempt.external_id else dedup_key(incident),
        message_id=_message_id("page", attempt.id, attempt.at),
        ack_url=f"{public_url}/ack/{token}",
        reply_url=f"{public_url}/hooks/{attempt.method}/{token}",
        thread_url=await thread_url(session, incident.id),
    )


def of_test(catalog: Catalog, test: ContactTest, *, token: str, public_url: str, now: datetime) -> Notice:
    message_id = _message_id("test", test.id, test.asked_at)
    return Notice(
        to=recipient(catalog, test.person),
        title="can Badday reach you?",
        text=f"Asked for by {recipient(catalog, test.asked_by).name}.",
        severity="sev3",
        system="badday",
        incident=0,
        why="a test",
        since=test.asked_at,
        sent_at=now,
        dedup_key=message_id,
        message_id=message_id,
        ack_url=f"{public_url}/ack/{token}",
        reply_url=f"{public_url}/hooks/{test.method}/{token}",
        test=True,
    )


def recipient(catalog: Catalog, person: str) -> Recipient:
    """Somebody as they are addressed; one who left the catalog has no address any more."""
    entry = catalog.people.get(person)
    return Recipient(person, entry.name, entry.email) if entry is not None else Recipient(person, person, "")


async def thread_url(session: AsyncSession, incident_id: int) -> str | None:
    """A link to the incident's thread; None while it is not in Slack yet."""
    root = await outbox.get(session, root_key(incident_id))
    if root is None or root.slack_ts is None or root.slack_channel is None:
        return None
    workspace = await session.get(SlackWorkspace, 1)
    if workspace is None:
        return None
    return f"{workspace.url}archives/{root.slack_channel}/p{root.slack_ts.replace('.', '')}"


def _message_id(what: str, number: int | None, since: datetime) -> str:
    """The same for each repetition of a try; another one in every installation, for numbers begin anew there."""
    return f"badday-{what}-{number}-{since:%Y%m%d%H%M%S}"
