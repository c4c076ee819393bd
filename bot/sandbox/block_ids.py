"""The ids that Slack gives to blocks and elements whose author gave none."""

import copy
from collections.abc import Iterator, Sequence

from bot.sandbox import ids
from bot.sandbox.workspace import Json

NOT_INTERACTIVE = frozenset({"mrkdwn", "plain_text", "image", "rich_text", "card", None}) | {
    f"rich_text_{kind}" for kind in ("section", "list", "quote", "preformatted")
}


def with_ids(blocks: Sequence[Json]) -> list[Json]:
    """The blocks as Slack stores them: every block has a block_id, every interactive element an action_id."""
    stored = copy.deepcopy(list(blocks))
    for block in stored:
        if not block.get("block_id"):
            block["block_id"] = ids.short()
        for element in interactive(block):
            if not element.get("action_id"):
                element["action_id"] = ids.short()
    return stored


def interactive(block: Json) -> Iterator[Json]:
    """The elements of a block that a person can use."""
    for element in (*block.get("elements", ()), block.get("accessory"), block.get("element")):
        if not isinstance(element, dict):
            continue
        if element.get("type") == "card":
            yield from interactive(element)
        elif element.get("type") not in NOT_INTERACTIVE:
            yield element
    yield from block.get("actions") or ()
    for child in block.get("child_blocks", ()):
        yield from interactive(child)
