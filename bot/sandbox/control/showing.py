"""What the page and the tests see: people, channels, messages, views, calls, and the live stream."""

from starlette.requests import Request
from starlette.responses import StreamingResponse

from bot.sandbox.control.reading import Asked
from bot.sandbox.parts import Parts
from bot.sandbox.workspace import SLACKBOT, Channel, Json, User

PAGE = 200  # messages shown at once where no limit is asked for


async def state(asked: Asked) -> Json:
    """Everything that the page needs to draw itself for one person."""
    parts = asked.parts
    me = asked.user() if asked.text("user") else None
    viewer = me.id if me else ""
    app = parts.app
    return {
        "workspace": {"name": parts.workspace.name, "id": parts.workspace.team_id},
        "me": _user(me) if me else None,
        "users": [_user(user) for user in parts.workspace.users.values()],
        "channels": [_channel(channel, viewer) for channel in parts.workspace.visible_to(viewer)],
        "commands": [
            {"command": c.command, "description": c.description, "usage_hint": c.usage_hint}
            for c in app.commands.values()
        ],
        "shortcuts": [{"callback_id": s.callback_id, "name": s.name, "type": s.type} for s in app.shortcuts.values()],
        "app": {"bot_user_id": app.user_id, "name": app.name, "connected": parts.connected},
    }


async def messages(asked: Asked) -> Json:
    """The newest messages of a channel or of a thread, oldest first, and the ephemeral ones of `user`."""
    user = asked.user() if asked.text("user") else None
    viewer = user or next(iter(asked.parts.workspace.users.values()))
    channel = asked.channel(viewer)
    thread_ts = asked.text("thread_ts")
    limit = int(asked.text("limit") or PAGE)
    if thread_ts:
        root = channel.messages.get(thread_ts)
        replies = [channel.messages[ts] for ts in channel.replies.get(thread_ts, ())]
        found = [*([root] if root else []), *replies]
    else:
        found = []
        for message in channel.roots():
            before = asked.text("before")
            if not before or message["ts"] < before:
                found.append(message)
            if len(found) >= limit:
                break
        found.reverse()
    whispers = [] if user is None else _ephemerals(channel, user, thread_ts)
    return {"messages": sorted([*found, *whispers], key=lambda message: message["ts"]), "channel": channel.id}


async def views(asked: Asked) -> Json:
    user = asked.user()
    return {"stack": asked.parts.views.stack(user.id), "home": asked.parts.views.homes.get(user.id)}


async def calls(asked: Asked) -> Json:
    entries = asked.parts.journal.of(asked.text("method") or None)
    return {"calls": [entry.as_json() for entry in entries]}


def live(parts: Parts, request: Request) -> StreamingResponse:
    """Server-sent events for one person's page; Last-Event-ID resumes."""
    who = request.query_params.get("user", "")
    user = parts.workspace.user_named(who) if who else None
    last = request.headers.get("last-event-id") or request.query_params.get("after", "")
    after = int(last) if last.isdigit() else None
    stream = parts.live.stream(user.id if user else None, after)
    return StreamingResponse(stream, media_type="text/event-stream", headers={"Cache-Control": "no-store"})


def _user(user: User) -> Json:
    return {
        "id": user.id,
        "name": user.name,
        "real_name": user.real_name,
        "email": user.email,
        "is_bot": user.is_bot or user.id == SLACKBOT,
        "presence": user.presence,
        "color": user.color,
        "timezone": user.timezone,
        "dnd_until": user.dnd_until,
    }


def _channel(channel: Channel, viewer: str) -> Json:
    shown: Json = {
        "id": channel.id,
        "name": channel.name,
        "kind": "dm" if channel.is_dm else "channel",
        "members": channel.members,
        "topic": channel.topic.value,
        "purpose": channel.purpose.value,
        "unread": _unread(channel, viewer),
        "is_archived": channel.is_archived,
        "is_private": channel.kind == "private",
        "bookmarks": [{"title": b["title"], "link": b["link"]} for b in channel.bookmarks.values()],
        "pins": list(channel.pins),
    }
    if channel.is_dm:
        shown["other"] = next((member for member in channel.members if member != viewer), viewer)
    return shown


def _unread(channel: Channel, viewer: str) -> int:
    read = channel.read.get(viewer, "0")
    count = 0
    for message in channel.roots():
        if message["ts"] <= read:
            break
        count += message["user"] != viewer
    return count


def _ephemerals(channel: Channel, user: User, thread_ts: str) -> list[Json]:
    return [
        message
        for whom, message in channel.ephemerals.values()
        if whom == user.id and message.get("thread_ts", "") == thread_ts
    ]
