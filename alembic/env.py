"""Runs the migrations on the connection that the caller opened (bot.store.migrate)."""

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


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=SQLModel.metadata,
    render_as_batch=True,
    render_item=render_item,
    compare_type=True,
    transactional_ddl=True,
)
context.run_migrations()
