"""Files: uploaded by the external-URL flow or dropped by a person, shared in channels, read with the bot's token."""

from bot.sandbox import ids, shapes
from bot.sandbox.messages import Draft, post
from bot.sandbox.parts import Parts
from bot.sandbox.workspace import Channel, Json, StoredFile

MAX_BYTES = 100 * 1024 * 1024


def reserve(parts: Parts, name: str, size: int, user: str, alt_text: str = "") -> StoredFile:
    """A file whose content is still to come."""
    file = StoredFile(ids.new_id("F"), name, name, size, parts.workspace.seconds(), user, alt_text=alt_text)
    parts.workspace.files[file.id] = file
    return file


def keep(parts: Parts, name: str, content: bytes, user: str) -> StoredFile:
    """A complete file that is not shared anywhere yet."""
    file = reserve(parts, name, len(content), user)
    file.content = content
    file.complete = True
    return file


def share(parts: Parts, channel: Channel, files: list[StoredFile], draft: Draft, *, as_user: str | None = None) -> Json:
    """Post the files as one message and tell the app of each."""
    for file in files:
        file.shares.setdefault(channel.id, [])
    draft.files = [shapes.file(parts.workspace, file, parts.base) for file in files]
    message = post(parts, channel, draft)
    for file in files:
        file.shares[channel.id].append(message["ts"])
        if parts.app.user_id in channel.members:
            event = {
                "type": "file_shared",
                "file_id": file.id,
                "user_id": as_user or draft.user,
                "file": {"id": file.id},
                "channel_id": channel.id,
                "event_ts": parts.workspace.next_ts(),
            }
            parts.delivery.event(event)
    return message
