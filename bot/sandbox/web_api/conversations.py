"""conversations.*: find, describe, make, name and close channels and direct messages."""

import re

from bot.sandbox import membership, messages, shapes
from bot.sandbox.messages import Draft
from bot.sandbox.web_api.call import Call, RefusedError, method
from bot.sandbox.workspace import Channel, Json
from bot.slack import limits

READ = ("channels:read", "groups:read", "im:read", "mpim:read")
MANAGE = ("channels:manage", "groups:write")
TYPES = {"public_channel": "channel", "private_channel": "private", "im": "im", "mpim": "mpim"}


@method("conversations.list", *READ)
def list_conversations(call: Call) -> Json:
    kinds = wanted_kinds(call)
    found = [c for c in call.parts.workspace.visible_to(call.bot) if c.kind in kinds and not _hidden(call, c)]
    chosen, cursor = call.page(found)
    channels = [shapes.channel(call.parts.workspace, c, call.bot, with_count=True) for c in chosen]
    return {"channels": channels, "response_metadata": {"next_cursor": cursor}}


@method("conversations.info", *READ)
def info(call: Call) -> Json:
    with_count = call.flag("include_num_members")
    return {"channel": shapes.channel(call.parts.workspace, call.channel(), call.bot, with_count=with_count)}


@method("conversations.members", *READ)
def members(call: Call) -> Json:
    chosen, cursor = call.page(call.channel().members)
    return {"members": chosen, "response_metadata": {"next_cursor": cursor}}


@method("conversations.open", "im:write", "mpim:write", "groups:write", "channels:manage")
def open_conversation(call: Call) -> Json:
    workspace = call.parts.workspace
    if call.text("channel"):
        channel = call.channel()
    else:
        users = call.names("users")
        if not users:
            raise RefusedError("users_list_not_supplied")
        if len(users) > 1:
            raise RefusedError("too_many_users")
        if users[0] not in workspace.users:
            raise RefusedError("user_not_found")
        channel = workspace.direct(users[0], call.bot)
    if not call.flag("return_im"):
        return {"channel": {"id": channel.id}}
    return {"channel": shapes.without(shapes.channel(workspace, channel, call.bot), "is_user_deleted")}


@method("conversations.create", *MANAGE)
def create(call: Call) -> Json:
    name = _checked_name(call)
    channel = membership.create(call.parts, name, call.bot, private=call.flag("is_private"))
    return {"channel": shapes.channel(call.parts.workspace, channel, call.bot)}


@method("conversations.rename", *MANAGE)
def rename(call: Call) -> Json:
    channel = _changeable(call)
    if channel.creator != call.bot:
        raise RefusedError("not_authorized")
    name = _checked_name(call)
    old = channel.name
    call.parts.workspace.rename(channel, name)
    extra = {"subtype": "channel_name", "old_name": old, "name": name}
    messages.post(call.parts, channel, Draft(call.bot, f"has renamed the channel from {old} to {name}", extra=extra))
    membership.tell(call.parts, channel)
    return {"channel": shapes.channel(call.parts.workspace, channel, call.bot)}


@method("conversations.archive", *MANAGE)
def archive(call: Call) -> Json:
    channel = call.channel()
    if channel.is_dm:
        raise RefusedError("method_not_supported_for_channel_type")
    if channel.is_archived:
        raise RefusedError("already_archived")
    if channel.is_general:
        raise RefusedError("cant_archive_general")
    if call.bot not in channel.members:
        raise RefusedError("not_in_channel")
    membership.archive(call.parts, channel, call.bot)
    return {}


@method("conversations.setTopic", *MANAGE)
def set_topic(call: Call) -> Json:
    channel = _changeable(call)
    topic = _short(call, "topic")
    channel.topic.value, channel.topic.creator = topic, call.bot
    channel.topic.last_set = call.parts.workspace.seconds()
    extra = {"subtype": "channel_topic", "topic": topic}
    messages.post(call.parts, channel, Draft(call.bot, f"set the channel topic: {topic}", extra=extra))
    membership.tell(call.parts, channel)
    return {"channel": shapes.channel(call.parts.workspace, channel, call.bot)}


@method("conversations.setPurpose", *MANAGE)
def set_purpose(call: Call) -> Json:
    channel = _changeable(call)
    purpose = _short(call, "purpose")
    channel.purpose.value, channel.purpose.creator = purpose, call.bot
    channel.purpose.last_set = call.parts.workspace.seconds()
    membership.tell(call.parts, channel)
    return {"channel": shapes.channel(call.parts.workspace, channel, call.bot)}


def wanted_kinds(call: Call) -> set[str]:
    """The kinds of conversation that `types` asks for; public channels where it is absent."""
    wanted = call.names("types") or ["public_channel"]
    if not set(wanted) <= set(TYPES):
        raise RefusedError("invalid_types")
    return {TYPES[name] for name in wanted}


def _hidden(call: Call, channel: Channel) -> bool:
    return channel.is_archived and call.flag("exclude_archived")


def _changeable(call: Call) -> Channel:
    channel = call.joined_channel()
    if channel.is_dm:
        raise RefusedError("method_not_supported_for_channel_type")
    if channel.is_archived:
        raise RefusedError("is_archived")
    return channel


def _short(call: Call, name: str) -> str:
    text = call.text(name)
    if len(text) > limits.TOPIC:
        raise RefusedError("too_long")
    return text


def _checked_name(call: Call) -> str:
    name = call.text("name")
    if not name:
        raise RefusedError("invalid_name_required")
    if len(name) > limits.CHANNEL_NAME:
        raise RefusedError("invalid_name_maxlength")
    if re.fullmatch(r"[-_.]+", name):
        raise RefusedError("invalid_name_punctuation")
    if not re.fullmatch(r"[\w-]+", name) or name != name.lower():
        raise RefusedError("invalid_name_specials")
    if call.parts.workspace.channel_named(name) is not None:
        raise RefusedError("name_taken")
    return name
