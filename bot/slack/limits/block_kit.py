"""The table of Block Kit: every block, element and view with its parts, and where it may stand."""

from collections.abc import Collection, Mapping

from bot.slack.limits.numbers import (
    ACTIONS_ELEMENTS,
    ALERT_TEXT,
    ALT_TEXT,
    BUTTON_TEXT,
    BUTTON_VALUE,
    CHART_LABEL,
    CHART_TITLE,
    CHOICES,
    CONFIRM_BUTTON,
    CONFIRM_TEXT,
    CONFIRM_TITLE,
    CONTEXT_ELEMENTS,
    DATA_TABLE_ROWS,
    FILES_PER_INPUT,
    HEADER,
    ID,
    INPUT_VALUE,
    LABEL,
    MARKDOWN,
    OPTION_TEXT,
    OPTION_VALUE,
    OPTIONS,
    OVERFLOW_OPTIONS,
    PLACEHOLDER,
    PRIVATE_METADATA,
    SECTION_FIELD,
    SECTION_FIELDS,
    SECTION_TEXT,
    TABLE_COLUMNS,
    TABLE_ROWS,
    URL,
    VIEW_TITLE,
    Surface,
)
from bot.slack.limits.rules import Anything, Child, Element, Flag, Items, Number, Rule, Shape, Str, Text


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
