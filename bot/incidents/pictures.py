"""Pictures of an incident's thread that were kept: what counts as one, and what became of fetching it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from sqlalchemy import ColumnElement, select, update
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.store.database import wake_after_commit
from bot.store.tables import Picture

TOPIC = "pictures"
LARGEST = 10 * 1024 * 1024
"""Bytes."""
_STARTS: Mapping[str, tuple[bytes, ...]] = MappingProxyType(
    {
        "image/png": (b"\x89PNG\r\n\x1a\n",),
        "image/jpeg": (b"\xff\xd8\xff",),
        "image/gif": (b"GIF87a", b"GIF89a"),
    }
)
TYPES = frozenset({*_STARTS, "image/webp"})
"""What browsers show without running anything; SVG is a document with scripts, so it is none."""


@dataclass(frozen=True, slots=True)
class Attached:
    """A file of a message, as Slack describes it; nothing of that is believed about its content."""

    id: str
    name: str
    mimetype: str
    size: int


def type_of(content: bytes) -> str | None:
    """The type of a picture by its first bytes; None for anything that is none of TYPES."""
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for kind, starts in _STARTS.items() if content.startswith(starts)), None)


async def keep(
    session: AsyncSession, incident_id: int, entry_id: int, files: Iterable[Attached], *, now: datetime
) -> None:
    """Note which pictures are to be kept with an entry; whoever holds the bot's token fetches them afterwards."""
    for file in files:
        if not file.mimetype.startswith("image/"):
            continue
        picture = Picture(
            incident_id=incident_id,
            entry_id=entry_id,
            slack_file=file.id,
            name=file.name,
            mimetype=file.mimetype,
            kept_at=now,
            error=too_large(file.size),
        )
        session.add(picture)
    await session.flush()
    wake_after_commit(session, TOPIC)


def too_large(size: int) -> str | None:
    """Why a file of this size is not kept; None where it is."""
    if size <= LARGEST:
        return None
    return f"it has {size / 1024 / 1024:.1f} MB, at most {LARGEST // 1024 // 1024} MB are kept"


async def awaited(session: AsyncSession, limit: int = 10) -> Sequence[Picture]:
    """Pictures that are still to be fetched, oldest first."""
    statement = (
        select(Picture)
        .where(col(Picture.content).is_(None), col(Picture.error).is_(None))
        .order_by(col(Picture.id))
        .limit(limit)
    )
    return (await session.execute(statement)).scalars().all()


async def of_incident(session: AsyncSession, incident_id: int) -> Sequence[Picture]:
    """Every kept picture of an incident in order, also those that could not be fetched."""
    statement = select(Picture).where(col(Picture.incident_id) == incident_id).order_by(col(Picture.id))
    return (await session.execute(statement)).scalars().all()


async def fetched(session: AsyncSession, picture_id: int, content: bytes) -> str | None:
    """Keep the content if it really is a picture; returns why not, where not."""
    kind = type_of(content)
    error = too_large(len(content)) or (None if kind else "it is no PNG, JPEG, GIF or WebP picture")
    if error is not None:
        await failed(session, picture_id, error)
        return error
    await session.execute(
        update(Picture).where(_still_awaited(picture_id)).values(content=content, mimetype=kind, error=None)
    )
    return None


async def failed(session: AsyncSession, picture_id: int, error: str) -> None:
    """It will not be fetched any more; the note says why."""
    await session.execute(update(Picture).where(_still_awaited(picture_id)).values(error=error))


def _still_awaited(picture_id: int) -> ColumnElement[bool]:
    return (col(Picture.id) == picture_id) & col(Picture.content).is_(None)
