"""Does Slack have a message already? Read its channel or thread back and look for our own id in the metadata."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from bot.slack.web import Answer, SlackWeb, Verdict, ask

EVENT_TYPE = "badday_message"
PAGES = 10
PAGE_SIZE = 200
CLOCKS_DIFFER = timedelta(minutes=15)
"""Our clock and Slack's need not agree; messages older than this before ours was written cannot be it."""


@dataclass(frozen=True, slots=True)
class Found:
    channel: str
    ts: str
    revision: int


def metadata(message_id: UUID, key: str, revision: int) -> dict[str, Any]:
    """What travels with a message so that it can be found again; anybody in the workspace may read it."""
    return {
        "event_type": EVENT_TYPE,
        "event_payload": {"id": str(message_id), "key": key, "revision": revision},
    }


async def find(
    web: SlackWeb, message_id: UUID, *, channel: str, thread_ts: str | None, written_at: datetime
) -> Found | Answer | None:
    """The message as Slack has it, None when it has it not, or the answer that keeps us from knowing."""
    oldest = written_at - CLOCKS_DIFFER
    cursor = ""
    for _ in range(PAGES):
        common: dict[str, Any] = {
            "channel": channel,
            "include_all_metadata": True,
            "limit": PAGE_SIZE,
            "cursor": cursor or None,
            "oldest": f"{oldest.timestamp():.6f}",
        }
        if thread_ts is None:
            answer = await ask(web.again.conversations_history(**common))
        else:
            answer = await ask(web.again.conversations_replies(ts=thread_ts, **common))
        if answer.verdict is not Verdict.DONE:
            return answer
        found = _ours(answer.data.get("messages", ()), message_id)
        if found is not None:
            return Found(channel, found["ts"], int(found["metadata"]["event_payload"].get("revision", 1)))
        cursor = (answer.data.get("response_metadata") or {}).get("next_cursor") or ""
        if not cursor:
            return None
    return None


async def channel_id(web: SlackWeb, name: str) -> str | Answer | None:
    """The id of a channel that the bot is in; None where it is in no such channel."""
    cursor = ""
    while True:
        answer = await ask(
            web.again.users_conversations(types="public_channel,private_channel", limit=200, cursor=cursor or None)
        )
        if answer.verdict is not Verdict.DONE:
            return answer
        for channel in answer.data.get("channels", ()):
            if name in (channel["id"], channel.get("name")):
                return str(channel["id"])
        cursor = (answer.data.get("response_metadata") or {}).get("next_cursor") or ""
        if not cursor:
            return None


def _ours(messages: Iterable[Mapping[str, Any]], message_id: UUID) -> Mapping[str, Any] | None:
    for message in messages:
        carried = message.get("metadata") or {}
        payload = carried.get("event_payload") or {}
        if carried.get("event_type") == EVENT_TYPE and payload.get("id") == str(message_id):
            return message
    return None
