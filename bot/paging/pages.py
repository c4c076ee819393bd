"""Pages: attempts to reach one person (or a channel), by one of their ways after the other until somebody answers.

    await pages.page(session, catalog, incident, "maria", why="owner", now=now)   # the first ways at once
    await pages.settled(session, attempt, "failed", "mailbox full", now=now)      # a way that fails: the next at once

A page by Slack is a message of the outbox; for every other way the attempt's row is the outbox itself (pending,
sending, then what came of it), which bot.paging.sending works off. Whoever changes pages holds the lock of their
incident first: so an acknowledgement and an outcome that come at once wait for each other, never for each other's rows.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, update
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.catalog import Catalog
from bot.incidents import timeline
from bot.paging import ways
from bot.paging.life import PageEvent, PageState, State, page_after
from bot.store import outbox
from bot.store.database import wake_after_commit
from bot.store.tables import Escalation, Incident, OutboxMessage, Page, PageAttempt

KINDS = frozenset({"page", "channel_page"})
"""The outbox messages that carry pages."""
QUIET = "Do Not Disturb"


async def page(
    session: AsyncSession,
    catalog: Catalog,
    incident: Incident,
    person: str,
    *,
    why: str,
    step: int = 0,
    round: int = 0,  # noqa: A002 - the column's name
    escalation_id: int | None = None,
    now: datetime,
) -> Page | None:
    """Page a person about an incident, at once by the first of their ways.

    None where the catalog knows no way to the person; the caller says so aloud.
    """
    assert incident.id is not None
    methods = ways.of_person(catalog, person)
    if not methods:
        return None
    new = Page(
        incident_id=incident.id,
        escalation_id=escalation_id,
        person=person,
        why=why,
        step=step,
        round=round,
        state=PageState.PAGING,
        methods=methods,
        created_at=now,
    )
    session.add(new)
    await session.flush()
    await ways.start_due(session, new, now=now)
    return new


async def page_channel(
    session: AsyncSession,
    incident: Incident,
    channel: str,
    *,
    why: str,
    step: int = 0,
    round: int = 0,  # noqa: A002 - the column's name
    escalation_id: int | None = None,
    now: datetime,
) -> Page:
    """Page a channel: one message there that names everybody who is asked."""
    assert incident.id is not None
    new = Page(
        incident_id=incident.id,
        escalation_id=escalation_id,
        person=f"#{channel}",
        why=why,
        step=step,
        round=round,
        state=PageState.PAGING,
        methods=[{"kind": ways.CHANNEL, "options": {}, "after": 0}],
        created_at=now,
    )
    session.add(new)
    await session.flush()
    await ways.start_due(session, new, now=now)
    return new


async def tick(session: AsyncSession, due: Page, *, now: datetime) -> None:
    """What is due of a page whose `next_at` has come: its next way, or that Slack was waited for long enough."""
    if due.state != PageState.PAGING:
        due.next_at = None
        return
    slack = await ways.open_slack_attempt(session, due)
    if slack is None or slack.at + ways.SLACK_WITHIN > now:
        await ways.start_due(session, due, now=now)
        return
    slack.outcome, slack.settled_at = "unknown", now
    slack.detail = slack.detail or "Slack has not taken it yet; it is tried on"
    following = await _fall_through(session, due, now=now, hopeless=False)
    text = f"Slack has not taken the page to {due.person} within 15 s{following}"
    await _tell(session, due, text, "unknown", now=now, show=bool(following))
    await session.flush()


async def try_next(session: AsyncSession, one: Page, *, now: datetime) -> bool:
    """Start the next of the person's ways now; False where there is none left."""
    if one.method >= len(one.methods):
        return False
    await ways.start(session, one, now=now)
    await ways.plan(session, one)
    return True


async def settled(
    session: AsyncSession, attempt: PageAttempt, outcome: str, detail: str | None = None, *, now: datetime
) -> None:
    """Keep what came of an attempt: `delivered`, `failed` or `unknown`; the next way comes at once where it failed.

    For every way but Slack. The caller holds the incident's lock (`hold`).
    """
    one = await session.get(Page, attempt.page_id)
    if one is None:
        raise LookupError(f"there is no page {attempt.page_id}")
    attempt.outcome, attempt.detail, attempt.settled_at = outcome, detail, now
    await session.flush()
    by = ways.name(attempt.method)
    match outcome:
        case "delivered":
            await _reached(session, one, now=now)
            # While Slack does not take it, the thread that comes later says how they were reached, and when.
            show = await _slack_waits(session, one)
            await _tell(session, one, f"{one.person} paged by {by}", outcome, now=now, show=show)
        case "failed":
            following = await _fall_through(session, one, now=now, hopeless=True, start=attempt.tries <= 1)
            text = f"The page to {one.person} by {by} could not be delivered: {detail}{following}"
            await _tell(session, one, text, outcome, now=now, show=True)
        case _:
            following = await _fall_through(session, one, now=now, hopeless=False, start=attempt.tries <= 1)
            text = f"It is not known whether the page by {by} reached {one.person}: {detail}{following}"
            await _tell(session, one, text, outcome, now=now)
    await session.flush()


async def put_off(session: AsyncSession, attempt: PageAttempt, detail: str, *, until: datetime, now: datetime) -> None:
    """A way did not get through this time and is tried again at `until`; with its first try the next way comes at once.

    For every way but Slack. The caller holds the incident's lock (`hold`).
    """
    one = await session.get(Page, attempt.page_id)
    if one is None:
        raise LookupError(f"there is no page {attempt.page_id}")
    attempt.outcome, attempt.detail, attempt.not_before = "pending", detail, until
    await session.flush()
    if attempt.tries <= 1:
        following = await _fall_through(session, one, now=now, hopeless=False)
        by = ways.name(attempt.method)
        text = f"The page to {one.person} by {by} did not get through: {detail}. It is tried again{following}"
        await _tell(session, one, text, "retry", now=now, show=bool(following))
    await session.flush()


async def delivered(
    session: AsyncSession, message_key: str, *, outcome: str, detail: str | None, now: datetime
) -> None:
    """Keep what came of sending a page's message to Slack: `delivered`, `failed` or `unknown`.

    The timeline says "paged" only once Slack has the message.
    """
    for one in await _of_message(session, message_key):
        attempt = await ways.slack_attempt(session, one)
        if attempt is None or attempt.outcome == "delivered":
            continue
        place = "in Slack" if one.person.startswith("#") else "by Slack direct message"
        match outcome:
            case "delivered":
                attempt.outcome, attempt.detail, attempt.settled_at = outcome, detail, now
                await _reached(session, one, now=now)
                await ways.plan(session, one)
                await _tell(session, one, f"{one.person} paged {place}", outcome, now=now)
            case "failed":
                attempt.outcome, attempt.detail, attempt.settled_at = outcome, detail, now
                following = await _fall_through(session, one, now=now, hopeless=True)
                text = f"The page to {one.person} could not be delivered: {detail}{following}"
                await _tell(session, one, text, outcome, now=now, show=True)
            case _:
                # Slack is asked whether it has it; the next way waits no longer than for any other answer.
                attempt.outcome, attempt.detail = "unknown", detail
                text = f"It is not known whether the page reached {one.person}: {detail}"
                await _tell(session, one, text, outcome, now=now)
    await session.flush()


async def disturbs(session: AsyncSession, message_key: str, until: datetime, *, now: datetime) -> None:
    """The person whom a message pages is in Do Not Disturb: nobody waits for them, and that is said."""
    told = f"{QUIET} until {until:%H:%M} UTC"
    for one in await _of_message(session, message_key):
        attempt = await ways.slack_attempt(session, one)
        if attempt is None or one.state != PageState.PAGING or (attempt.detail or "").startswith(QUIET):
            continue
        attempt.detail = told
        following = await _fall_through(session, one, now=now, hopeless=True)
        text = f"{one.person} is in Do Not Disturb until {until:%H:%M} UTC{following}"
        await _tell(session, one, text, "do_not_disturb", now=now, show=True)
        await outbox.edit(session, message_key, now=now)
    await session.flush()


async def apply(
    session: AsyncSession, incident_id: int, event: PageEvent, *, now: datetime, person: str | None = None
) -> None:
    """Let an incident's pages (or only those of a person) follow it, and show each of their messages anew.

    What waits to be sent is dropped where it says what is no longer so.
    """
    for one in await of_incident(session, incident_id):
        if person is not None and one.person != person:
            continue
        following = page_after(PageState(one.state), event)
        if following is not None:
            one.state, one.next_at = following, None
            if following is PageState.ACKNOWLEDGED:
                one.acknowledged_at = now
            elif following is PageState.ENDED:
                one.ended_at = now
            await session.flush()
            await _drop_waiting(session, one, now=now)
        if one.message_key is not None and (following is not None or person is None):
            await outbox.edit(session, one.message_key, now=now)
    await session.flush()


async def show(session: AsyncSession, incident_id: int, *, now: datetime) -> None:
    """Let the messages of an incident's running pages say anew by when to acknowledge, and who is next."""
    keys = [one.message_key for one in await of_incident(session, incident_id) if one.state == PageState.PAGING]
    for key in dict.fromkeys(key for key in keys if key is not None):
        await outbox.edit(session, key, now=now)


async def of_incident(session: AsyncSession, incident_id: int) -> Sequence[Page]:
    """The pages of an incident, oldest first."""
    statement = select(Page).where(col(Page.incident_id) == incident_id).order_by(col(Page.id))
    return (await session.execute(statement)).scalars().all()


async def hold(session: AsyncSession, *incident_ids: int) -> None:
    """Lock incidents until the transaction ends, always in the same order; see the module."""
    statement = (
        select(col(Incident.id)).where(col(Incident.id).in_(incident_ids)).order_by(col(Incident.id)).with_for_update()
    )
    await session.execute(statement)


async def hold_of_message(session: AsyncSession, message: OutboxMessage) -> None:
    """Lock the incidents that a message pages about, before anything of it is written."""
    paged = select(col(Page.incident_id)).where(col(Page.id).in_(message.subject["pages"]))
    await hold(session, *(await session.execute(paged)).scalars().all())


async def _reached(session: AsyncSession, one: Page, *, now: datetime) -> None:
    """Keep when a page was first confirmed as delivered, and the first of its escalation."""
    one.delivered_at = one.delivered_at or now
    first = update(Escalation).where(col(Escalation.id) == one.escalation_id, col(Escalation.reached_at).is_(None))
    await session.execute(first.values(reached_at=now).execution_options(synchronize_session=False))


async def _fall_through(session: AsyncSession, one: Page, *, now: datetime, hopeless: bool, start: bool = True) -> str:
    """Start the next way at once; returns what happens now, as the end of a sentence.

    `hopeless`: the way that failed will not reach the person later either. Where it was the last one, nobody waits for
    this person: with no other page of the step left, the next step comes at once. Without `start` the next way was
    started when this one failed before; another one is begun only where none of those is left.
    """
    if one.state != PageState.PAGING:
        return ""
    if one.method < len(one.methods) and (start or not await _alive(session, one)):
        kind = one.methods[one.method]["kind"]
        await try_next(session, one, now=now)
        return f"; trying {ways.name(kind)} at once"
    if not hopeless or await _alive(session, one):
        await ways.plan(session, one)
        return ""
    one.state, one.next_at = PageState.UNREACHED, None
    await session.flush()
    hastened = await _hasten(session, one, now=now)
    return "; there is no other way to reach them" + (", so the next step comes at once" if hastened else "")


async def _alive(session: AsyncSession, one: Page) -> bool:
    """Whether a way has reached the person, or still may."""
    return any(
        each.outcome in ("pending", "sending", "delivered") and not (each.detail or "").startswith(QUIET)
        for each in await ways.attempts(session, one.id or 0)
    )


async def _hasten(session: AsyncSession, one: Page, *, now: datetime) -> bool:
    """Let the next step come at once if nobody of the page's step is left to be waited for."""
    if one.escalation_id is None:
        return False
    escalation = await session.get(Escalation, one.escalation_id, with_for_update=True, populate_existing=True)
    if escalation is None or escalation.state != State.PAGING or escalation.next_at is None:
        return False
    statement = select(Page).where(col(Page.escalation_id) == one.escalation_id).order_by(col(Page.id))
    rows: Sequence[Page] = (await session.execute(statement)).scalars().all()
    newest = rows[-1]
    others = [each for each in rows if (each.step, each.round) == (newest.step, newest.round)]
    if one not in others or any(each.state == PageState.PAGING for each in others):
        return False
    escalation.next_at = now
    wake_after_commit(session, ways.WAKES)
    return True


async def _drop_waiting(session: AsyncSession, one: Page, *, now: datetime) -> None:
    """A way that was not begun yet is not begun any more; one in somebody's hands is left to them."""
    statement = (
        select(PageAttempt)
        .where(col(PageAttempt.page_id) == one.id, col(PageAttempt.outcome) == "pending")
        .with_for_update(skip_locked=True)
    )
    for attempt in (await session.execute(statement)).scalars():
        attempt.outcome, attempt.settled_at = "dropped", now
    await session.flush()


async def _slack_waits(session: AsyncSession, one: Page) -> bool:
    attempt = await ways.slack_attempt(session, one)
    return attempt is not None and attempt.outcome not in ("delivered", "sending")


async def _tell(
    session: AsyncSession, one: Page, text: str, outcome: str, *, now: datetime, show: bool = False
) -> None:
    await timeline.add(
        session,
        one.incident_id,
        kind="delivery",
        actor="badday",
        text=text,
        now=now,
        data={"page": one.id, "outcome": outcome},
        show=show,
    )
    await outbox.edit(session, timeline.root_key(one.incident_id), now=now, urgent=show)


async def _of_message(session: AsyncSession, message_key: str) -> Sequence[Page]:
    statement = select(Page).where(col(Page.message_key) == message_key).order_by(col(Page.id))
    return (await session.execute(statement)).scalars().all()
