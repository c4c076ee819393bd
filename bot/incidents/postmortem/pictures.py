"""Kept pictures as a page shows them without asking anybody: their content in the address itself."""

from base64 import b64encode

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.incidents import pictures
from bot.store.tables import Picture


async def by_entry(session: AsyncSession, incident_id: int) -> dict[int, list[dict[str, str]]]:
    """The pictures of each entry of the timeline: name, address (empty: not there), and why not."""
    found: dict[int, list[dict[str, str]]] = {}
    for picture in await pictures.of_incident(session, incident_id):
        found.setdefault(picture.entry_id, []).append(_shown(picture))
    return found


def _shown(picture: Picture) -> dict[str, str]:
    # Looked at again here: what is shown in a page is decided by its bytes alone.
    kind = pictures.type_of(picture.content) if picture.content is not None else None
    if kind is None or picture.content is None:
        return {"name": picture.name, "address": "", "missing": picture.error or "it was not fetched from Slack yet"}
    address = f"data:{kind};base64,{b64encode(picture.content).decode('ascii')}"
    return {"name": picture.name, "address": address, "missing": ""}
