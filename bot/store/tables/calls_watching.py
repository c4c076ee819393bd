"""What is known of systems by their own calls, and how far the trail has been looked through."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel

from bot.store.tables.base import Leased, json_field


class CallsWatchState(Leased, table=True):
    """What the calls watch of a system knows so far."""

    __tablename__ = "calls_watch"

    system: str = Field(primary_key=True)
    active: bool = True
    due: datetime = Field(index=True)
    """When it is looked at next."""
    evaluated_at: datetime | None = None
    last_call_at: datetime | None = None
    """When a call of the system last arrived."""
    silent_since: datetime | None = None
    """Since when calls are missed; None while they come, or while none are expected."""
    silence: int | None = Field(default=None, foreign_key="finding.id")
    """The finding that says so."""
    series: list[dict[str, Any]] | None = json_field(default=None)
    """By route and provider: what the last look saw and what the rule remembers (bot.watches.routed)."""


class TrailCursor(SQLModel, table=True):
    """How far a worker has looked through the trail: calls that arrived before `received_us` were looked at."""

    __tablename__ = "trail_cursor"

    name: str = Field(primary_key=True)
    received_us: int = Field(sa_type=BigInteger)
