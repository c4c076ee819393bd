"""Who is in a channel: join, leave, invite, create, archive and rename, with the events they cause."""

from bot.sandbox import shapes
from bot.sandbox.messages import Draft, post
from bot.sandbox.parts import Parts
from bot.sandbox.workspace import Channel, Json


def join(parts: Parts, channel: Channel, user: str, inviter: str | None = None) -> None:
    """Add a member, say so in the channel and tell the app."""
    channel.members.append(user)
    extra: Json = {"subtype": "channel_join", "inviter": inviter}
    post(parts, channel, Draft(user, f"<@{user}> has joined the channel", extra=extra))
    event: Json = {
        "type": "member_joined_channel",
        "user": user,
        "channel": channel.id,
        "channel_type": "C",
        "team": parts.workspace.team_id,
        "event_ts": parts.workspace.next_ts(),
    }
    if inviter:
        event["inviter"] = inviter
    parts.delivery.event(event)
    tell(parts, channel)


def leave(parts: Parts, channel: Channel, user: str) -> None:
    event = {
        "type": "member_left_channel",
        "user": user,
        "channel": channel.id,
        "channel_type": "C",
        "team": parts.workspace.team_id,
        "event_ts": parts.workspace.next_ts(),
    }
    parts.delivery.event(event)
    channel.members.remove(user)
    tell(parts, channel)


def create(parts: Parts, name: str, creator: str, *, private: bool = False) -> Channel:
    channel = parts.workspace.add_channel(name, creator, [creator], private=private)
    event = {
        "type": "channel_created",
        "channel": shapes.channel(parts.workspace, channel, creator),
        "event_ts": parts.workspace.next_ts(),
    }
    del event["channel"]["is_member"]  # type: ignore[attr-defined]
    if not private:
        parts.delivery.event(event)
    tell(parts, channel)
    return channel


def archive(parts: Parts, channel: Channel, user: str) -> None:
    channel.is_archived = True
    event = {
        "type": "channel_archive",
        "channel": channel.id,
        "user": user,
        "event_ts": parts.workspace.next_ts(),
    }
    parts.delivery.event(event)
    tell(parts, channel)


def tell(parts: Parts, channel: Channel) -> None:
    """Tell the pages that something about a channel changed."""
    audience = None if channel.kind == "channel" else channel.members
    parts.live.publish("channel", {"channel": channel.id, "name": channel.name}, audience)
