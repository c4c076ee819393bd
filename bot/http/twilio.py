"""What becomes of a phone call comes here: `POST /hooks/twilio/{token}`, a pressed key or the end of the call.

Both are signed by the account's Auth Token over the URL as we gave it to Twilio (BADDAY_PUBLIC_URL, whatever a proxy
makes of it) and the form. https://www.twilio.com/docs/usage/security
"""

import hmac
from collections.abc import Callable, Sequence
from datetime import datetime
from urllib.parse import parse_qsl

from pydantic import ValidationError
from sqlalchemy import or_, select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.catalog import Catalog
from bot.http.bodies import whole
from bot.http.problems import ProblemError
from bot.paging import contact_tests, escalation, links, pages, registry
from bot.paging.contact import ContactError, Secrets
from bot.paging.contacts import twilio
from bot.paging.contacts.twilio import ACKNOWLEDGE, HAND_ON, CallEnd, TwilioSetup
from bot.paging.links import Look, Standing
from bot.store.database import Database
from bot.store.tables import PageAttempt

LARGEST_BODY = 65_536
HEADER = "X-Twilio-Signature"
Form = Sequence[tuple[str, str]]


def routes(
    db: Database,
    catalog: Callable[[], Catalog],
    secrets: Secrets,
    clock: Callable[[], datetime],
    *,
    public_url: str,
) -> list[Route]:
    """Open to whoever signs with the account's Auth Token."""

    async def receive(request: Request) -> Response:
        token = request.path_params["token"]
        body = await whole(request, most=LARGEST_BODY)
        form = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
        _require_signature(request, form, f"{public_url}/hooks/twilio/{token}", catalog(), secrets)
        fields = dict(form)
        async with db.transaction() as session:
            call = fields.get("CallSid", "")
            if "Digits" in fields:
                words = await _pressed(session, catalog(), token, call, fields["Digits"].strip(), now=clock())
                return Response(twilio.reply(words), media_type="text/xml")
            end = twilio.ended_as(fields.get("CallStatus", ""), fields.get("AnsweredBy", ""))
            if end is not None:
                await _ended(session, token, call, end, now=clock())
        return Response(status_code=204)

    return [Route("/hooks/twilio/{token}", receive, methods=["POST"])]


def _require_signature(request: Request, form: Form, url: str, catalog: Catalog, secrets: Secrets) -> None:
    given = catalog.contacts.get("twilio")
    try:
        setup = registry.setup_of("twilio", given.options if given is not None else None)
        assert isinstance(setup, TwilioSetup)
        token = secrets.read(setup.token)
    except (ValidationError, ContactError):
        raise ProblemError(401, "contacts.twilio is not set up, so nothing can be signed") from None
    ours = twilio.signature(token, url, form)
    if not hmac.compare_digest(request.headers.get(HEADER, "").encode("utf-8", "replace"), ours.encode()):
        detail = "the signature is missing, or is over another address; BADDAY_PUBLIC_URL must be what Twilio calls"
        raise ProblemError(401, detail, field=HEADER)


async def _pressed(session: AsyncSession, catalog: Catalog, token: str, call: str, digit: str, *, now: datetime) -> str:
    """Do what the key means; returns what is said. Any key proves that a person listens."""
    seen = await links.look(session, token, now=now)
    if seen.standing is Standing.TEST or digit == ACKNOWLEDGE:
        await _heard(session, token, call, now=now)
        return _said(await links.answer(session, token, now=now), catalog)
    if digit != HAND_ON:
        await _heard(session, token, call, now=now)
        return "That key means nothing here. Nothing was changed. Goodbye."
    if seen.standing is not Standing.WAITING or seen.page is None:
        return _said(seen, catalog)
    await _heard(session, token, call, now=now)
    outcome = await escalation.hand_over(
        session, catalog, seen.page.incident_id, actor=seen.person, version=None, now=now
    )
    return "Thank you. Whoever comes next is paged now. Goodbye." if outcome.applied else f"It was {outcome.refusal}."


def _said(seen: Look, catalog: Catalog) -> str:
    match seen.standing:
        case Standing.ACKNOWLEDGED if seen.by_themselves:
            return "Acknowledged. Thank you. Goodbye."
        case Standing.ACKNOWLEDGED | Standing.RESOLVED:
            known = catalog.people.get(seen.by or "")
            by = known.name if known is not None else "somebody else"
            return f"It was already {seen.standing} by {by}. Goodbye."
        case Standing.CONFIRMED | Standing.TEST:
            return "Thank you. It is written down that this call reached you. Goodbye."
        case Standing.EXPIRED:
            return "This page is too old. Please look into Slack. Goodbye."
        case _:
            return "This page is not known any more. Please look into Slack. Goodbye."


async def _heard(session: AsyncSession, token: str, call: str, *, now: datetime) -> None:
    attempt = await _attempt(session, token, call)
    if attempt is not None and attempt.outcome in ("sending", "unknown"):
        await pages.settled(session, attempt, "delivered", "a key was pressed", now=now)


async def _ended(session: AsyncSession, token: str, call: str, end: CallEnd, *, now: datetime) -> None:
    """The call is over, and no key was pressed: the next way at once."""
    test = await contact_tests.by_token(session, links.token_hash(token))
    if test is not None:
        if test.settled_at is None:
            await contact_tests.settled(session, test, end.outcome, end.detail, now=now)
        return
    attempt = await _attempt(session, token, call)
    if attempt is not None and attempt.outcome == "sending":
        await pages.settled(session, attempt, end.outcome, end.detail, now=now)


async def _attempt(session: AsyncSession, token: str, call: str) -> PageAttempt | None:
    """The call's attempt, under its incident's lock. Its end may be told before Twilio has answered our request."""
    page = await links.page_of(session, token)
    if page is None:
        return None
    await pages.hold(session, page.incident_id)
    statement = (
        select(PageAttempt)
        .where(
            col(PageAttempt.page_id) == page.id,
            col(PageAttempt.method) == "twilio",
            or_(col(PageAttempt.external_id) == call, col(PageAttempt.external_id).is_(None)),
        )
        .order_by(col(PageAttempt.external_id).is_(None), col(PageAttempt.id).desc())
        .limit(1)
        .execution_options(populate_existing=True)
    )
    found: PageAttempt | None = (await session.execute(statement)).scalar_one_or_none()
    return found
