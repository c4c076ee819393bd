"""Every limit of Block Kit holds at n and breaks at n + 1."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.slack import limits
from bot.slack.limits import Surface

Json = dict[str, Any]


def plain(text: str = "x") -> Json:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str = "x") -> Json:
    return {"type": "mrkdwn", "text": text}


def long(n: int) -> str:
    return "x" * n


def button(**changes: Any) -> Json:
    return {"type": "button", "text": plain(), "action_id": "go", **changes}


def buttons(n: int) -> list[Json]:
    return [button(action_id=f"go{i}") for i in range(n)]


def option(text: str = "x", value: str = "v", **changes: Any) -> Json:
    return {"text": plain(text), "value": value, **changes}


def options(n: int) -> list[Json]:
    return [option(value=f"v{i}") for i in range(n)]


def actions(*elements: Json) -> Json:
    return {"type": "actions", "elements": list(elements)}


def confirm(**changes: Any) -> Json:
    return {"title": plain(), "text": plain(), "confirm": plain(), "deny": plain(), **changes}


def select(**changes: Any) -> Json:
    return {"type": "static_select", "action_id": "pick", "options": options(1), **changes}


def entry(element: Json, **changes: Any) -> Json:
    return {"type": "input", "label": plain(), "element": element, **changes}


def typed(**changes: Any) -> Json:
    return {"type": "plain_text_input", "action_id": "write", **changes}


def image(**changes: Any) -> Json:
    return {"type": "image", "image_url": "https://example.com/i.png", "alt_text": "a", **changes}


def cells(rows: int, columns: int = 1) -> list[list[Json]]:
    return [[{"type": "raw_text", "text": "x"} for _ in range(columns)] for _ in range(rows)]


def chart(kind: str = "line", **changes: Any) -> Json:
    body = {"type": kind, "series": [series()]} if kind != "pie" else {"type": "pie", "segments": points(1)}
    return {"type": "data_visualization", "title": "Spend", "chart": {**body, **changes}}


def points(n: int, label: str = "") -> list[Json]:
    return [{"label": label or f"p{i}", "value": i + 0.5} for i in range(n)]


def series(n: int = 1, name: str = "actual") -> Json:
    return {"name": name, "data": points(n)}


def card(**changes: Any) -> Json:
    return {"type": "card", "title": plain(), **changes}


def container(children: int = 1, **changes: Any) -> Json:
    return {"type": "container", "title": plain(), "child_blocks": [{"type": "divider"}] * children, **changes}


Case = tuple[str, int, Callable[[int], list[Json]], Surface]
M, V, H = Surface.MESSAGE, Surface.MODAL, Surface.HOME

MOST: list[Case] = [
    ("blocks of a message", 50, lambda n: [{"type": "divider"}] * n, M),
    ("blocks of a modal", 100, lambda n: [{"type": "divider"}] * n, V),
    ("blocks of a home", 100, lambda n: [{"type": "divider"}] * n, H),
    ("block_id", 255, lambda n: [{"type": "divider", "block_id": long(n)}], M),
    ("action_id", 255, lambda n: [actions(button(action_id=long(n)))], M),
    ("section text", 3000, lambda n: [{"type": "section", "text": mrkdwn(long(n))}], M),
    ("section fields", 10, lambda n: [{"type": "section", "fields": [mrkdwn()] * n}], M),
    ("section field", 2000, lambda n: [{"type": "section", "fields": [mrkdwn(long(n))]}], M),
    ("header", 150, lambda n: [{"type": "header", "text": plain(long(n))}], M),
    ("context elements", 10, lambda n: [{"type": "context", "elements": [mrkdwn()] * n}], M),
    ("actions elements", 25, lambda n: [actions(*buttons(n))], M),
    ("button text", 75, lambda n: [actions(button(text=plain(long(n))))], M),
    ("button value", 2000, lambda n: [actions(button(value=long(n)))], M),
    ("button url", 3000, lambda n: [actions(button(url=long(n)))], M),
    ("button accessibility label", 75, lambda n: [actions(button(accessibility_label=long(n)))], M),
    ("button agent prompt", 4000, lambda n: [actions(button(agent_prompt=long(n)))], M),
    ("confirm title", 100, lambda n: [actions(button(confirm=confirm(title=plain(long(n)))))], M),
    ("confirm text", 300, lambda n: [actions(button(confirm=confirm(text=plain(long(n)))))], M),
    ("confirm button", 30, lambda n: [actions(button(confirm=confirm(confirm=plain(long(n)))))], M),
    ("deny button", 30, lambda n: [actions(button(confirm=confirm(deny=plain(long(n)))))], M),
    ("select options", 100, lambda n: [actions(select(options=options(n)))], M),
    ("option text", 75, lambda n: [actions(select(options=[option(long(n))]))], M),
    ("option value", 150, lambda n: [actions(select(options=[option(value=long(n))]))], M),
    ("option description", 75, lambda n: [actions(select(options=[option(description=plain(long(n)))]))], M),
    ("placeholder", 150, lambda n: [actions(select(placeholder=plain(long(n))))], M),
    (
        "option groups",
        100,
        lambda n: [
            actions({**select(), "options": None, "option_groups": [{"label": plain(), "options": options(1)}] * n})
        ],
        M,
    ),
    ("overflow options", 5, lambda n: [actions({"type": "overflow", "action_id": "o", "options": options(n)})], M),
    ("radio buttons", 10, lambda n: [actions({"type": "radio_buttons", "action_id": "r", "options": options(n)})], M),
    ("checkboxes", 10, lambda n: [actions({"type": "checkboxes", "action_id": "c", "options": options(n)})], M),
    ("input label", 2000, lambda n: [entry(typed(), label=plain(long(n)))], V),
    ("input hint", 2000, lambda n: [entry(typed(), hint=plain(long(n)))], V),
    ("input max_length", 3000, lambda n: [entry(typed(max_length=n))], V),
    ("input initial value", 3000, lambda n: [entry(typed(initial_value=long(n)))], V),
    ("files of an input", 10, lambda n: [entry({"type": "file_input", "action_id": "f", "max_files": n})], V),
    ("lines of a rich input", 100, lambda n: [entry({"type": "rich_text_input", "action_id": "r", "max_lines": n})], V),
    ("image url", 3000, lambda n: [image(image_url=long(n))], M),
    ("image alt text", 2000, lambda n: [image(alt_text=long(n))], M),
    ("image title", 2000, lambda n: [image(title=plain(long(n)))], M),
    ("markdown", 12_000, lambda n: [{"type": "markdown", "text": long(n)}], M),
    ("table rows", 100, lambda n: [{"type": "table", "rows": cells(n)}], M),
    ("table columns", 20, lambda n: [{"type": "table", "rows": cells(1, n)}], M),
    ("data table rows", 201, lambda n: [{"type": "data_table", "caption": "c", "rows": cells(n)}], M),
    ("data table page", 100, lambda n: [{"type": "data_table", "caption": "c", "rows": cells(2), "page_size": n}], M),
    ("chart title", 50, lambda n: [{**chart(), "title": long(n)}], M),
    ("charts of a message", 2, lambda n: [chart()] * n, M),
    ("pie segments", 12, lambda n: [chart("pie", segments=points(n))], M),
    ("chart series", 12, lambda n: [chart(series=[series()] * n)], M),
    ("chart points", 20, lambda n: [chart(series=[series(n)])], M),
    ("chart label", 20, lambda n: [chart("pie", segments=points(1, long(n)))], M),
    ("alert text", 200, lambda n: [{"type": "alert", "text": plain(long(n))}], V),
    ("card title", 150, lambda n: [card(title=plain(long(n)))], M),
    ("card subtitle", 150, lambda n: [card(subtitle=plain(long(n)))], M),
    ("card body", 200, lambda n: [card(body=plain(long(n)))], M),
    ("card actions", 3, lambda n: [card(actions=buttons(n))], M),
    ("carousel cards", 10, lambda n: [{"type": "carousel", "elements": [card()] * n}], M),
    ("container children", 10, lambda n: [container(n)], M),
    ("container title", 150, lambda n: [container(title=plain(long(n)))], M),
    (
        "plan tasks",
        50,
        lambda n: [
            {
                "type": "plan",
                "title": "p",
                "tasks": [{"type": "task_card", "task_id": "t", "title": "t", "status": "pending"}] * n,
            }
        ],
        M,
    ),
    (
        "context actions",
        5,
        lambda n: [
            {
                "type": "context_actions",
                "elements": [
                    {"type": "icon_button", "icon": "trash", "text": plain(), "action_id": f"i{i}"} for i in range(n)
                ],
            }
        ],
        M,
    ),
]


@pytest.mark.parametrize(("name", "most", "build", "surface"), MOST, ids=[case[0] for case in MOST])
def test_the_limit_itself_is_accepted_and_one_more_is_refused(
    name: str, most: int, build: Callable[[int], list[Json]], surface: Surface
) -> None:
    assert limits.validate(build(most), surface) == []
    refused = limits.validate(build(most + 1), surface)
    assert [refusal.pointer for refusal in refused], name


@pytest.mark.parametrize(
    ("field", "most", "value"),
    [
        ("title", 24, lambda n: plain(long(n))),
        ("submit", 24, lambda n: plain(long(n))),
        ("close", 24, lambda n: plain(long(n))),
        ("callback_id", 255, long),
        ("external_id", 255, long),
        ("private_metadata", 3000, long),
    ],
)
def test_a_modal_s_own_parts_have_limits(field: str, most: int, value: Callable[[int], Any]) -> None:
    def modal(n: int) -> Json:
        return {"type": "modal", "title": plain(), "blocks": [], field: value(n)}

    assert limits.validate_view(modal(most)) == []
    assert [r.pointer.split("/")[2] for r in limits.validate_view(modal(most + 1))] == [field]


def test_a_refusal_reads_like_slack_s() -> None:
    blocks = [{"type": "divider"}, {"type": "section", "fields": [mrkdwn(long(2001))]}]
    assert [str(refusal) for refusal in limits.validate(blocks)] == [
        "[ERROR] must be less than 2001 characters [json-pointer:/blocks/1/fields/0/text]"
    ]


REFUSED: list[tuple[str, list[Any], Surface, str, str]] = [
    ("markdown text in a header", [{"type": "header", "text": mrkdwn()}], M, "/blocks/0/text/type", "unsupported_type"),
    (
        "markdown text on a button",
        [actions(button(text=mrkdwn()))],
        M,
        "/blocks/0/elements/0/text/type",
        "unsupported_type",
    ),
    ("an empty text", [{"type": "section", "text": plain("")}], M, "/blocks/0/text/text", "too_short"),
    ("empty actions", [actions()], M, "/blocks/0/elements", "too_few_items"),
    ("a section of nothing", [{"type": "section"}], M, "/blocks/0", "missing_field"),
    ("an unknown block", [{"type": "banner"}], M, "/blocks/0/type", "unsupported_type"),
    ("a block without a type", [{"text": "x"}], M, "/blocks/0", "missing_field"),
    ("a block that is text", ["x"], M, "/blocks/0", "invalid_type"),
    ("an unknown part", [{"type": "divider", "colour": "red"}], M, "/blocks/0", "additional_property"),
    ("an unknown style", [actions(button(style="green"))], M, "/blocks/0/elements/0/style", "invalid_enum"),
    ("two equal action ids", [actions(button(), button())], M, "/blocks/0/elements/1/action_id", "duplicate"),
    (
        "two equal block ids",
        [{"type": "divider", "block_id": "a"}, {"type": "divider", "block_id": "a"}],
        M,
        "/blocks/1/block_id",
        "duplicate",
    ),
    ("an alert in a message", [{"type": "alert", "text": plain()}], M, "/blocks/0/type", "unsupported_type"),
    ("a table in a modal", [{"type": "table", "rows": cells(1)}], V, "/blocks/0/type", "unsupported_type"),
    ("a chart in a modal", [chart()], V, "/blocks/0/type", "unsupported_type"),
    ("markdown in a home", [{"type": "markdown", "text": "x"}], H, "/blocks/0/type", "unsupported_type"),
    (
        "a file input in a message",
        [entry({"type": "file_input", "action_id": "f"})],
        M,
        "/blocks/0/element/type",
        "unsupported_type",
    ),
    (
        "a confirm without a text",
        [actions(button(confirm={"title": plain()}))],
        M,
        "/blocks/0/elements/0/confirm",
        "missing_field",
    ),
    ("an image without alt text", [{"type": "image", "image_url": "https://e"}], M, "/blocks/0", "missing_field"),
    ("a chart of an unknown kind", [chart("radar")], M, "/blocks/0/chart/type", "unsupported_type"),
    (
        "options and groups at once",
        [actions(select(option_groups=[{"label": plain(), "options": options(1)}]))],
        M,
        "/blocks/0/elements/0",
        "conflict",
    ),
]


@pytest.mark.parametrize(("name", "blocks", "surface", "pointer", "code"), REFUSED, ids=[case[0] for case in REFUSED])
def test_what_slack_refuses_is_refused_with_its_place(
    name: str, blocks: list[Any], surface: Surface, pointer: str, code: str
) -> None:
    assert (pointer, code) in [(refusal.pointer, refusal.code) for refusal in limits.validate(blocks, surface)], name


def test_a_modal_with_an_input_needs_a_submit_button() -> None:
    view = {"type": "modal", "title": plain(), "blocks": [entry(typed())]}
    assert [r.message for r in limits.validate_view(view)] == ["missing required field: submit"]
    assert limits.validate_view({**view, "submit": plain("Send")}) == []


def test_a_view_of_more_than_250_kilobytes_is_too_large() -> None:
    block = {"type": "section", "text": mrkdwn(long(3000))}
    assert not limits.view_is_too_large({"type": "home", "blocks": [block] * 80})
    assert limits.view_is_too_large({"type": "home", "blocks": [block] * 85})


def test_the_rendered_length_counts_every_text_but_the_confirm_dialog() -> None:
    blocks = [{"type": "section", "text": mrkdwn("four"), "accessory": button(confirm=confirm())}]
    assert limits.rendered_length(blocks) == len("four") + len("x")


def test_data_tables_have_at_most_20000_characters_together() -> None:
    rows = [[{"type": "raw_text", "text": long(5000)}]] * 2
    table = {"type": "data_table", "caption": "c", "rows": rows}
    assert limits.validate([table, table]) == []
    assert [
        r.code for r in limits.validate([table, {**table, "rows": [*rows, [{"type": "raw_text", "text": "x"}]]}])
    ] == ["too_long"]


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["type", "text", "elements", "block_id", "fields", "element", "rows", "chart"]), inner
        )
    ),
    max_leaves=20,
)


@given(anything, st.sampled_from(Surface))
def test_any_json_is_judged_without_falling_over(blocks: Any, surface: Surface) -> None:
    assert isinstance(limits.validate(blocks, surface), list)
    assert isinstance(limits.validate_view(blocks), list)
