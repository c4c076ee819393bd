"""Notes in the timeline: what people write for it, and messages of the thread that somebody keeps."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.incidents import incidents, pictures, timeline
from bot.incidents.pictures import Attached
from bot.incidents.races import locked
from bot.store.tables import TimelineEntry

LONGEST = 4_000
"""Characters; more belongs into a document."""


@dataclass(frozen=True, slots=True)
class Said:
    """A message as somebody wrote it: in which place, by whom, when, in plain words, with which files."""

    channel: str
    ts: str
    author: str
    """Key of a person of the catalog, or a Slack user's id."""
    at: datetime
    text: str
    files: Sequence[Attached] = ()


async def write(session: AsyncSession, incident_id: int, *, text: str, actor: str, now: datetime) -> TimelineEntry:
    """Add what somebody says for the timeline, and show it in the thread. Raises LookupError."""
    await locked(session, incident_id)
    return await incidents.note(session, incident_id, actor=actor, text=text.strip()[:LONGEST], now=now)


async def keep(
    session: AsyncSession, incident_id: int, said: Said, *, actor: str, now: datetime
) -> tuple[TimelineEntry, bool]:
    """Keep a message as a note with its author and its time, once; its pictures are kept, too.

    Returns the entry, and whether it is new. The thread shows the message already, so nothing is posted. Raises
    LookupError.
    """
    # Held, so that two people who keep the same message keep it once.
    await locked(session, incident_id)
    where = {"channel": said.channel, "ts": said.ts}
    known = await _kept(session, incident_id, where)
    if known is not None:
        return known, False
    entry = await timeline.add(
        session,
        incident_id,
        kind="note",
        actor=said.author,
        text=said.text.strip()[:LONGEST] or _named(said.files),
        now=said.at,
        data={"message": where, "kept_by": actor, "kept_at": now.isoformat()},
    )
    assert entry.id is not None
    await pictures.keep(session, incident_id, entry.id, said.files, now=now)
    return entry, True


async def _kept(session: AsyncSession, incident_id: int, where: dict[str, str]) -> TimelineEntry | None:
    statement = select(TimelineEntry).where(
        col(TimelineEntry.incident_id) == incident_id, col(TimelineEntry.kind) == "note"
    )
    notes = (await session.execute(statement)).scalars()
    return next((note for note in notes if (note.data or {}).get("message") == where), None)


def _named(files: Sequence[Attached]) -> str:
    return ", ".join(file.name for file in files) or "(a message without words)"
