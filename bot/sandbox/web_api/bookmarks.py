"""bookmarks.*: links at the top of a channel."""

from bot.sandbox import ids, membership
from bot.sandbox.web_api.call import Call, RefusedError, method, missing
from bot.sandbox.workspace import Channel, Json

MOST = 100


@method("bookmarks.add", "bookmarks:write")
def add(call: Call) -> Json:
    channel = _channel(call)
    title = call.required("title")
    kind = call.required("type")
    if kind != "link":
        raise RefusedError("invalid_bookmark_type")
    if not call.text("link").startswith(("http://", "https://")):
        raise RefusedError("invalid_link")
    if len(channel.bookmarks) >= MOST:
        raise RefusedError("too_many_bookmarks")
    now = call.parts.workspace.seconds()
    bookmark: Json = {
        "id": ids.new_id("Bk"),
        "channel_id": channel.id,
        "title": title,
        "link": call.text("link"),
        "emoji": call.text("emoji"),
        "icon_url": None,
        "type": kind,
        "entity_id": None,
        "date_created": now,
        "date_updated": 0,
        "rank": f"{len(channel.bookmarks):08d}",
        "last_updated_by_user_id": call.bot,
        "last_updated_by_team_id": call.parts.workspace.team_id,
        "shortcut_id": None,
        "app_id": None,
    }
    channel.bookmarks[bookmark["id"]] = bookmark
    membership.tell(call.parts, channel)
    return {"bookmark": bookmark}


@method("bookmarks.edit", "bookmarks:write")
def edit(call: Call) -> Json:
    channel = _channel(call)
    bookmark = channel.bookmarks.get(call.text("bookmark_id"))
    if bookmark is None:
        raise RefusedError("not_found")
    if call.text("link") and not call.text("link").startswith(("http://", "https://")):
        raise RefusedError("invalid_link")
    bookmark |= {name: call.text(name) for name in ("title", "link", "emoji") if name in call.arguments}
    bookmark["date_updated"] = call.parts.workspace.seconds()
    membership.tell(call.parts, channel)
    return {"bookmark": bookmark}


@method("bookmarks.list", "bookmarks:read")
def list_bookmarks(call: Call) -> Json:
    return {"bookmarks": list(_channel(call).bookmarks.values())}


def _channel(call: Call) -> Channel:
    if not call.text("channel_id"):
        raise missing("channel_id")
    channel = call.channel("channel_id")
    if call.bot not in channel.members:
        raise RefusedError("channel_not_found")
    return channel
