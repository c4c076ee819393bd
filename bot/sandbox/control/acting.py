"""What people do: write, command, click, submit, react, upload."""

from bot.sandbox import files, gestures, ids, membership, messages, modals, mrkdwn, shapes
from bot.sandbox.control.reading import Asked, ControlError
from bot.sandbox.gestures import Place
from bot.sandbox.messages import Draft
from bot.sandbox.parts import Parts
from bot.sandbox.workspace import Channel, Json, User


async def message(asked: Asked) -> Json:
    user = asked.user()
    channel = _writable(asked, user)
    draft = _draft(asked, user, channel)
    if not draft.text.strip():
        raise ControlError("text is empty; write something")
    posted = messages.post(asked.parts, channel, draft)
    return {"ts": posted["ts"], "channel": channel.id}


async def edit(asked: Asked) -> Json:
    user = asked.user()
    channel = asked.channel(user)
    found = _own(asked, channel, user)
    text, elements = mrkdwn.typed(asked.parts.workspace, asked.required("text"))
    changes: Json = {"text": text, "blocks": [mrkdwn.rich_text(elements)]}
    messages.edit(asked.parts, channel, found, changes, editor=user.id)
    return {"ts": found["ts"], "channel": channel.id}


async def delete(asked: Asked) -> Json:
    user = asked.user()
    channel = asked.channel(user)
    messages.delete(asked.parts, channel, _own(asked, channel, user))
    return {}


async def command(asked: Asked) -> Json:
    user = asked.user()
    name, text = _typed_command(asked)
    thread_ts = asked.text("thread_ts") or None
    return await gestures.command(asked.parts, user, asked.channel(user), name, text, thread_ts)


async def click(asked: Asked) -> Json:
    user = asked.user()
    if asked.text("view"):
        place = Place(view=asked.view(user))
    else:
        channel = asked.channel(user)
        place = Place(channel=channel, message=asked.message(channel, user))
    block_id = asked.text("block_id") or None
    return await gestures.click(asked.parts, user, place, asked.required("action_id"), block_id, asked.body)


async def shortcut(asked: Asked) -> Json:
    user = asked.user()
    callback_id = asked.required("callback_id")
    if not asked.text("ts"):
        return await gestures.shortcut(asked.parts, user, callback_id, None, None)
    channel = asked.channel(user)
    return await gestures.shortcut(asked.parts, user, callback_id, channel, asked.message(channel, user))


async def submit(asked: Asked) -> Json:
    user = asked.user()
    view = asked.view(user)
    values = asked.body.get("values") or {}
    if not isinstance(values, dict):
        raise ControlError("values is {block_id: {action_id: state}} or {action_id: value}")
    return await modals.submit(asked.parts, user, view, values)


async def close(asked: Asked) -> Json:
    user = asked.user()
    return await modals.close(asked.parts, user, asked.view(user), all_of_them=bool(asked.body.get("all")))


async def home(asked: Asked) -> Json:
    return await gestures.open_home(asked.parts, asked.user())


async def react(asked: Asked) -> Json:
    user = asked.user()
    channel = asked.channel(user)
    found = asked.message(channel, user)
    name = asked.required("name").strip(":")
    change = messages.unreact if asked.body.get("remove") else messages.react
    if not change(asked.parts, channel, found, name, user.id):
        done = "has not reacted" if asked.body.get("remove") else "has already reacted"
        raise ControlError(f"{user.name} {done} with {name}")
    return {}


async def upload(asked: Asked) -> Json:
    """Share files in a channel; without a channel they are only kept, for a file input of a modal."""
    user = asked.user()
    if not asked.files:
        raise ControlError("there is no file; send multipart parts or files: [{name, content_base64}]")
    kept = [files.keep(asked.parts, name, content, user.id) for name, content in asked.files]
    answer: Json = {}
    if asked.text("channel"):
        channel = _writable(asked, user)
        posted = files.share(asked.parts, channel, kept, _draft(asked, user, channel))
        answer = {"ts": posted["ts"], "channel": channel.id}
    return {**answer, "files": [shapes.file(asked.parts.workspace, file, asked.parts.base) for file in kept]}


async def join(asked: Asked) -> Json:
    user = asked.user()
    channel = asked.channel(user)
    if user.id not in channel.members:
        membership.join(asked.parts, channel, user.id)
    return {"channel": channel.id}


async def leave(asked: Asked) -> Json:
    user = asked.user()
    channel = asked.channel(user)
    if user.id in channel.members:
        membership.leave(asked.parts, channel, user.id)
    return {"channel": channel.id}


async def invite(asked: Asked) -> Json:
    """A member brings somebody, for instance the bot, into a channel."""
    user = asked.user()
    channel = asked.channel(user)
    guest = asked.user("guest")
    if guest.id not in channel.members:
        membership.join(asked.parts, channel, guest.id, inviter=user.id)
    return {"channel": channel.id}


async def create(asked: Asked) -> Json:
    user = asked.user()
    name = asked.required("name").removeprefix("#")
    if asked.parts.workspace.channel_named(name) is not None:
        raise ControlError(f"there is a channel {name!r} already; choose another name")
    channel = membership.create(asked.parts, name, user.id, private=bool(asked.body.get("private")))
    return {"channel": channel.id}


async def read(asked: Asked) -> Json:
    """Mark a conversation as read up to its newest message."""
    user = asked.user()
    channel = asked.channel(user)
    channel.read[user.id] = next(reversed(channel.messages), "0")
    return {}


async def presence(asked: Asked) -> Json:
    """Set presence (active, away) and do-not-disturb (`dnd_minutes`, 0 ends it)."""
    user = asked.user()
    if wanted := asked.text("presence"):
        if wanted not in ("active", "away"):
            raise ControlError(f"presence {wanted!r} is neither active nor away")
        user.presence = wanted
    if "dnd_minutes" in asked.body:
        minutes = asked.number("dnd_minutes")
        user.dnd_until = asked.parts.clock.timestamp() + minutes * 60 if minutes else None
    asked.parts.live.publish("presence", {"user": user.id, "presence": user.presence})
    return {}


def _typed_command(asked: Asked) -> tuple[str, str]:
    """The command and what follows it: apart, or as a person types them (`text`: `/badday status`)."""
    text = asked.text("text").strip()
    if not asked.text("command") and text.startswith("/"):
        name, *rest = text.split(maxsplit=1)
        return name, "".join(rest)
    return "/" + asked.required("command").removeprefix("/"), text


def _writable(asked: Asked, user: User) -> Channel:
    channel = asked.channel(user)
    if channel.is_archived:
        raise ControlError(f"{channel.name} is archived; write elsewhere")
    if user.id not in channel.members:
        raise ControlError(f"{user.name} is not in {channel.name}; join it by /control/join")
    return channel


def _draft(asked: Asked, user: User, channel: Channel) -> Draft:
    parts: Parts = asked.parts
    thread_ts = asked.text("thread_ts") or None
    if thread_ts and thread_ts not in channel.messages:
        raise ControlError(f"there is no message {thread_ts} in {channel.name} to reply to")
    root = channel.messages[thread_ts].get("thread_ts", thread_ts) if thread_ts else None
    text, elements = mrkdwn.typed(parts.workspace, asked.text("text"))
    return Draft(
        user.id,
        text,
        blocks=[mrkdwn.rich_text(elements)] if elements else None,
        thread_ts=root,
        broadcast=bool(asked.body.get("broadcast")),
        client_msg_id=ids.unique(),
    )


def _own(asked: Asked, channel: Channel, user: User) -> Json:
    found = asked.message(channel, user)
    if found["user"] != user.id:
        raise ControlError("people change only their own messages")
    return found
