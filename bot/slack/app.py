"""The Bolt app: keeps whatever Slack delivers in the inbox and acknowledges it; nothing is worked on here.

Nothing of Slack is touched when the app is built: no request goes out, and a Slack that is down delays nobody.
"""

import json
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import structlog
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy.exc import SQLAlchemyError

from bot.catalog import Catalog
from bot.settings import Settings
from bot.slack import intake
from bot.slack.modals import FORMS
from bot.store import inbox
from bot.store.database import Database

log = structlog.get_logger(__name__)


def build(settings: Settings, db: Database, catalog: Callable[[], Catalog], clock: Callable[[], datetime]) -> AsyncApp:
    """An app with one middleware, which answers everything: so nothing is left unanswered."""
    secret = settings.slack_signing_secret
    token = settings.slack_bot_token
    app = AsyncApp(
        name="badday",
        # Without a token: Bolt would ask Slack about it at the first delivery, and refuse that while Slack is slow.
        client=AsyncWebClient(base_url=settings.slack_api_url),
        authorize=_authorize(token.get_secret_value() if token else ""),
        signing_secret=secret.get_secret_value() if secret else "",
        request_verification_enabled=secret is not None,
        ignoring_self_events_enabled=False,
        attaching_function_token_enabled=False,
    )
    app.use(_keeping(db, catalog, clock))
    return app


def _authorize(token: str) -> Callable[..., Awaitable[AuthorizeResult]]:
    async def authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
        return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id, bot_token=token)

    return authorize


def _keeping(
    db: Database, catalog: Callable[[], Catalog], clock: Callable[[], datetime]
) -> Callable[..., Awaitable[BoltResponse]]:
    async def keep(req: AsyncBoltRequest) -> BoltResponse:
        body: dict[str, Any] = req.body
        kind = intake.kind(body)
        if kind is None:
            log.info("delivery ignored", type=body.get("type"))
            return BoltResponse(status=200)
        if kind == "event" and body.get("event", {}).get("bot_id"):
            return BoltResponse(status=200)  # what bots say, we among them, asks nothing of us
        if kind == "view_submission":
            wrong = _problems(body, catalog())
            if wrong:
                answer = {"response_action": "errors", "errors": wrong}
                return BoltResponse(status=200, body=json.dumps(answer), headers={"content-type": "application/json"})
        kept = {name: value for name, value in body.items() if name != "token"}
        key = intake.dedupe_key(body)
        try:
            async with db.transaction() as session:
                new = await inbox.accept(session, dedupe_key=key, kind=kind, payload=kept, now=clock())
        except SQLAlchemyError:
            # Not acknowledged: Slack delivers an event again, and tells a person that the click did not work.
            log.exception("delivery not kept", key=key)
            return BoltResponse(status=503)
        if not new:
            log.info("delivered again", key=key)
        return BoltResponse(status=200)

    return keep


def _problems(body: dict[str, Any], catalog: Catalog) -> dict[str, str]:
    view = body.get("view") or {}
    form = FORMS.get(str(view.get("callback_id")))
    return form.problems(catalog, intake.answers(view)) if form is not None else {}
