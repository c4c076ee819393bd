"""What people wrote in Slack, as plain words: mentions by name, links readable, nothing escaped; and by whom."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from html import unescape
from typing import Any

from bot.incidents.notes import Said
from bot.incidents.pictures import Attached
from bot.slack.views.look import Look
from bot.store.tables import SlackIdentity

_MARKED = re.compile(r"<(?P<inner>[^<>]+)>")


async def plain(look: Look, text: str) -> str:
    """The text as its author saw it."""
    found = []
    end = 0
    for match in _MARKED.finditer(text):
        found += [text[end : match.start()], await _shown(look, match["inner"])]
        end = match.end()
    return unescape("".join([*found, text[end:]]))


async def actor(look: Look, user: str) -> str:
    """The person of the catalog behind a Slack user; the user where there is none."""
    person = look.catalog.person_by_slack(user)
    if person is None:
        known = await look.session.get(SlackIdentity, user)
        person = look.catalog.person_by_email(known.email) if known is not None and known.email else None
    return person.key if person is not None else user


async def said(look: Look, channel: str, message: Mapping[str, Any]) -> Said:
    """A message as Slack tells it, to be kept."""
    user = message.get("user")
    other = (message.get("bot_profile") or {}).get("name") or message.get("username") or "an app"
    return Said(
        channel=channel,
        ts=str(message["ts"]),
        author=await actor(look, str(user)) if user else str(other),
        at=datetime.fromtimestamp(float(message["ts"]), UTC),
        text=await plain(look, str(message.get("text") or "")),
        files=[_attached(file) for file in message.get("files") or () if file.get("id")],
    )


def _attached(file: Mapping[str, Any]) -> Attached:
    name = str(file.get("name") or file.get("title") or "picture")
    return Attached(str(file["id"]), name, str(file.get("mimetype") or ""), int(file.get("size") or 0))


async def _shown(look: Look, inner: str) -> str:
    target, _, label = inner.partition("|")
    match target[:1]:
        case "@":
            return f"@{await look.name(await actor(look, target[1:]))}"
        case "#":
            return f"#{label or target[1:]}"
        case "!":
            return label or f"@{target[1:]}"
        case _:
            address = target.removeprefix("mailto:")
            return f"{label} ({address})" if label and label not in (target, address) else address
