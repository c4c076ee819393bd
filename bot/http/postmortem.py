"""`GET /incidents/{number}/postmortem`: the postmortem as a page, `?format=markdown` as text.

It holds what people wrote and pictures from Slack, so it is for this machine and for holders of the admin token.
"""

from collections.abc import Callable
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bot.catalog import Catalog
from bot.http.auth import Guard
from bot.http.problems import ProblemError
from bot.incidents import postmortem
from bot.settings import Settings
from bot.store.database import Database

LONGEST_NUMBER = 9
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
NOTHING = "default-src 'none'"
FORMATS = {"html": postmortem.html, "markdown": postmortem.markdown}


def routes(
    settings: Settings, db: Database, catalog: Callable[[], Catalog], clock: Callable[[], datetime]
) -> list[BaseRoute]:
    async def show(request: Request) -> Response:
        wanted = request.query_params.get("format", "html")
        if wanted not in FORMATS:
            raise ProblemError(400, f"format is one of: {', '.join(FORMATS)}", field="format")
        number = request.path_params["number"]
        try:
            if not (number.isascii() and number.isdecimal() and len(number) <= LONGEST_NUMBER):
                raise LookupError
            async with db.reading() as session:
                facts = await postmortem.collect(session, catalog(), int(number), now=clock())
        except LookupError:
            raise ProblemError(404, f"there is no incident {number}", field="number") from None
        document = FORMATS[wanted](facts)
        policy = f"{document.policy or NOTHING}; frame-ancestors 'none'"
        headers = {**HEADERS, "Content-Security-Policy": policy}
        return Response(document.content, media_type=document.mimetype, headers=headers)

    return [Route("/incidents/{number}/postmortem", Guard(settings.api_token).local_or_token(show))]
