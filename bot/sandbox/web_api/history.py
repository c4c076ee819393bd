"""conversations.history and conversations.replies: read back what was said."""

from bot.sandbox import shapes
from bot.sandbox.web_api.call import Call, RefusedError, method
from bot.sandbox.workspace import Json

READ = ("channels:history", "groups:history", "im:history", "mpim:history")


@method("conversations.history", *READ)
def history(call: Call) -> Json:
    channel = call.joined_channel()
    found = [message for message in channel.roots() if _between(call, message["ts"])]
    chosen, cursor = call.page(found)
    return {
        "messages": [_shown(call, message) for message in chosen],
        "has_more": bool(cursor),
        "pin_count": len(channel.pins),
        "channel_actions_ts": None,
        "channel_actions_count": 0,
        "response_metadata": {"next_cursor": cursor},
    }


@method("conversations.replies", *READ)
def replies(call: Call) -> Json:
    channel = call.channel()
    if call.bot not in channel.members:
        raise RefusedError("channel_not_found")
    message = channel.messages.get(call.required("ts"))
    if message is None:
        raise RefusedError("thread_not_found")
    root: str = message.get("thread_ts") or message["ts"]
    thread = [channel.messages[root], *(channel.messages[ts] for ts in channel.replies.get(root, ()))]
    found = [m for m in thread if m["ts"] == root or _between(call, m["ts"])]
    chosen, cursor = call.page(found, default=1000)
    return {
        "messages": [_shown(call, message) for message in chosen],
        "has_more": bool(cursor),
        "response_metadata": {"next_cursor": cursor},
    }


def _between(call: Call, ts: str) -> bool:
    inclusive = call.flag("inclusive")
    at = _exact(ts, "")
    oldest = _exact(call.text("oldest", "0"), "invalid_ts_oldest")
    latest_text = call.text("latest")
    latest = _exact(latest_text, "invalid_ts_latest") if latest_text not in ("", "now") else None
    after = at >= oldest if inclusive else at > oldest
    return after and (latest is None or (at <= latest if inclusive else at < latest))


def _exact(ts: str, code: str) -> int:
    """The timestamp in microseconds: a float would lose the last digit."""
    seconds, _, fraction = ts.partition(".")
    if not seconds.isdigit() or (fraction and not fraction.isdigit()):
        raise RefusedError(code)
    return int(seconds) * 1_000_000 + int(fraction[:6].ljust(6, "0"))


def _shown(call: Call, message: Json) -> Json:
    return message if call.flag("include_all_metadata") else shapes.without(message, "metadata")
