"""Who changed what, and when; rows are only ever added."""

from datetime import datetime
from typing import Any

from sqlmodel import Field, SQLModel

from bot.store.tables.base import json_field


class AuditEntry(SQLModel, table=True):
    """One change: the database refuses to alter or remove it."""

    __tablename__ = "audit"

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = Field(index=True)
    actor: str
    action: str
    object: str
    before: Any = json_field(default=None, nullable=True)
    after: Any = json_field(default=None, nullable=True)
    incident_id: int | None = Field(default=None, index=True)
