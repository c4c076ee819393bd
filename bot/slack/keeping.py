"""Messages that people keep for the timeline: by a reaction, or by the shortcut of a message.

reaction (:memo:, :pushpin:)  only an id comes; the message is read from Slack before anything is decided
shortcut                      the message comes along
"""

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.incidents import incidents, notes
from bot.slack.asking import Ask
from bot.slack.blocks import Mrkdwn, markup
from bot.slack.reading import said
from bot.slack.threads import incident_of
from bot.slack.web import Answer, SlackWeb, Verdict, ask
from bot.store.tables import OutboxMessage

Message = Mapping[str, Any]
LONGEST_TEXT = 1_500
"""Characters of a message that travel through a form; its private metadata holds 3,000."""
SHOWN_FILES = 3


async def is_ours(session: AsyncSession, channel: str) -> bool:
    """Whether a channel has any incident's thread: elsewhere a reaction means nothing to us."""
    statement = (
        select(col(OutboxMessage.id))
        .where(col(OutboxMessage.kind) == "incident_root", col(OutboxMessage.slack_channel) == channel)
        .limit(1)
    )
    return (await session.execute(statement)).first() is not None


async def read(web: SlackWeb, channel: str, ts: str) -> Message | Answer | None:
    """One message of a channel or a thread; None where Slack has it not, the answer where it does not tell."""
    answer = await ask(
        web.again.conversations_replies(channel=channel, ts=ts, oldest=ts, latest=ts, inclusive=True, limit=10)
    )
    if answer.verdict is not Verdict.DONE:
        return answer
    found: list[Message] = answer.data.get("messages") or []
    return next((message for message in found if message.get("ts") == ts), None)


async def keep(asked: Ask, channel: str, message: Message, *, by_reaction: bool) -> None:
    """Keep it in the timeline of the incident whose thread it is in, and tell whoever asked."""
    number = await _incident(asked, channel, message, by_reaction=by_reaction)
    if number is None:
        return
    if await _is_bots_own(asked.session, channel, str(message["ts"])):
        if not by_reaction:
            await asked.say(Mrkdwn("The bot's own messages are in the timeline already. Nothing was changed."))
        return
    entry, new = await notes.keep(
        asked.session, number, await said(asked.look, channel, message), actor=asked.who.actor, now=asked.now
    )
    if new:
        await asked.say(markup("Kept in the timeline of incident {n}.", n=number))
        return
    by = await asked.name(str((entry.data or {}).get("kept_by") or entry.actor))
    await asked.say(markup("It is in the timeline of incident {n} already, kept by {by}.", n=number, by=by))


def carried(channel: str, message: Message) -> str:
    """A message as a form carries it, short enough for its private metadata."""
    files = [
        {name: file.get(name) for name in ("id", "name", "mimetype", "size")} for file in message.get("files") or ()
    ]
    for length in (LONGEST_TEXT, LONGEST_TEXT // 3, 0):
        small = {
            "channel": channel,
            "ts": message["ts"],
            "user": message.get("user"),
            "username": (message.get("bot_profile") or {}).get("name"),
            "text": str(message.get("text") or "")[:length],
            "files": files[:SHOWN_FILES] if length else [],
        }
        packed = json.dumps(small, ensure_ascii=False)
        if len(packed) <= 2_900:
            return packed
    raise ValueError("a message whose ids alone are too long is none of Slack's")


async def _incident(asked: Ask, channel: str, message: Message, *, by_reaction: bool) -> int | None:
    thread = str(message.get("thread_ts") or message["ts"])
    number = await incident_of(asked.session, channel, thread)
    if number is not None or by_reaction:
        return number
    open_now = await incidents.open_incidents(asked.session)
    if len(open_now) == 1:
        return open_now[0].id
    if not open_now:
        await asked.say(
            Mrkdwn(
                "No incident is open, and this message is in no incident's thread. Use the shortcut "
                "*Open incident from this message* to open one."
            )
        )
        return None
    known = ", ".join(f"{one.id} ({one.system})" for one in open_now[:10])
    text = "This message is in no incident's thread, and several are open: {known}. Type `/badday note N words`."
    await asked.say(markup(text, known=known))
    return None


async def _is_bots_own(session: AsyncSession, channel: str, ts: str) -> bool:
    statement = select(col(OutboxMessage.id)).where(
        col(OutboxMessage.slack_channel) == channel, col(OutboxMessage.slack_ts) == ts
    )
    return (await session.execute(statement)).first() is not None
