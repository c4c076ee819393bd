"""Runs the migrations on the connection that the caller opened (bot.store.migrate)."""

import re
from typing import Any

from alembic import context
from sqlmodel import SQLModel

import bot.store.tables  # noqa: F401 - makes the schema known


def render_item(kind: str, item: Any, autogen_context: Any) -> str | bool:
    """Write our column types in a way that runs on both engines."""
    if kind != "type":
        return False
    match type(item).__name__:
        case "AutoString":
            return f"sa.String({item.length})" if item.length else "sa.String()"
        case "UTCDateTime":
            autogen_context.imports.add("from sqlmodel.sql.sqltypes import UTCDateTime")
            return "UTCDateTime()"
        case "JSON" if item._variant_mapping:
            autogen_context.imports.add("from bot.store.tables.base import JSON_TYPE")
            return "JSON_TYPE"
    return False


def include_name(name: str | None, kind: str, _parents: Any) -> bool:
    """Leave alone what the trail makes by itself: its words, and its partitions by day."""
    return kind != "table" or name in SQLModel.metadata.tables or not re.match(r"call_words|call_\w*d\d+$", name or "")


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=SQLModel.metadata,
    render_as_batch=True,
    render_item=render_item,
    include_name=include_name,
    compare_type=True,
    transactional_ddl=True,
)
context.run_migrations()
