"""Block Kit as small frozen values: what we send is typed, clamped and checked before it leaves.

Three kinds of text, so that data can never choose how it is read:

    Plain      plain_text: shown as it is (headers, buttons, foreign sentences)
    Mrkdwn     Slack's markup: made from our own templates by `markup()`, which escapes every argument once
    Literal    rich_text: foreign text of any length; nothing in it is markup, and nothing in it mentions anybody
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, LiteralString

from bot.slack import limits
from bot.slack.charts import Chart
from bot.slack.limits import Surface

CUT = " … cut"
_BROKEN_END = re.compile(r"(&[a-z]*|<[^<>]*)$")
JSON = dict[str, Any]


class MessageError(ValueError):
    """Slack would refuse what was built; the message lists every reason. It is a mistake of ours, not of the data."""


def clip(text: str, maximum: int) -> str:
    """The text, cut visibly when it is longer than Slack takes."""
    return text if len(text) <= maximum else text[: maximum - len(CUT)].rstrip() + CUT


def esc(text: str) -> str:
    """Slack reads only these three characters as markup; the ampersand goes first."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


@dataclass(frozen=True, slots=True)
class Plain:
    text: str

    def clipped(self, maximum: int) -> JSON:
        # Slack refuses empty text; emoji codes in foreign text stay as they were typed.
        return {"type": "plain_text", "text": clip(self.text.strip() or "–", maximum), "emoji": False}


@dataclass(frozen=True, slots=True)
class Mrkdwn:
    """Markup of ours; build it with `markup()`, `date()` and `join()`, never from data."""

    source: str

    def clipped(self, maximum: int) -> JSON:
        return {"type": "mrkdwn", "text": self.within(maximum) or "–", "verbatim": True}

    def within(self, maximum: int) -> str:
        if len(self.source) <= maximum:
            return self.source
        # A cut must not leave half an entity or half a date behind.
        return _BROKEN_END.sub("", self.source[: maximum - len(CUT)]).rstrip() + CUT


@dataclass(frozen=True, slots=True)
class Literal:
    text: str
    bold: bool = False

    def element(self, maximum: int = limits.SECTION_TEXT) -> JSON:
        text: JSON = {"type": "text", "text": clip(self.text or "–", maximum)}
        return text | {"style": {"bold": True}} if self.bold else text


def markup(template: LiteralString, **values: "str | int | Mrkdwn") -> Mrkdwn:
    """Fill our own template; whatever is not markup already is escaped, exactly once."""
    shown = {
        name: value.source if isinstance(value, Mrkdwn) else esc(str(value).strip()) for name, value in values.items()
    }
    return Mrkdwn(template.format_map(shown))


def join(separator: LiteralString, parts: Iterable[Mrkdwn]) -> Mrkdwn:
    return Mrkdwn(separator.join(part.source for part in parts))


def date(at: datetime) -> Mrkdwn:
    """A time that everybody reads in a time zone of their own; UTC where dates are not rendered."""
    fallback = f"{at.astimezone(UTC):%d %b %H:%M} UTC"
    return Mrkdwn(f"<!date^{int(at.timestamp())}^{{date_short_pretty}} at {{time}}|{fallback}>")


def clock_time(at: datetime) -> Mrkdwn:
    """The time of day alone, for what happened a moment ago."""
    return Mrkdwn(f"<!date^{int(at.timestamp())}^{{time}}|{at.astimezone(UTC):%H:%M} UTC>")


class Style(StrEnum):
    PRIMARY = "primary"
    DANGER = "danger"


@dataclass(frozen=True, slots=True)
class Confirm:
    """The question before a click counts; it names the effect."""

    title: str
    text: str
    yes: str
    no: str = "Cancel"

    def json(self) -> JSON:
        return {
            "title": Plain(self.title).clipped(limits.CONFIRM_TITLE),
            "text": Plain(self.text).clipped(limits.CONFIRM_TEXT),
            "confirm": Plain(self.yes).clipped(limits.CONFIRM_BUTTON),
            "deny": Plain(self.no).clipped(limits.CONFIRM_BUTTON),
        }


@dataclass(frozen=True, slots=True)
class Button:
    """`value` is an opaque id with a version, so that a stale click is refused."""

    label: str
    action_id: str
    value: str
    style: Style | None = None
    confirm: Confirm | None = None
    spoken: str | None = None
    """What a screen reader says where the label alone does not tell."""

    def __post_init__(self) -> None:
        if self.style is Style.DANGER and self.confirm is None:
            raise MessageError(f"button {self.action_id}: a dangerous button needs a confirm that names its effect")

    def json(self) -> JSON:
        button: JSON = {
            "type": "button",
            "text": Plain(self.label).clipped(limits.BUTTON_TEXT),
            "action_id": self.action_id,
            "value": self.value,
        }
        if self.style is not None:
            button["style"] = self.style.value
        if self.confirm is not None:
            button["confirm"] = self.confirm.json()
        if self.spoken is not None:
            button["accessibility_label"] = clip(self.spoken, limits.BUTTON_TEXT)
        return button


@dataclass(frozen=True, slots=True)
class LinkButton:
    label: str
    url: str
    action_id: str = "open_link"

    def json(self) -> JSON:
        return {
            "type": "button",
            "text": Plain(self.label).clipped(limits.BUTTON_TEXT),
            "url": self.url,
            "action_id": self.action_id,
        }


@dataclass(frozen=True, slots=True)
class Option:
    label: str
    value: str

    def json(self) -> JSON:
        return {"text": Plain(self.label).clipped(limits.OPTION_TEXT), "value": clip(self.value, limits.OPTION_VALUE)}


@dataclass(frozen=True, slots=True)
class Select:
    action_id: str
    options: Sequence[Option]
    initial: Option | None = None
    placeholder: str = ""

    def json(self) -> JSON:
        initial = {"initial_option": self.initial.json()} if self.initial else {}
        hint = {"placeholder": Plain(self.placeholder).clipped(limits.PLACEHOLDER)} if self.placeholder else {}
        options = [option.json() for option in self.options[: limits.OPTIONS]]
        return {"type": "static_select", "action_id": self.action_id, "options": options, **initial, **hint}


@dataclass(frozen=True, slots=True)
class Overflow:
    """A menu behind three dots, for what is seldom done; at most five things."""

    action_id: str
    options: Sequence[Option]

    def json(self) -> JSON:
        options = [option.json() for option in self.options[: limits.OVERFLOW_OPTIONS]]
        return {"type": "overflow", "action_id": self.action_id, "options": options}


@dataclass(frozen=True, slots=True)
class Radio:
    action_id: str
    options: Sequence[Option]
    initial: Option | None = None

    def json(self) -> JSON:
        initial = {"initial_option": self.initial.json()} if self.initial else {}
        options = [option.json() for option in self.options[: limits.CHOICES]]
        return {"type": "radio_buttons", "action_id": self.action_id, "options": options, **initial}


@dataclass(frozen=True, slots=True)
class TextInput:
    action_id: str
    placeholder: str = ""
    multiline: bool = False
    maximum: int = limits.INPUT_VALUE
    initial: str = ""

    def json(self) -> JSON:
        hint = {"placeholder": Plain(self.placeholder).clipped(limits.PLACEHOLDER)} if self.placeholder else {}
        initial = {"initial_value": clip(self.initial, self.maximum)} if self.initial else {}
        return {
            "type": "plain_text_input",
            "action_id": self.action_id,
            "multiline": self.multiline,
            "max_length": self.maximum,
            **hint,
            **initial,
        }


@dataclass(frozen=True, slots=True)
class Header:
    text: str

    def json(self) -> JSON:
        return {"type": "header", "text": Plain(self.text).clipped(limits.HEADER)}


@dataclass(frozen=True, slots=True)
class Section:
    text: Plain | Mrkdwn
    accessory: Button | LinkButton | None = None

    def json(self) -> JSON:
        # `expand` keeps what matters at night from hiding behind "see more".
        section: JSON = {"type": "section", "text": self.text.clipped(limits.SECTION_TEXT), "expand": True}
        return section | {"accessory": self.accessory.json()} if self.accessory else section


@dataclass(frozen=True, slots=True)
class Fields:
    """Up to ten named values in two columns."""

    values: Sequence[tuple[LiteralString, str | Mrkdwn]]

    def json(self) -> JSON:
        shown = [markup(f"*{label}*\n{{value}}", value=value) for label, value in self.values]
        fields = [field.clipped(limits.SECTION_FIELD) for field in shown[: limits.SECTION_FIELDS]]
        return {"type": "section", "fields": fields}


@dataclass(frozen=True, slots=True)
class Context:
    parts: Sequence[Plain | Mrkdwn]

    def json(self) -> JSON:
        shown = [part.clipped(limits.SECTION_TEXT) for part in self.parts[: limits.CONTEXT_ELEMENTS]]
        return {"type": "context", "elements": shown}


@dataclass(frozen=True, slots=True)
class Actions:
    buttons: Sequence[Button | LinkButton | Select | Overflow]

    def json(self) -> JSON:
        return {"type": "actions", "elements": [button.json() for button in self.buttons[: limits.ACTIONS_ELEMENTS]]}


@dataclass(frozen=True, slots=True)
class Divider:
    def json(self) -> JSON:
        return {"type": "divider"}


@dataclass(frozen=True, slots=True)
class RichText:
    """One paragraph of literal text."""

    parts: Sequence[Literal]

    def json(self) -> JSON:
        paragraph = {"type": "rich_text_section", "elements": [part.element() for part in self.parts]}
        return {"type": "rich_text", "elements": [paragraph]}


@dataclass(frozen=True, slots=True)
class Preformatted:
    """Foreign output, line for line: an error text, an answer of a program."""

    text: str

    def json(self) -> JSON:
        return {
            "type": "rich_text",
            "elements": [{"type": "rich_text_preformatted", "elements": [Literal(self.text).element()]}],
        }


@dataclass(frozen=True, slots=True)
class Input:
    """One question of a modal; `name` is its block id, under which the answer comes back."""

    name: str
    label: str
    element: Select | Radio | TextInput
    hint: str = ""
    optional: bool = False

    def json(self) -> JSON:
        hint = {"hint": Plain(self.hint).clipped(limits.LABEL)} if self.hint else {}
        return {
            "type": "input",
            "block_id": self.name,
            "label": Plain(self.label).clipped(limits.LABEL),
            "element": self.element.json(),
            "optional": self.optional,
            **hint,
        }


Block = Header | Section | Fields | Context | Actions | Divider | RichText | Preformatted | Input | Chart


@dataclass(frozen=True, slots=True)
class Message:
    """What one message shows.

    `text` is the notification and what a screen reader says: it stands alone, without the blocks. With a `colour`
    everything after the header hangs on a coloured bar, beside words that say the same.
    """

    text: Mrkdwn
    blocks: Sequence[Block]
    colour: str | None = None

    def payload(self) -> JSON:
        """The arguments of chat.postMessage and chat.update. Raises MessageError when Slack would refuse them."""
        shown = [block.json() for block in self.blocks]
        _check(limits.validate(shown, Surface.MESSAGE), shown)
        text = self.text.within(limits.MESSAGE_TEXT // 10)
        if self.colour is None:
            return {"text": text, "blocks": shown, "attachments": []}
        head, bar = shown[:1], shown[1:]
        return {"text": text, "blocks": head, "attachments": [{"color": self.colour, "blocks": bar}]}


@dataclass(frozen=True, slots=True)
class Modal:
    title: str
    callback_id: str
    blocks: Sequence[Block]
    submit: str | None = None
    close: str = "Cancel"
    private_metadata: str = ""

    def view(self) -> JSON:
        """The view for views.open. Raises MessageError when Slack would refuse it."""
        shown: JSON = {
            "type": "modal",
            "callback_id": self.callback_id,
            "title": Plain(self.title).clipped(limits.VIEW_TITLE),
            "close": Plain(self.close).clipped(limits.VIEW_TITLE),
            "blocks": [block.json() for block in self.blocks],
            "private_metadata": self.private_metadata,
        }
        if self.submit is not None:
            shown["submit"] = Plain(self.submit).clipped(limits.VIEW_TITLE)
        _check(limits.validate_view(shown), shown["blocks"])
        return shown


@dataclass(frozen=True, slots=True)
class Home:
    """`mark` is the same for as long as there is no need to publish it anew."""

    blocks: Sequence[Block]
    mark: str = ""

    def view(self) -> JSON:
        """The view for views.publish. Raises MessageError when Slack would refuse it."""
        shown: JSON = {"type": "home", "blocks": [block.json() for block in self.blocks]}
        _check(limits.validate_view(shown), shown["blocks"])
        return shown


def _check(refusals: Sequence[limits.Refusal], blocks: Sequence[Mapping[str, Any]]) -> None:
    reasons = [str(refusal) for refusal in refusals]
    primary = [element for element in _elements(blocks) if element.get("style") == Style.PRIMARY]
    if len(primary) > 1:
        reasons.append(f"one button may be the obvious one, {len(primary)} are primary")
    if reasons:
        raise MessageError("; ".join(reasons))


def _elements(blocks: Sequence[Mapping[str, Any]]) -> Iterable[Mapping[str, Any]]:
    for block in blocks:
        yield from block.get("elements", ())
        if "accessory" in block:
            yield block["accessory"]
