"""What Slack refuses: the limits of Block Kit as one table, and the pure check of blocks and views against it.

The numbers are those of Slack's Block Kit reference and of the doc comments of `@slack/types` 3.2. Our own messages and
the local workspace read the same table, so a message that passes here is a message that the workspace accepts.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Surface(StrEnum):
    """Where blocks are shown; it decides which block types are allowed."""

    MESSAGE = "message"
    MODAL = "modal"
    HOME = "home"


MAX_BLOCKS: Mapping[Surface, int] = {Surface.MESSAGE: 50, Surface.MODAL: 100, Surface.HOME: 100}
ID = 255  # block_id, action_id, callback_id, external_id
SECTION_TEXT = 3000
SECTION_FIELDS = 10
SECTION_FIELD = 2000
HEADER = 150
CONTEXT_ELEMENTS = 10
ACTIONS_ELEMENTS = 25
BUTTON_TEXT = 75
BUTTON_VALUE = 2000
URL = 3000
CONFIRM_TITLE = 100
CONFIRM_TEXT = 300
CONFIRM_BUTTON = 30
OPTION_TEXT = 75
OPTION_VALUE = 150
OPTIONS = 100
CHOICES = 10  # radio buttons and checkboxes
OVERFLOW_OPTIONS = 5
PLACEHOLDER = 150
LABEL = 2000
INPUT_VALUE = 3000
ALT_TEXT = 2000
MARKDOWN = 12_000
TABLE_ROWS = 100
TABLE_COLUMNS = 20
DATA_TABLE_ROWS = 201
DATA_TABLE_CHARACTERS = 20_000
CHART_TITLE = 50
CHART_LABEL = 20
CHARTS_PER_MESSAGE = 2
ALERT_TEXT = 200
FILES_PER_INPUT = 10
VIEW_TITLE = 24
PRIVATE_METADATA = 3000
VIEW_BYTES = 250_000
VIEW_STACK = 3
MESSAGE_TEXT = 40_000
MESSAGE_RENDERED_TEXT = 13_202  # measured against live Slack: metabase PR 79908
MESSAGE_ATTACHMENTS = 100
METADATA_BYTES = 4096  # Slack's cap is unpublished; 4 KB is what we keep to
TOPIC = 250
CHANNEL_NAME = 80


@dataclass(frozen=True, slots=True)
class Refusal:
    """One thing that Slack would refuse: where (a JSON pointer), which rule (a code) and Slack's sentence."""

    pointer: str
    code: str
    message: str

    def __str__(self) -> str:
        return f"[ERROR] {self.message} [json-pointer:{self.pointer}]"


# The vocabulary in which the table below is written.


@dataclass(frozen=True, slots=True)
class Str:
    maximum: int | None = None
    minimum: int = 1
    one_of: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Number:
    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True, slots=True)
class Flag:
    """True or false."""


@dataclass(frozen=True, slots=True)
class Anything:
    """A value that is not looked into."""


@dataclass(frozen=True, slots=True)
class Text:
    """A text object: `plain_text`, or also `mrkdwn`."""

    maximum: int
    plain: bool = False


@dataclass(frozen=True, slots=True)
class Items:
    of: "Rule"
    maximum: int
    minimum: int = 1


@dataclass(frozen=True, slots=True)
class Shape:
    """An object with named parts; a part that is not named here is refused."""

    required: Mapping[str, "Rule"] = field(default_factory=dict)
    optional: Mapping[str, "Rule"] = field(default_factory=dict)
    either: tuple[str, ...] = ()  # at least one of these must be there
    only_one: tuple[str, ...] = ()  # at most one of these


@dataclass(frozen=True, slots=True)
class Element:
    """An interactive or shown element: one of these types of ELEMENTS."""

    types: frozenset[str]


@dataclass(frozen=True, slots=True)
class Child:
    """A block inside a block."""

    types: frozenset[str]


Rule = Str | Number | Flag | Anything | Text | Items | Shape | Element | Child


def _plain(maximum: int) -> Text:
    return Text(maximum, plain=True)


def _one_of(*values: str) -> Str:
    return Str(one_of=frozenset(values))


CONFIRM = Shape(
    {"title": _plain(CONFIRM_TITLE), "text": Text(CONFIRM_TEXT)},
    {"confirm": _plain(CONFIRM_BUTTON), "deny": _plain(CONFIRM_BUTTON), "style": _one_of("primary", "danger")},
)
_OPTION_PARTS: Mapping[str, Rule] = {"value": Str(OPTION_VALUE)}
OPTION = Shape({"text": _plain(OPTION_TEXT), **_OPTION_PARTS}, {"description": _plain(OPTION_TEXT), "url": Str(URL)})
CHOICE = Shape({"text": Text(OPTION_TEXT), **_OPTION_PARTS}, {"description": Text(OPTION_TEXT)})
OPTION_GROUP = Shape({"label": _plain(OPTION_TEXT), "options": Items(OPTION, OPTIONS)})
DISPATCH = Shape({}, {"trigger_actions_on": Items(_one_of("on_enter_pressed", "on_character_entered"), 2)})
CONVERSATION_FILTER = Shape(
    {},
    {
        "include": Items(_one_of("im", "mpim", "private", "public"), 4),
        "exclude_external_shared_channels": Flag(),
        "exclude_bot_users": Flag(),
    },
)
SLACK_FILE = Shape({}, {"id": Str(), "url": Str(URL)}, either=("id", "url"))

_ID: Mapping[str, Rule] = {"action_id": Str(ID)}
_ASKS: Mapping[str, Rule] = {"confirm": CONFIRM}
_FOCUS: Mapping[str, Rule] = {"focus_on_load": Flag()}
_HINT: Mapping[str, Rule] = {"placeholder": _plain(PLACEHOLDER)}
_SELECT: Mapping[str, Rule] = {**_ID, **_ASKS, **_FOCUS, **_HINT}
_MANY: Mapping[str, Rule] = {"max_selected_items": Number(1)}
_OPTIONS: Mapping[str, Rule] = {"options": Items(OPTION, OPTIONS), "option_groups": Items(OPTION_GROUP, OPTIONS)}
_RESPONSE_URL: Mapping[str, Rule] = {"response_url_enabled": Flag()}


def _names(maximum: int = 100) -> Items:
    return Items(Str(), maximum, minimum=0)


def _options_of(parts: Mapping[str, Rule]) -> Shape:
    return Shape({}, {**_SELECT, **_OPTIONS, **parts}, either=("options", "option_groups"), only_one=tuple(_OPTIONS))


_FEEDBACK = Shape({"text": _plain(BUTTON_TEXT), "value": Str(BUTTON_VALUE)}, {"accessibility_label": Str(BUTTON_TEXT)})

ELEMENTS: Mapping[str, Shape] = {
    "button": Shape(
        {"text": _plain(BUTTON_TEXT)},
        {
            **_ID,
            **_ASKS,
            "value": Str(BUTTON_VALUE, minimum=0),
            "url": Str(URL),
            "style": _one_of("primary", "danger"),
            "accessibility_label": Str(BUTTON_TEXT),
            "agent_prompt": Str(4000),
        },
    ),
    "overflow": Shape({"options": Items(OPTION, OVERFLOW_OPTIONS)}, {**_ID, **_ASKS}),
    "static_select": _options_of({"initial_option": OPTION}),
    "multi_static_select": _options_of({**_MANY, "initial_options": Items(OPTION, OPTIONS)}),
    "external_select": Shape({}, {**_SELECT, "min_query_length": Number(0), "initial_option": OPTION}),
    "multi_external_select": Shape(
        {}, {**_SELECT, **_MANY, "min_query_length": Number(0), "initial_options": Items(OPTION, OPTIONS)}
    ),
    "users_select": Shape({}, {**_SELECT, "initial_user": Str()}),
    "multi_users_select": Shape({}, {**_SELECT, **_MANY, "initial_users": _names()}),
    "channels_select": Shape({}, {**_SELECT, **_RESPONSE_URL, "initial_channel": Str()}),
    "multi_channels_select": Shape({}, {**_SELECT, **_MANY, "initial_channels": _names()}),
    "conversations_select": Shape(
        {},
        {
            **_SELECT,
            **_RESPONSE_URL,
            "initial_conversation": Str(),
            "default_to_current_conversation": Flag(),
            "filter": CONVERSATION_FILTER,
        },
    ),
    "multi_conversations_select": Shape(
        {},
        {
            **_SELECT,
            **_MANY,
            "initial_conversations": _names(),
            "default_to_current_conversation": Flag(),
            "filter": CONVERSATION_FILTER,
        },
    ),
    "radio_buttons": Shape({"options": Items(CHOICE, CHOICES)}, {**_ID, **_ASKS, **_FOCUS, "initial_option": CHOICE}),
    "checkboxes": Shape(
        {"options": Items(CHOICE, CHOICES)}, {**_ID, **_ASKS, **_FOCUS, "initial_options": Items(CHOICE, CHOICES)}
    ),
    "datepicker": Shape({}, {**_SELECT, "initial_date": Str()}),
    "timepicker": Shape({}, {**_SELECT, "initial_time": Str(), "timezone": Str()}),
    "datetimepicker": Shape({}, {**_ID, **_ASKS, **_FOCUS, "initial_date_time": Number(1_000_000_000, 9_999_999_999)}),
    "plain_text_input": Shape(
        {},
        {
            **_ID,
            **_FOCUS,
            **_HINT,
            "initial_value": Str(INPUT_VALUE, minimum=0),
            "multiline": Flag(),
            "min_length": Number(0, INPUT_VALUE),
            "max_length": Number(1, INPUT_VALUE),
            "dispatch_action_config": DISPATCH,
        },
    ),
    "rich_text_input": Shape(
        {},
        {
            **_ID,
            **_FOCUS,
            **_HINT,
            "initial_value": Child(frozenset({"rich_text"})),
            "dispatch_action_config": DISPATCH,
            "min_lines": Number(1, 100),
            "max_lines": Number(1, 100),
        },
    ),
    "email_text_input": Shape(
        {}, {**_ID, **_FOCUS, **_HINT, "initial_value": Str(), "dispatch_action_config": DISPATCH}
    ),
    "url_text_input": Shape({}, {**_ID, **_FOCUS, **_HINT, "initial_value": Str(), "dispatch_action_config": DISPATCH}),
    "number_input": Shape(
        {"is_decimal_allowed": Flag()},
        {
            **_ID,
            **_FOCUS,
            **_HINT,
            "initial_value": Str(),
            "min_value": Str(),
            "max_value": Str(),
            "dispatch_action_config": DISPATCH,
        },
    ),
    "file_input": Shape({}, {**_ID, "filetypes": _names(), "max_files": Number(1, FILES_PER_INPUT)}),
    "image": Shape(
        {"alt_text": Str(ALT_TEXT)},
        {"image_url": Str(URL), "slack_file": SLACK_FILE},
        either=("image_url", "slack_file"),
        only_one=("image_url", "slack_file"),
    ),
    "workflow_button": Shape(
        {"text": _plain(BUTTON_TEXT), "workflow": Anything()},
        {**_ID, "style": _one_of("primary", "danger"), "accessibility_label": Str(BUTTON_TEXT)},
    ),
    "feedback_buttons": Shape({"positive_button": _FEEDBACK, "negative_button": _FEEDBACK}, _ID),
    "icon_button": Shape(
        {"icon": Str(), "text": _plain(BUTTON_TEXT)},
        {
            **_ID,
            **_ASKS,
            "value": Str(BUTTON_VALUE),
            "accessibility_label": Str(BUTTON_TEXT),
            "visible_to_user_ids": _names(),
        },
    ),
    "mrkdwn": Shape({"text": Str(SECTION_TEXT)}, {"verbatim": Flag()}),
    "plain_text": Shape({"text": Str(SECTION_TEXT)}, {"emoji": Flag()}),
    "raw_text": Shape({"text": Str()}),
    "raw_number": Shape({"value": Number(), "text": Str()}),
    "rich_text": Shape({"elements": Items(Anything(), 1000)}, {"block_id": Str(ID)}),
    "url": Shape({"url": Str(URL), "text": Str()}),
}

_SELECTS = frozenset(name for name in ELEMENTS if name.endswith("_select"))
_PICKERS = frozenset({"datepicker", "timepicker", "datetimepicker"})
_CHOOSERS = frozenset({"radio_buttons", "checkboxes"})
_PRESSED = frozenset({"button", "workflow_button", "overflow"})
_TYPED = frozenset(name for name in ELEMENTS if name.endswith("_input"))
IN_ACTIONS = _SELECTS | _PICKERS | _CHOOSERS | _PRESSED | {"rich_text_input"}
IN_SECTION = (_SELECTS | _CHOOSERS | _PRESSED | {"image", "datepicker", "timepicker"}) - {"datetimepicker"}
IN_INPUT = _SELECTS | _PICKERS | _CHOOSERS | _TYPED
IN_CONTEXT = frozenset({"image", "mrkdwn", "plain_text"})
IN_TABLE = frozenset({"raw_text", "raw_number", "rich_text"})

_IMAGE = Element(frozenset({"image"}))
_CARD = Shape(
    {},
    {
        "hero_image": _IMAGE,
        "icon": _IMAGE,
        "title": Text(150),
        "subtitle": Text(150),
        "body": Text(200),
        "actions": Items(Element(frozenset({"button"})), 3),
    },
    either=("hero_image", "title", "actions", "body"),
)
_TASK = Shape(
    {"task_id": Str(), "title": Str(), "status": _one_of("pending", "in_progress", "complete", "error")},
    {
        "details": Child(frozenset({"rich_text"})),
        "output": Child(frozenset({"rich_text"})),
        "sources": Items(Element(frozenset({"url"})), 100),
    },
)
_POINT = Shape({"label": Str(CHART_LABEL), "value": Number()})
_SERIES = Shape({"name": Str(CHART_LABEL), "data": Items(_POINT, 20)})
_AXES = Shape({"categories": Items(Str(CHART_LABEL), 20)}, {"x_label": Str(CHART_TITLE), "y_label": Str(CHART_TITLE)})
_XY = Shape({"series": Items(_SERIES, 12)}, {"axis_config": _AXES})
CHARTS: Mapping[str, Shape] = {
    "pie": Shape({"segments": Items(_POINT, 12)}),
    "bar": _XY,
    "line": _XY,
    "area": _XY,
}
_CHILDREN = frozenset(
    {"section", "header", "divider", "image", "actions", "context", "rich_text", "markdown", "table", "video"}
)

BLOCKS: Mapping[str, Shape] = {
    "section": Shape(
        {},
        {
            "text": Text(SECTION_TEXT),
            "fields": Items(Text(SECTION_FIELD), SECTION_FIELDS),
            "accessory": Element(IN_SECTION),
            "expand": Flag(),
        },
        either=("text", "fields"),
    ),
    "header": Shape({"text": _plain(HEADER)}, {"level": Number(1, 4)}),
    "divider": Shape(),
    "image": Shape(
        {"alt_text": Str(ALT_TEXT)},
        {"image_url": Str(URL), "slack_file": SLACK_FILE, "title": _plain(ALT_TEXT)},
        either=("image_url", "slack_file"),
        only_one=("image_url", "slack_file"),
    ),
    "actions": Shape({"elements": Items(Element(IN_ACTIONS), ACTIONS_ELEMENTS)}),
    "context": Shape({"elements": Items(Element(IN_CONTEXT), CONTEXT_ELEMENTS)}),
    "context_actions": Shape({"elements": Items(Element(frozenset({"feedback_buttons", "icon_button"})), 5)}),
    "input": Shape(
        {"label": _plain(LABEL), "element": Element(IN_INPUT)},
        {"hint": _plain(LABEL), "optional": Flag(), "dispatch_action": Flag()},
    ),
    "rich_text": Shape({"elements": Items(Anything(), 1000)}),
    "markdown": Shape({"text": Str(MARKDOWN)}),
    "file": Shape({"external_id": Str(), "source": _one_of("remote")}),
    "video": Shape(
        {"alt_text": Str(ALT_TEXT), "title": _plain(200), "thumbnail_url": Str(URL), "video_url": Str(URL)},
        {
            "author_name": Str(50),
            "description": _plain(200),
            "provider_icon_url": Str(URL),
            "provider_name": Str(),
            "title_url": Str(URL),
        },
    ),
    "table": Shape(
        {"rows": Items(Items(Element(IN_TABLE), TABLE_COLUMNS), TABLE_ROWS)},
        {"column_settings": Items(Anything(), TABLE_COLUMNS, minimum=0)},
    ),
    "data_table": Shape(
        {"caption": Str(), "rows": Items(Items(Element(IN_TABLE), TABLE_COLUMNS), DATA_TABLE_ROWS, minimum=2)},
        {"page_size": Number(1, 100), "row_header_column_index": Number(0, TABLE_COLUMNS - 1)},
    ),
    "data_visualization": Shape({"title": Str(CHART_TITLE), "chart": Anything()}),
    "alert": Shape({"text": Text(ALERT_TEXT)}, {"level": _one_of("default", "info", "warning", "error", "success")}),
    "card": _CARD,
    "carousel": Shape({"elements": Items(Child(frozenset({"card"})), 10)}),
    "container": Shape(
        {"child_blocks": Items(Child(_CHILDREN), 10)},
        {
            "title": _plain(150),
            "rich_text_title": Child(frozenset({"rich_text"})),
            "subtitle": Text(150),
            "width": _one_of("narrow", "standard", "wide", "full"),
            "icon": _IMAGE,
            "is_collapsible": Flag(),
            "default_collapsed": Flag(),
            "has_header_divider": Flag(),
        },
        either=("title", "rich_text_title"),
    ),
    "task_card": _TASK,
    "plan": Shape({"title": Str()}, {"tasks": Items(Child(frozenset({"task_card"})), 50)}),
}

ONLY_IN: Mapping[str, Collection[Surface]] = {
    "alert": {Surface.MODAL},
    "table": {Surface.MESSAGE, Surface.HOME},
    "data_table": {Surface.MESSAGE, Surface.HOME},
    "data_visualization": {Surface.MESSAGE, Surface.HOME},
    "carousel": {Surface.MESSAGE, Surface.HOME},
    "container": {Surface.MESSAGE, Surface.HOME},
    "markdown": {Surface.MESSAGE, Surface.MODAL},
    "task_card": {Surface.MESSAGE, Surface.MODAL},
    "plan": {Surface.MESSAGE, Surface.MODAL},
    "context_actions": {Surface.MESSAGE, Surface.MODAL},
    "file": {Surface.MESSAGE},
}
ELEMENT_ONLY_IN: Mapping[str, Collection[Surface]] = {"file_input": {Surface.MODAL}}

_VIEW_SHARED: Mapping[str, Rule] = {
    "type": _one_of("modal", "home"),
    "blocks": Anything(),
    "private_metadata": Str(PRIVATE_METADATA, minimum=0),
    "callback_id": Str(ID, minimum=0),
    "external_id": Str(ID, minimum=0),
}
MODAL = Shape(
    {"title": _plain(VIEW_TITLE)},
    {
        **_VIEW_SHARED,
        "submit": _plain(VIEW_TITLE),
        "close": _plain(VIEW_TITLE),
        "clear_on_close": Flag(),
        "notify_on_close": Flag(),
        "submit_disabled": Flag(),
    },
)
HOME = Shape({}, {**_VIEW_SHARED, "title": Anything(), "submit": Anything(), "close": Anything()})


def validate(blocks: Any, surface: Surface | str = Surface.MESSAGE, *, pointer: str = "/blocks") -> list[Refusal]:
    """Everything that Slack would refuse in these blocks on this surface; empty when they are fine."""
    surface = Surface(surface)
    if not isinstance(blocks, Sequence) or isinstance(blocks, str):
        return [Refusal(pointer, "invalid_type", "must provide an array")]
    found = list(_count(blocks, pointer, MAX_BLOCKS[surface], 0))
    for index, block in enumerate(blocks):
        found += _block(block, f"{pointer}/{index}", frozenset(BLOCKS), surface)
    found += _duplicates(blocks, pointer)
    found += _whole_message(blocks, pointer)
    return found


def validate_view(view: Any) -> list[Refusal]:
    """Everything that Slack would refuse in a modal or App Home view."""
    if not isinstance(view, Mapping):
        return [Refusal("/view", "invalid_type", "must provide an object")]
    kind = view.get("type")
    if kind not in ("modal", "home"):
        return [Refusal("/view/type", "unsupported_type", f"unsupported type: {kind}")]
    surface = Surface(kind)
    found = list(_shape(view, "/view", MODAL if surface is Surface.MODAL else HOME, surface))
    if "blocks" not in view:
        return [*found, _missing("/view", "blocks")]
    found += validate(view["blocks"], surface, pointer="/view/blocks")
    needs_submit = surface is Surface.MODAL and not view.get("submit")
    if needs_submit and any(isinstance(b, Mapping) and b.get("type") == "input" for b in _listed(view["blocks"])):
        found.append(_missing("/view", "submit"))
    return found


def view_is_too_large(view: Mapping[str, Any]) -> bool:
    """Whether Slack answers `view_too_large`: the view as JSON has more than 250 KB."""
    return len(json.dumps(view, ensure_ascii=False).encode()) > VIEW_BYTES


def rendered_length(blocks: Any) -> int:
    """The characters of all texts in these blocks, which Slack caps by `msg_blocks_too_long`."""
    return sum(len(text) for text in _texts(blocks))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        text = value.get("text")
        if isinstance(text, str):
            yield text
        for name, inner in value.items():
            if name != "confirm" and not isinstance(inner, str):
                yield from _texts(inner)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for inner in value:
            yield from _texts(inner)


def _block(block: Any, pointer: str, allowed: Collection[str], surface: Surface) -> Iterator[Refusal]:
    if not isinstance(block, Mapping):
        yield Refusal(pointer, "invalid_type", "must provide an object")
        return
    kind = block.get("type")
    if not isinstance(kind, str):
        yield _missing(pointer, "type")
        return
    if kind not in allowed or surface not in ONLY_IN.get(kind, Surface):
        yield Refusal(f"{pointer}/type", "unsupported_type", f"unsupported type: {kind}")
        return
    yield from _shape(block, pointer, BLOCKS[kind], surface, also=("type", "block_id"))
    if "block_id" in block:
        yield from _value(block["block_id"], f"{pointer}/block_id", Str(ID, minimum=0), surface)
    if kind == "data_visualization" and "chart" in block:
        yield from _chart(block["chart"], f"{pointer}/chart", surface)


def _chart(chart: Any, pointer: str, surface: Surface) -> Iterator[Refusal]:
    kind = chart.get("type") if isinstance(chart, Mapping) else None
    if not isinstance(kind, str) or kind not in CHARTS:
        yield Refusal(f"{pointer}/type", "unsupported_type", f"unsupported type: {kind}")
        return
    yield from _shape(chart, pointer, CHARTS[kind], surface, also=("type",))


def _element(element: Any, pointer: str, allowed: Collection[str], surface: Surface) -> Iterator[Refusal]:
    if not isinstance(element, Mapping):
        yield Refusal(pointer, "invalid_type", "must provide an object")
        return
    kind = element.get("type")
    if not isinstance(kind, str):
        yield _missing(pointer, "type")
        return
    if kind not in allowed or surface not in ELEMENT_ONLY_IN.get(kind, Surface):
        yield Refusal(f"{pointer}/type", "unsupported_type", f"unsupported type: {kind}")
        return
    yield from _shape(element, pointer, ELEMENTS[kind], surface, also=("type",))


def _shape(
    value: Any, pointer: str, shape: Shape, surface: Surface, *, also: Collection[str] = ()
) -> Iterator[Refusal]:
    if not isinstance(value, Mapping):
        yield Refusal(pointer, "invalid_type", "must provide an object")
        return
    for name in shape.required:
        if value.get(name) is None:
            yield _missing(pointer, name)
    if shape.either and all(value.get(name) is None for name in shape.either):
        yield Refusal(pointer, "missing_field", f"must provide one of: {', '.join(shape.either)}")
    if sum(value.get(name) is not None for name in shape.only_one) > 1:
        yield Refusal(pointer, "conflict", f"only one of these is allowed: {', '.join(shape.only_one)}")
    for name, inner in value.items():
        rule = shape.required.get(name) or shape.optional.get(name)
        if rule is None:
            if name not in also:
                yield Refusal(pointer, "additional_property", f"invalid additional property: {name}")
        elif inner is not None:
            yield from _value(inner, f"{pointer}/{name}", rule, surface)


def _value(value: Any, pointer: str, rule: Rule, surface: Surface) -> Iterator[Refusal]:
    match rule:
        case Str():
            yield from _string(value, pointer, rule)
        case Number():
            yield from _number(value, pointer, rule)
        case Flag():
            if not isinstance(value, bool):
                yield Refusal(pointer, "invalid_type", "must provide a boolean")
        case Text():
            yield from _text(value, pointer, rule, surface)
        case Items():
            if not isinstance(value, Sequence) or isinstance(value, str):
                yield Refusal(pointer, "invalid_type", "must provide an array")
                return
            yield from _count(value, pointer, rule.maximum, rule.minimum)
            for index, inner in enumerate(value):
                yield from _value(inner, f"{pointer}/{index}", rule.of, surface)
        case Shape():
            yield from _shape(value, pointer, rule, surface)
        case Element():
            yield from _element(value, pointer, rule.types, surface)
        case Child():
            yield from _block(value, pointer, rule.types, surface)
        case Anything():
            return


def _string(value: Any, pointer: str, rule: Str) -> Iterator[Refusal]:
    if not isinstance(value, str):
        yield Refusal(pointer, "invalid_type", "must provide a string")
    elif len(value) < rule.minimum:
        yield Refusal(pointer, "too_short", f"must be more than {rule.minimum - 1} characters")
    elif rule.maximum is not None and len(value) > rule.maximum:
        yield Refusal(pointer, "too_long", f"must be less than {rule.maximum + 1} characters")
    elif rule.one_of and value not in rule.one_of:
        yield Refusal(pointer, "invalid_enum", f"must be a valid enum value, one of: {', '.join(sorted(rule.one_of))}")


def _number(value: Any, pointer: str, rule: Number) -> Iterator[Refusal]:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        yield Refusal(pointer, "invalid_type", "must provide a number")
    elif rule.minimum is not None and value < rule.minimum:
        yield Refusal(pointer, "too_small", f"must be at least {rule.minimum:g}")
    elif rule.maximum is not None and value > rule.maximum:
        yield Refusal(pointer, "too_large", f"must be at most {rule.maximum:g}")


def _text(value: Any, pointer: str, rule: Text, surface: Surface) -> Iterator[Refusal]:
    allowed = ("plain_text",) if rule.plain else ("plain_text", "mrkdwn")
    if not isinstance(value, Mapping):
        yield Refusal(pointer, "invalid_type", "must provide an object")
        return
    kind = value.get("type")
    if kind not in allowed:
        yield Refusal(f"{pointer}/type", "unsupported_type", f"unsupported type: {kind}")
        return
    extra = {"emoji": Flag()} if kind == "plain_text" else {"verbatim": Flag()}
    yield from _shape(value, pointer, Shape({"text": Str(rule.maximum)}, extra), surface, also=("type",))


def _count(value: Sequence[Any], pointer: str, maximum: int, minimum: int) -> Iterator[Refusal]:
    if len(value) > maximum:
        yield Refusal(pointer, "too_many_items", f"no more than {maximum} items allowed")
    if len(value) < minimum:
        yield Refusal(pointer, "too_few_items", f"no fewer than {minimum} items allowed")


def _missing(pointer: str, name: str) -> Refusal:
    return Refusal(pointer, "missing_field", f"missing required field: {name}")


def _listed(blocks: Any) -> Sequence[Any]:
    return blocks if isinstance(blocks, Sequence) and not isinstance(blocks, str) else ()


def _duplicates(blocks: Sequence[Any], pointer: str) -> Iterator[Refusal]:
    block_ids: set[str] = set()
    for index, block in enumerate(blocks):
        if not isinstance(block, Mapping):
            continue
        block_id = block.get("block_id")
        if isinstance(block_id, str) and block_id in block_ids:
            yield Refusal(f"{pointer}/{index}/block_id", "duplicate", f"block_id is not unique: {block_id}")
        elif isinstance(block_id, str):
            block_ids.add(block_id)
        yield from _duplicate_actions(block, f"{pointer}/{index}")


def _duplicate_actions(block: Mapping[str, Any], pointer: str) -> Iterator[Refusal]:
    """action_id must be unique within its block."""
    seen: set[str] = set()
    for index, element in enumerate(_listed(block.get("elements"))):
        action_id = element.get("action_id") if isinstance(element, Mapping) else None
        if isinstance(action_id, str) and action_id in seen:
            where = f"{pointer}/elements/{index}/action_id"
            yield Refusal(where, "duplicate", f"action_id is not unique: {action_id}")
        elif isinstance(action_id, str):
            seen.add(action_id)


def _whole_message(blocks: Sequence[Any], pointer: str) -> Iterator[Refusal]:
    def of(kind: str) -> list[Any]:
        return [block for block in blocks if isinstance(block, Mapping) and block.get("type") == kind]

    if len(of("data_visualization")) > CHARTS_PER_MESSAGE:
        what = f"no more than {CHARTS_PER_MESSAGE} data_visualization blocks allowed"
        yield Refusal(pointer, "too_many_items", what)
    if sum(rendered_length(table.get("rows")) for table in of("data_table")) > DATA_TABLE_CHARACTERS:
        what = f"data_table blocks must have less than {DATA_TABLE_CHARACTERS + 1} characters"
        yield Refusal(pointer, "too_long", what)
