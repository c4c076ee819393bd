"""`ticket.open`: open an issue on GitHub, in the repository that the catalog names (`tickets`).

REST API, `POST /repos/{owner}/{repo}/issues` and `GET /repos/{owner}/{repo}/issues`, version 2022-11-28. A mark in the
text finds it again, so that a step that is run twice does not open two.
"""

import hashlib
from typing import Any

from pydantic import Field

from bot.actions import outside
from bot.actions.contract import Action, ActionContext, ActionError, Arguments, Reading, UncertainError
from bot.catalog import Catalog, System
from bot.catalog.models import Tickets

_LOOKED_AT = 50


class TicketArguments(Arguments):
    title: str = Field(min_length=1, max_length=200)
    """The issue's title."""
    body: str = Field(default="", max_length=20_000)
    """What it says, as Markdown."""


class TicketOpen(Action[TicketArguments]):
    name = "ticket.open"
    With = TicketArguments
    idempotent = False

    def check(self, catalog: Catalog, system: System, arguments: TicketArguments) -> None:
        if catalog.tickets is None:
            raise ActionError("the catalog does not say where issues are opened; add `tickets`", permanent=True)

    def is_local(self, *_: object) -> bool:
        return False

    async def read(self, context: ActionContext, arguments: TicketArguments) -> Reading:
        url = f"{_issues(context)}?state=all&sort=created&direction=desc&per_page={_LOOKED_AT}"
        answer = await outside.ask(context, "GET", url, headers=_headers(context))
        for issue in outside.require(answer, "GitHub's issues") or []:
            if isinstance(issue, dict) and _mark(context, arguments) in str(issue.get("body") or ""):
                return {"number": issue.get("number"), "url": issue.get("html_url")}
        return {"number": None, "url": None}

    async def apply(self, context: ActionContext, arguments: TicketArguments) -> None:
        if (await self.read(context, arguments))["number"] is not None:
            return
        sent: dict[str, Any] = {
            "title": arguments.title,
            "body": f"{arguments.body}\n\n{_mark(context, arguments)}",
            "labels": list(_tickets(context).labels),
        }
        answer = await outside.ask(context, "POST", _issues(context), headers=_headers(context), body=sent)
        if answer.is_server_error:
            raise UncertainError(f"GitHub answered {answer.status_code} to the new issue.")
        outside.require(answer, "GitHub's new issue")

    async def verify(self, context: ActionContext, arguments: TicketArguments) -> Reading:
        reading = await self.read(context, arguments)
        if reading["number"] is None:
            raise ActionError("GitHub took the issue, but does not list it")
        return reading

    def reverse(self, arguments: TicketArguments, previous: Reading) -> None:
        return None

    def describe(self, arguments: TicketArguments, current: Reading | None) -> str:
        if current is not None and current["number"] is not None:
            return f"Keep issue {current['number']}, which is open for this already: {arguments.title}"
        return f"Open an issue on GitHub: {arguments.title}"


def _tickets(context: ActionContext) -> Tickets:
    if context.catalog.tickets is None:
        raise ActionError("the catalog does not say where issues are opened any more", permanent=True)
    return context.catalog.tickets


def _issues(context: ActionContext) -> str:
    tickets = _tickets(context)
    return f"{tickets.api}/repos/{tickets.repository}/issues"


def _headers(context: ActionContext) -> dict[str, str]:
    token = outside.reachable(context).secret(_tickets(context).token).get_secret_value()
    return {
        "Authorization": f"Bearer {token}",
        "Accept": "application/vnd.github+json",
        "X-GitHub-Api-Version": "2022-11-28",
    }


def _mark(context: ActionContext, arguments: TicketArguments) -> str:
    digest = hashlib.sha256(arguments.title.encode()).hexdigest()[:12]
    return f"<!-- badday incident {context.incident_id} {digest} -->"
