"""Post, edit, delete and react: what happens to a message, and who is told of it."""

import copy
from dataclasses import dataclass, field
from typing import Any

from bot.sandbox import shapes
from bot.sandbox.block_ids import with_ids
from bot.sandbox.parts import Parts
from bot.sandbox.workspace import Channel, Json

SUBSCRIPTION = {"channel": "message.channels", "private": "message.groups", "im": "message.im"}
CHANNEL_TYPE = {"channel": "channel", "private": "group", "im": "im"}


@dataclass
class Draft:
    """A message before it stands in a channel. `text` is as it will be stored: escaped by its author."""

    user: str
    text: str
    blocks: list[Json] | None = None
    attachments: list[Json] | None = None
    thread_ts: str | None = None
    broadcast: bool = False
    metadata: Json | None = None
    client_msg_id: str | None = None
    files: list[Json] = field(default_factory=list)
    extra: Json = field(default_factory=dict)  # subtype, username, icons


def post(parts: Parts, channel: Channel, draft: Draft) -> Json:
    """Put a message into the channel and tell the app and the pages."""
    message = _message(parts, channel, draft)
    ts = message["ts"]
    channel.messages[ts] = message
    channel.read[draft.user] = ts
    root = channel.messages.get(draft.thread_ts or "")
    if root is not None and root is not message:
        _count_reply(channel, root, message)
    _tell_of_new(parts, channel, message)
    publish(parts, "message", channel, message)
    if root is not None and root is not message:
        publish(parts, "message_changed", channel, root)
    return message


def _message(parts: Parts, channel: Channel, draft: Draft) -> Json:
    message: Json = {"user": draft.user, "type": "message", "ts": parts.workspace.next_ts()}
    if str(draft.extra.get("subtype", "")).startswith("channel_"):
        told = {name: value for name, value in draft.extra.items() if value is not None}
        return {**message, "text": draft.text, **told}
    if draft.user == parts.app.user_id:
        message |= {
            "bot_id": parts.app.bot_id,
            "app_id": parts.app.app_id,
            "bot_profile": shapes.bot_profile(parts.workspace, parts.base),
        }
    message |= {"text": draft.text, "team": parts.workspace.team_id}
    message |= {name: value for name, value in draft.extra.items() if value is not None}
    if draft.client_msg_id and draft.user != parts.app.user_id:
        message["client_msg_id"] = draft.client_msg_id
    if draft.blocks:
        message["blocks"] = with_ids(draft.blocks)
    if draft.attachments:
        message["attachments"] = [_attachment(n, a) for n, a in enumerate(draft.attachments, 1)]
    if draft.metadata is not None:
        message["metadata"] = draft.metadata
    if draft.files:
        message |= {"files": draft.files, "upload": True, "subtype": "file_share"}
    root = channel.messages.get(draft.thread_ts or "")
    if draft.thread_ts and root is not None:
        message |= {"thread_ts": draft.thread_ts, "parent_user_id": root["user"]}
        if draft.broadcast:
            message |= {"subtype": "thread_broadcast", "root": shapes.without(for_event(root), "metadata", "root")}
    return message


def _attachment(number: int, attachment: Json) -> Json:
    found = {"id": number, **attachment}
    if isinstance(attachment.get("blocks"), list):
        found["blocks"] = with_ids(attachment["blocks"])
    found.setdefault("fallback", "[no preview available]")
    if "color" in found:
        found["color"] = str(found["color"]).removeprefix("#")
    return found


def _count_reply(channel: Channel, root: Json, reply: Json) -> None:
    replies = channel.replies.setdefault(root["ts"], [])
    replies.append(reply["ts"])
    _describe_thread(channel, root)


def _describe_thread(channel: Channel, root: Json) -> None:
    replies = [channel.messages[ts] for ts in channel.replies.get(root["ts"], ())]
    if not replies:
        for name in ("thread_ts", "reply_count", "reply_users_count", "latest_reply", "reply_users", "subscribed"):
            root.pop(name, None)
        return
    writers = list(dict.fromkeys(reply["user"] for reply in replies))
    root |= {
        "thread_ts": root["ts"],
        "reply_count": len(replies),
        "reply_users_count": len(writers),
        "latest_reply": replies[-1]["ts"],
        "reply_users": writers,
        "subscribed": False,
    }


def edit(parts: Parts, channel: Channel, message: Json, changes: Json, *, editor: str) -> Json:
    """Replace parts of a message (text, blocks, attachments, metadata, files); None removes one."""
    previous = copy.copy(message)
    for name, value in changes.items():
        if value is None:
            message.pop(name, None)
        elif name == "blocks":
            message[name] = with_ids(value)
        elif name == "attachments":
            message[name] = [_attachment(n, a) for n, a in enumerate(value, 1)]
        else:
            message[name] = value
    message["edited"] = {"user": editor, "ts": f"{parts.workspace.seconds()}.000000"}
    _tell_of_change(parts, channel, message, previous)
    publish(parts, "message_changed", channel, message)
    return message


def delete(parts: Parts, channel: Channel, message: Json) -> None:
    """Take a message away. A root with replies leaves a tombstone, for its replies stay."""
    ts = message["ts"]
    root = channel.messages.get(message.get("thread_ts", ""))
    if channel.replies.get(ts):
        kept = {name: message[name] for name in ("thread_ts", "reply_count", "reply_users", "latest_reply")}
        users = message["reply_users_count"]
        gone = {"type": "message", "subtype": "tombstone", "text": "This message was deleted.", "hidden": True}
        channel.messages[ts] = {**gone, "user": "USLACKBOT", "ts": ts, **kept, "reply_users_count": users}
    else:
        del channel.messages[ts]
        channel.replies.pop(ts, None)
    channel.pins.pop(ts, None)
    if root is not None and root is not message:
        channel.replies[root["ts"]].remove(ts)
        _describe_thread(channel, root)
        publish(parts, "message_changed", channel, root)
    _tell_of_deletion(parts, channel, message)
    data = {"channel": channel.id, "ts": ts, "thread_ts": message.get("thread_ts")}
    parts.live.publish("message_deleted", data, _audience(channel))


def ephemeral(parts: Parts, channel: Channel, user: str, draft: Draft) -> Json:
    """Show a message to one person only; it is in no history."""
    message = _message(parts, channel, draft)
    message |= {"is_ephemeral": True}
    channel.ephemerals[message["ts"]] = (user, message)
    data = {"channel": channel.id, "ts": message["ts"], "thread_ts": message.get("thread_ts"), "message": message}
    parts.live.publish("ephemeral", data, [user])
    return message


def drop_ephemeral(parts: Parts, channel: Channel, ts: str) -> None:
    user, message = channel.ephemerals.pop(ts)
    data = {"channel": channel.id, "ts": ts, "thread_ts": message.get("thread_ts"), "is_ephemeral": True}
    parts.live.publish("message_deleted", data, [user])


def edit_ephemeral(parts: Parts, channel: Channel, ts: str, changes: Json) -> None:
    user, message = channel.ephemerals[ts]
    for name, value in changes.items():
        if value is None:
            message.pop(name, None)
        else:
            message[name] = with_ids(value) if name == "blocks" else value
    data = {"channel": channel.id, "ts": ts, "thread_ts": message.get("thread_ts"), "message": message}
    parts.live.publish("message_changed", data, [user])


def react(parts: Parts, channel: Channel, message: Json, name: str, user: str) -> bool:
    """Add a reaction; False when this user has added it before."""
    reactions = message.setdefault("reactions", [])
    found = next((reaction for reaction in reactions if reaction["name"] == name), None)
    if found is None:
        found = {"name": name, "users": [], "count": 0}
        reactions.append(found)
    if user in found["users"]:
        return False
    found["users"].append(user)
    found["count"] += 1
    _tell_of_reaction(parts, channel, message, name, user, "reaction_added")
    return True


def unreact(parts: Parts, channel: Channel, message: Json, name: str, user: str) -> bool:
    """Take a reaction back; False when this user has none of that name."""
    found = next((reaction for reaction in message.get("reactions", ()) if reaction["name"] == name), None)
    if found is None or user not in found["users"]:
        return False
    found["users"].remove(user)
    found["count"] -= 1
    if not found["count"]:
        message["reactions"].remove(found)
    if not message["reactions"]:
        del message["reactions"]
    _tell_of_reaction(parts, channel, message, name, user, "reaction_removed")
    return True


def publish(parts: Parts, kind: str, channel: Channel, message: Json) -> None:
    """Tell the pages of those who see this channel."""
    data = {"channel": channel.id, "ts": message["ts"], "thread_ts": message.get("thread_ts"), "message": message}
    parts.live.publish(kind, data, _audience(channel))


def for_event(message: Json) -> Json:
    """The message as events carry it: without what only the Web API shows."""
    return shapes.without(message, "reactions", "app_id", "reply_users")


def _changed(message: Json) -> Json:
    return shapes.without(for_event(message), "metadata")


def _audience(channel: Channel) -> list[str] | None:
    return None if channel.kind == "channel" else channel.members


def _tell_of_new(parts: Parts, channel: Channel, message: Json) -> None:
    if parts.app.user_id not in channel.members:
        return
    where = {"channel": channel.id, "event_ts": message["ts"]}
    event = {**for_event(message), **where, "channel_type": CHANNEL_TYPE[channel.kind]}
    parts.delivery.event(event, subscription=SUBSCRIPTION[channel.kind])
    mentions = f"<@{parts.app.user_id}>" in message["text"]
    if mentions and message["user"] != parts.app.user_id and not channel.is_dm:
        mention = shapes.without(event, "channel_type", "parent_user_id", "metadata")
        parts.delivery.event({**mention, "type": "app_mention"})


def _tell_of_change(parts: Parts, channel: Channel, message: Json, previous: Json) -> None:
    if parts.app.user_id not in channel.members:
        return
    event = {
        "type": "message",
        "subtype": "message_changed",
        "message": _changed(message),
        "previous_message": _changed(previous),
        **_hidden(parts, channel),
    }
    parts.delivery.event(event, subscription=SUBSCRIPTION[channel.kind])


def _tell_of_deletion(parts: Parts, channel: Channel, message: Json) -> None:
    if parts.app.user_id not in channel.members:
        return
    event = {
        "type": "message",
        "subtype": "message_deleted",
        "previous_message": _changed(message),
        "deleted_ts": message["ts"],
        **_hidden(parts, channel),
    }
    parts.delivery.event(event, subscription=SUBSCRIPTION[channel.kind])


def _hidden(parts: Parts, channel: Channel) -> dict[str, Any]:
    ts = parts.workspace.next_ts()
    return {
        "channel": channel.id,
        "hidden": True,
        "ts": ts,
        "event_ts": ts,
        "channel_type": CHANNEL_TYPE[channel.kind],
    }


def _tell_of_reaction(parts: Parts, channel: Channel, message: Json, name: str, user: str, kind: str) -> None:
    if parts.app.user_id in channel.members:
        event = {
            "type": kind,
            "user": user,
            "reaction": name,
            "item": {"type": "message", "channel": channel.id, "ts": message["ts"]},
            "item_user": message["user"],
            "event_ts": parts.workspace.next_ts(),
        }
        parts.delivery.event(event)
    publish(parts, "reaction", channel, message)
