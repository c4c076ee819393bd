"""The page behind the link of a page: `GET /ack/{token}` shows, only `POST` acknowledges.

Mail scanners open links, so looking changes nothing. It works without scripts, on a phone, and is kept by nobody: no
cache, no search engine, no referrer.
"""

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from bot.catalog import Catalog
from bot.paging import links, notices
from bot.paging.links import Look, Standing
from bot.store.database import Database

if TYPE_CHECKING:
    from jinja2 import Template

STYLE = """
:root{color-scheme:light dark;--ink:#1d1c1d;--soft:#5b5b5b;--paper:#fff;--button:#1264a3}
@media (prefers-color-scheme:dark){:root{--ink:#e8e8e8;--soft:#ababad;--paper:#1a1d21;--button:#1d76bb}}
body{margin:0;background:var(--paper);color:var(--ink);font:1.0625rem/1.5 system-ui,sans-serif}
main{max-width:36rem;margin:0 auto;padding:2rem 1.25rem}
h1{font-size:1.5rem;line-height:1.25;margin:.25rem 0 1rem;overflow-wrap:anywhere}
.about{color:var(--soft);margin:.5rem 0}.text{white-space:pre-line;overflow-wrap:anywhere}
.state{font-weight:600;margin:1.5rem 0 1rem}
button{font:inherit;font-weight:600;width:100%;min-height:3.5rem;border:0;border-radius:.5rem;color:#fff;
background:var(--button);cursor:pointer}
button:focus-visible,a:focus-visible{outline:3px solid var(--ink);outline-offset:3px}a{color:inherit}
""".replace("\n", "")
_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "Cache-Control": "no-store",
        "Content-Security-Policy": (
            f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; "
            "base-uri 'none'; frame-ancestors 'none'"
        ),
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Robots-Tag": "noindex, nofollow",
    }
)


@dataclass(frozen=True, slots=True)
class View:
    """What the page says."""

    status: int
    title: str
    state: str
    subtitle: str = ""
    text: str = ""
    button: str = ""
    hint: str = ""
    thread_url: str | None = None


def routes(db: Database, catalog: Callable[[], Catalog], clock: Callable[[], datetime]) -> list[Route]:
    """Open to whoever has the link; the 256 bits in it are the only key that there is."""

    async def show(request: Request) -> Response:
        async with db.reading() as session:
            seen = await links.look(session, request.path_params["token"], now=clock())
            return await _page(session, catalog(), seen, asked=False)

    async def act(request: Request) -> Response:
        async with db.transaction() as session:
            seen = await links.answer(session, request.path_params["token"], now=clock())
            return await _page(session, catalog(), seen, asked=True)

    return [Route("/ack/{token}", show, methods=["GET"]), Route("/ack/{token}", act, methods=["POST"])]


async def _page(session: AsyncSession, catalog: Catalog, seen: Look, *, asked: bool) -> Response:
    number = seen.incident.id if seen.incident is not None else None
    thread = await notices.thread_url(session, number) if number is not None else None
    view = view_of(seen, catalog, asked=asked, thread_url=thread)
    return HTMLResponse(_template().render(view=view, style=STYLE), status_code=view.status, headers=dict(HEADERS))


def view_of(seen: Look, catalog: Catalog, *, asked: bool, thread_url: str | None = None) -> View:
    """The page for how things stand; `asked`: after the button was pressed."""
    match seen.standing:
        case Standing.UNKNOWN:
            return View(
                404,
                "This link is not known",
                "It may have been cut off by your mail program, or belong to another installation. "
                "Open incidents are listed in Slack by /badday status.",
            )
        case Standing.TEST:
            return View(
                200,
                "Did the test reach you?",
                "Nothing is wrong.",
                button="Yes, it reached me",
                hint=f"For {_name(catalog, seen.person)}.",
            )
        case Standing.CONFIRMED:
            return View(200, "Thank you", f"It is written down that this reaches {_name(catalog, seen.person)}.")
        case Standing.EXPIRED if seen.incident is None:
            return View(
                410, "This test is over", "Its link was good for three days. Type /badday page test for a new one."
            )
    assert seen.incident is not None
    incident = seen.incident
    subtitle = f"Incident {incident.id} · {incident.system} · {incident.severity.upper()}"
    when = f"{seen.at:%H:%M} UTC" if seen.at is not None else ""
    who = "you" if seen.by_themselves else _name(catalog, seen.by or "somebody")
    match seen.standing:
        case Standing.WAITING:
            return View(
                200,
                incident.title,
                f"Waiting since {incident.opened_at:%Y-%m-%d %H:%M} UTC.",
                subtitle,
                incident.known,
                "Acknowledge",
                f"As {_name(catalog, seen.person)}. It stops paging others, and everybody sees who took it.",
                thread_url,
            )
        case Standing.EXPIRED:
            return View(
                410,
                incident.title,
                "This link has expired; it was good for three days. Acknowledge in Slack, or by a newer link.",
                subtitle,
                thread_url=thread_url,
            )
        case Standing.RESOLVED:
            state = f"Resolved by {who} at {when}. There is nothing left to acknowledge."
            return View(409 if asked else 200, incident.title, state, subtitle, thread_url=thread_url)
        case _:
            state = f"Acknowledged by {who} at {when}."
            late = asked and not seen.by_themselves
            state = f"{state} Nothing was changed." if late else state
            return View(409 if late else 200, incident.title, state, subtitle, thread_url=thread_url)


def _name(catalog: Catalog, actor: str) -> str:
    if actor == "badday":
        return "Badday"
    return catalog.people[actor].name if actor in catalog.people else actor


@cache
def _template() -> "Template":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("bot.http", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("ack.html.j2")
