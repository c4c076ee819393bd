"""What people do in PagerDuty comes here: `POST /hooks/pagerduty`, signed webhooks of version 3.

https://developer.pagerduty.com/docs/webhooks-overview. PagerDuty drops what is answered with 4xx, and shuts the webhook
off for a day after three of those; so everything that is signed is accepted, also what is about nothing of ours.
"""

import json
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import structlog
from pydantic import ValidationError
from sqlalchemy import select, update
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.catalog import Catalog
from bot.http.bodies import whole
from bot.http.problems import ProblemError
from bot.incidents import incidents
from bot.incidents.races import Outcome
from bot.paging import contact_tests, registry
from bot.paging.contact import ContactError, Secrets
from bot.paging.contacts import pagerduty
from bot.store.database import Database
from bot.store.tables import ContactTest, Page, PageAttempt

log = structlog.get_logger(__name__)
LARGEST_BODY = 262_144
"""Bytes; PagerDuty sends at most 256 KB."""
HEADER = "X-PagerDuty-Signature"


def routes(
    db: Database, catalog: Callable[[], Catalog], secrets: Secrets, clock: Callable[[], datetime]
) -> list[Route]:
    """Open to whoever signs with the subscription's secret."""

    async def receive(request: Request) -> Response:
        body = await whole(request, most=LARGEST_BODY)
        if not pagerduty.is_signed(body, request.headers.get(HEADER, ""), _secret(catalog(), secrets)):
            raise ProblemError(401, "the signature is missing, or made with another secret", field=HEADER)
        event = _event(body)
        async with db.transaction() as session:
            done = await _apply(session, catalog(), event, now=clock())
        log.info("event of PagerDuty", type=event.get("event_type"), done=done)
        return JSONResponse({"done": done}, status_code=202)

    return [Route("/hooks/pagerduty", receive, methods=["POST"])]


def _secret(catalog: Catalog, secrets: Secrets) -> str:
    given = catalog.contacts.get("pagerduty")
    try:
        setup = registry.setup_of("pagerduty", given.options if given is not None else None)
    except ValidationError:
        setup = pagerduty.PagerDutySetup()
    name = setup.webhook_secret if isinstance(setup, pagerduty.PagerDutySetup) else None
    if name is None:
        raise ProblemError(401, "contacts.pagerduty.webhook_secret is not in the catalog, so nothing can be signed")
    try:
        return secrets.read(name)
    except ContactError as error:
        raise ProblemError(401, str(error)) from None


def _event(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise ProblemError(400, "the body is not JSON", field="body") from None
    event = document.get("event") if isinstance(document, dict) else None
    if not isinstance(event, dict):
        raise ProblemError(400, "there is no event; subscribe with version 3 of the webhooks", field="event")
    return event


async def _apply(session: AsyncSession, catalog: Catalog, event: dict[str, Any], *, now: datetime) -> str:
    """What the event did here, in one word."""
    act = _ACTS.get(str(event.get("event_type")))
    data = event.get("data")
    key = data.get("incident_key") if isinstance(data, dict) else None
    if act is None or not isinstance(key, str):
        return "nothing"
    who, is_person = _who(catalog, event.get("agent"))
    if not is_person:
        # Our own events, and what PagerDuty does by itself (for example resolving after some hours), decide nothing.
        return "nothing"
    if act is _acknowledge and await _confirm_test(session, key, now=now):
        return "confirmed"
    incident = await _incident(session, key)
    if incident is None:
        return "unknown"
    outcome = await act(session, incident, key, who, now)
    return "applied" if outcome.applied else outcome.refusal


async def _acknowledge(session: AsyncSession, incident: int, key: str, who: str, now: datetime) -> Outcome:
    outcome = await incidents.acknowledge(session, incident, version=None, actor=who, how="pagerduty", now=now)
    await _knows(session, key, "acknowledged")
    return outcome


async def _resolve(session: AsyncSession, incident: int, key: str, who: str, now: datetime) -> Outcome:
    outcome = await incidents.resolve(session, incident, version=None, actor=who, now=now)
    await _knows(session, key, "resolved")
    return outcome


_ACTS: dict[str, Callable[[AsyncSession, int, str, str, datetime], Awaitable[Outcome]]] = {
    "incident.acknowledged": _acknowledge,
    "incident.resolved": _resolve,
}


async def _knows(session: AsyncSession, key: str, what: str) -> None:
    """PagerDuty need not be told what it told us."""
    statement = (
        update(PageAttempt)
        .where(col(PageAttempt.external_id) == key, col(PageAttempt.told).in_(("open", "acknowledged")))
        .values(told=what)
        .execution_options(synchronize_session=False)
    )
    await session.execute(statement)


async def _incident(session: AsyncSession, key: str) -> int | None:
    statement = (
        select(col(Page.incident_id))
        .join(PageAttempt, col(PageAttempt.page_id) == col(Page.id))
        .where(col(PageAttempt.external_id) == key, col(PageAttempt.method) == "pagerduty")
        .limit(1)
    )
    return (await session.execute(statement)).scalar_one_or_none()


async def _confirm_test(session: AsyncSession, key: str, *, now: datetime) -> bool:
    statement = select(col(ContactTest.id)).where(
        col(ContactTest.external_id) == key, col(ContactTest.method) == "pagerduty"
    )
    test = (await session.execute(statement)).scalars().first()
    if test is None:
        return False
    await contact_tests.confirmed(session, test, now=now)
    return True


def _who(catalog: Catalog, agent: Any) -> tuple[str, bool]:
    """Who did it: somebody of the catalog with that name, else the name; and whether it is a person at all."""
    if not isinstance(agent, dict) or not str(agent.get("type", "")).startswith("user"):
        return "PagerDuty", False
    name = " ".join(str(agent.get("summary") or "somebody in PagerDuty").split())[:80]
    known = [person.key for person in catalog.people.values() if person.name.casefold() == name.casefold()]
    return (known[0] if len(known) == 1 else name), True
