"""Where the trail's writer keeps calls: SQLite or PostgreSQL, behind one face, used from one thread at a time."""

from sqlalchemy import make_url

from bot.store.turns import Turns
from bot.trail.storing.store import TrailStore


def open_store(database_url: str, turns: Turns | None = None) -> TrailStore:
    """The store of the database; it connects when it is first used. `turns` are those of this process's Database."""
    if make_url(database_url).get_backend_name() == "sqlite":
        from bot.trail.storing.sqlite import SqliteStore

        return SqliteStore(database_url, turns)
    from bot.trail.storing.postgres import PostgresStore

    return PostgresStore(database_url)
