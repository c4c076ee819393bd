"""What products obey: routes, caps and features."""

from datetime import datetime
from typing import Any

from sqlmodel import Field, SQLModel

from bot.store.tables.base import json_field


class Switch(SQLModel, table=True):
    """The value in force for one key; a key without a row has the catalog's default."""

    __tablename__ = "switch"

    key: str = Field(primary_key=True)
    """`route.<name>`, `feature.<name>`, `cap.<name>`, `model.<route>`, `ban.<provider>`"""
    value: Any = json_field(default=None, nullable=True)
    variant: str
    version: int = 1
    changed_at: datetime
    changed_by: str
