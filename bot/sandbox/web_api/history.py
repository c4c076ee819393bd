"""conversations.history and conversations.replies: read back what was said."""

from dataclasses import dataclass
from itertools import takewhile
from math import inf

from bot.sandbox import shapes
from bot.sandbox.web_api.call import Call, RefusedError, method
from bot.sandbox.workspace import Json

READ = ("channels:history", "groups:history", "im:history", "mpim:history")


@method("conversations.history", *READ)
def history(call: Call) -> Json:
    channel = call.joined_channel()
    period = Period.of(call)
    recent = takewhile(lambda message: not period.is_over(message["ts"]), channel.roots())
    chosen, cursor = call.page_of(message for message in recent if message["ts"] in period)
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
    period = Period.of(call)
    thread = [root, *(ts for ts in channel.replies.get(root, ()) if ts in period)]
    chosen, cursor = call.page(thread, default=1000)
    return {
        "messages": [_shown(call, channel.messages[ts]) for ts in chosen],
        "has_more": bool(cursor),
        "response_metadata": {"next_cursor": cursor},
    }


@dataclass(frozen=True)
class Period:
    """From `oldest` to `latest`, in microseconds; the ends belong to it where `inclusive` is asked for."""

    first: int
    last: float

    @classmethod
    def of(cls, call: Call) -> "Period":
        inside = 0 if call.flag("inclusive") else 1
        oldest, latest = call.text("oldest") or "0", call.text("latest") or "now"
        first = _exact(oldest, "invalid_ts_oldest")
        last = inf if latest == "now" else _exact(latest, "invalid_ts_latest") - inside
        return cls(first + inside, last)

    def __contains__(self, ts: str) -> bool:
        return self.first <= _exact(ts, "") <= self.last

    def is_over(self, ts: str) -> bool:
        """Whether nothing older than this can belong to it."""
        return _exact(ts, "") < self.first


def _exact(ts: str, code: str) -> int:
    """The timestamp in microseconds: a float would lose the last digit."""
    seconds, _, fraction = ts.partition(".")
    if not seconds.isdigit() or (fraction and not fraction.isdigit()):
        raise RefusedError(code)
    return int(seconds) * 1_000_000 + int(fraction[:6].ljust(6, "0"))


def _shown(call: Call, message: Json) -> Json:
    return message if call.flag("include_all_metadata") else shapes.without(message, "metadata")
