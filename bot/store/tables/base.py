"""What the tables share: naming of constraints, JSON columns, leases."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

# Batch migrations on SQLite and clean comparisons on both engines need every constraint to have a name.
SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

JSON_TYPE: Any = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
"""Plain JSON on SQLite, JSONB on PostgreSQL; reassign the value, an in-place change is not saved."""


class Leased(SQLModel):
    """A row that one worker at a time may work on: who, until when, and which attempt it is (the fence)."""

    lease_owner: str | None = None
    lease_until: datetime | None = None
    attempt: int = 0


def json_field(**options: Any) -> Any:
    """A column that holds JSON."""
    return Field(sa_type=JSON_TYPE, **options)
