"""One entry of an incident's timeline, told in its thread."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from bot.slack.blocks import Context, Literal, Message, RichText, clip, date, markup


@dataclass(frozen=True, slots=True)
class NoteView:
    kind: str
    """The timeline entry's kind, see bot.store.tables.TimelineEntry."""
    who: str
    text: str
    at: datetime


SIGN: Mapping[str, str] = {
    "acknowledged": "◐ ",
    "recovered": "✔ ",
    "relapsed": "● ",
    "reopened": "● ",
    "released": "● ",
    "inhibited": "○ ",
    "silenced": "○ ",
    "resolved": "✔ ",
    "delivery": "✖ ",
    "severity": "▲ ",
    "status": "➤ ",
    "title": "✎ ",
    "note": "✎ ",
    "follow_up": "☐ ",
}


def render(view: NoteView) -> Message:
    sign = SIGN.get(view.kind, "")
    return Message(
        markup("{who}: {text}", who=view.who, text=clip(view.text, 2000)),
        [
            RichText((Literal(f"{sign}{view.text}"),)),
            Context((markup("{who} · {at}", who=view.who, at=date(view.at)),)),
        ],
    )
