"""Blocks and views held against the table: pure, and every refusal with its place."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.slack.limits.block_kit import BLOCKS, CHARTS, ELEMENT_ONLY_IN, ELEMENTS, HOME, MODAL, ONLY_IN
from bot.slack.limits.numbers import CHARTS_PER_MESSAGE, DATA_TABLE_CHARACTERS, ID, MAX_BLOCKS, VIEW_BYTES, Surface
from bot.slack.limits.rules import Anything, Child, Element, Flag, Items, Number, Rule, Shape, Str, Text


@dataclass(frozen=True, slots=True)
class Refusal:
    """One thing that Slack would refuse: where (a JSON pointer), which rule (a code) and Slack's sentence."""

    pointer: str
    code: str
    message: str

    def __str__(self) -> str:
        return f"[ERROR] {self.message} [json-pointer:{self.pointer}]"


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
