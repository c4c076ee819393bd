"""What the auditor found stuck, and whose turn it is to look."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from bot.store.tables.base import Leased


class AuditorTurn(Leased, table=True):
    """One row: one replica of all looks, and the next look is due then."""

    __tablename__ = "auditor_turn"

    id: int = Field(default=1, primary_key=True)
    next_at: datetime
    looked_at: datetime | None = None
    """When it last looked; None: never yet."""
    passed: bool = True
    """Whether nothing was stuck then."""


class Stuck(SQLModel, table=True):
    """Something that is overdue, from when it was found until it is over."""

    __tablename__ = "stuck"

    key: str = Field(primary_key=True)
    """Kind and row, for example `page:12`."""
    kind: str
    text: str
    system: str | None = None
    """None: it concerns every system."""
    since: datetime
    """When it was due."""
    found_at: datetime
    """When it was also set free once."""
    reported_at: datetime | None = None
