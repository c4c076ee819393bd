"""conversations.join, invite, kick, leave: who is in a channel."""

from bot.sandbox import membership, shapes
from bot.sandbox.web_api.call import Call, RefusedError, method
from bot.sandbox.workspace import Channel, Json


@method("conversations.join", "channels:join")
def join(call: Call) -> Json:
    channel = _open_channel(call)
    if channel.kind != "channel":
        raise RefusedError("channel_not_found")
    if call.bot in channel.members:
        shown = shapes.channel(call.parts.workspace, channel, call.bot)
        return {"channel": shown, "warning": "already_in_channel", **_warning("already_in_channel")}
    membership.join(call.parts, channel, call.bot)
    return {"channel": shapes.channel(call.parts.workspace, channel, call.bot)}


@method("conversations.invite", "channels:manage", "groups:write", "channels:write.invites")
def invite(call: Call) -> Json:
    channel = _open_channel(call)
    if call.bot not in channel.members:
        raise RefusedError("not_in_channel")
    users = call.names("users")
    if not users:
        raise RefusedError("no_user")
    if call.bot in users:
        raise RefusedError("cant_invite_self")
    if not set(users) <= set(call.parts.workspace.users):
        raise RefusedError("user_not_found")
    fresh = [user for user in users if user not in channel.members]
    if not fresh:
        raise RefusedError("already_in_channel")
    for user in fresh:
        membership.join(call.parts, channel, user, inviter=call.bot)
    return {"channel": shapes.channel(call.parts.workspace, channel, call.bot)}


@method("conversations.kick", "channels:manage", "groups:write")
def kick(call: Call) -> Json:
    channel = _open_channel(call)
    user = call.user()
    if user.id == call.bot:
        raise RefusedError("cant_kick_self")
    if channel.is_general:
        raise RefusedError("cant_kick_from_general")
    if user.id not in channel.members:
        raise RefusedError("not_in_channel")
    membership.leave(call.parts, channel, user.id)
    return {}


def _open_channel(call: Call) -> Channel:
    channel = call.channel()
    if channel.is_dm:
        raise RefusedError("method_not_supported_for_channel_type")
    if channel.is_archived and call.method != "conversations.kick":
        raise RefusedError("is_archived")
    return channel


def _warning(word: str) -> Json:
    return {"response_metadata": {"warnings": [word]}}
