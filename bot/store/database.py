"""One database behind two engines: SQLite, the embedded default, and PostgreSQL for several machines."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from sqlalchemy import URL, Connection, Engine, event, make_url
from sqlalchemy import create_engine as create_plain_engine
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.ext.asyncio import AsyncSession as SQLAlchemySession
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.store.turns import Turns

SQLITE_BUSY_MILLISECONDS = 5_000
SQLITE_PRAGMAS = (
    f"busy_timeout={SQLITE_BUSY_MILLISECONDS}",
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
)
"""What every connection to SQLite begins with, whoever opens it."""
SOON = 0.25
"""Seconds."""
TURN_WITHIN = 30.0
"""Seconds; a thread that waits longer for its turn to write gives up."""
_READ_ONLY = "badday_read_only"
_WAKE = "badday_wake"
Result = TypeVar("Result")


class DatabaseError(Exception):
    """The database cannot be used as configured; the message says what to change."""


def driver_url(database_url: str) -> URL:
    """`DATABASE_URL` with the driver that we use; raises DatabaseError for anything else than our two engines."""
    try:
        url = make_url(database_url)
    except ArgumentError as error:
        raise DatabaseError(
            "DATABASE_URL: not a database URL; write sqlite:///badday.db or postgresql://user:password@host/name"
        ) from error
    match url.get_backend_name():
        case "sqlite":
            return url.set(drivername="sqlite+aiosqlite")
        case "postgresql" | "postgres":
            if find_spec("psycopg") is None:
                raise DatabaseError("DATABASE_URL: PostgreSQL needs its driver; run: pip install 'badday[postgres]'")
            return url.set(drivername="postgresql+psycopg")
        case other:
            raise DatabaseError(f"DATABASE_URL: {other} is not supported; use sqlite:///… or postgresql://…")


def create_engine(database_url: str, *, pool_size: int = 5) -> AsyncEngine:
    """An engine with the recipe without which concurrent updates are lost.

    SQLite: WAL, `synchronous=FULL` (what was accepted is on disk), a busy time-out, an autocommit driver and
    `BEGIN IMMEDIATE`, so that a transaction that reads and then writes never works on a stale snapshot.
    """
    url = driver_url(database_url)
    if url.get_backend_name() != "sqlite":
        return create_async_engine(url, pool_size=pool_size, max_overflow=pool_size, pool_pre_ping=True)
    if url.database and url.database != ":memory:":
        Path(url.database).expanduser().parent.mkdir(parents=True, exist_ok=True)
    engine = create_async_engine(url, connect_args={"isolation_level": None}, pool_size=pool_size)
    event.listen(engine.sync_engine, "connect", _configure_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


def _configure_sqlite(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    for pragma in SQLITE_PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _configure_sqlite_to_refuse(connection: Any, record: object) -> None:
    """With a writer in another process it fails at once instead of waiting."""
    _configure_sqlite(connection, record)
    connection.execute("PRAGMA busy_timeout=0")


def _plain_engine(url: URL, configure: Callable[[Any, object], None]) -> Engine:
    """One connection to the same file, for batches."""
    engine = create_plain_engine(
        url.set(drivername="sqlite+pysqlite"), connect_args={"isolation_level": None}, pool_size=1, max_overflow=0
    )
    event.listen(engine, "connect", configure)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _begin_sqlite(connection: Connection) -> None:
    read_only = connection.get_execution_options().get(_READ_ONLY, False)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")


class Session(AsyncSession):
    """SQLModel's session, with SQLAlchemy's `execute` as it is: SQLModel marks it as deprecated to teach `exec`."""

    if not TYPE_CHECKING:
        execute = SQLAlchemySession.execute


def is_postgres(session: AsyncSession) -> bool:
    """Which of the two engines a transaction is on, where they have no common SQL."""
    return bool(session.get_bind().dialect.name == "postgresql")


def insert_of(session: AsyncSession) -> Any:
    """The `insert` of the engine's own dialect, which knows ON CONFLICT."""
    return postgresql.insert if is_postgres(session) else sqlite.insert


class Database:
    """Transactions on the store, and the wake-ups that follow a commit.

    Services get a session and never commit; who opens the transaction owns it. A wake-up only saves waiting: every
    worker also looks by itself, so that work written by another process is found as well.
    """

    def __init__(self, database_url: str, *, pool_size: int = 5) -> None:
        self.engine = create_engine(database_url, pool_size=pool_size)
        self.dialect: Literal["sqlite", "postgresql"] = (
            "sqlite" if self.engine.dialect.name == "sqlite" else "postgresql"
        )
        self.turns = Turns()
        """SQLite only: everybody in this process who writes to the file takes a turn."""
        self._topics: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._soon: set[str] = set()
        self._plain: Engine | None = None
        self._brief: Engine | None = None
        if self.dialect == "sqlite" and self.engine.url.database not in (None, "", ":memory:"):
            self._plain = _plain_engine(self.engine.url, _configure_sqlite)
            self._brief = _plain_engine(self.engine.url, _configure_sqlite_to_refuse)
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="batch")
            # Of its own: the other thread may be waiting for the turn that a commit gives back.
            self._committing = ThreadPoolExecutor(1, thread_name_prefix="commit")

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """One write transaction; commits at the end, rolls back on an error, then wakes the topics asked for."""
        if self.dialect == "sqlite":
            async with self.turns.of_task(), self._session() as session:
                yield session
        else:
            async with self._session() as session:
                yield session

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[AsyncSession]:
        async with Session(self.engine, expire_on_commit=False) as session:
            async with session.begin():
                yield session
            self.wake(*session.info.get(_WAKE, ()))

    async def batch(self, work: Callable[[Connection], Result], *, brief: bool = False) -> Result:
        """Run one write transaction that is a plain function, for many rows by few statements.

        On SQLite a statement of `transaction` changes threads twice, which takes longer than the statement; here all of
        them run in one other thread, and `brief` ones, which take some milliseconds, in the event loop's own: beside a
        busy loop each would wait for the interpreter. Only locks and the disk are waited for elsewhere. `work` may be
        run to its end although whoever waits for it was cancelled.
        """
        if self._plain is not None and self._brief is not None:
            if brief:
                async with self.turns.of_task():
                    done, result = await self._briefly(self._brief, work)
                if done:
                    return result  # type: ignore[return-value]
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._batch, self._plain, work)
        if self.dialect == "sqlite":
            async with self.turns.of_task(), self.engine.begin() as connection:
                return await connection.run_sync(work)
        async with self.engine.begin() as connection:
            return await connection.run_sync(work)

    async def _briefly(self, engine: Engine, work: Callable[[Connection], Result]) -> tuple[bool, Result | None]:
        """False where another process is writing: nothing was done, and whoever waits must not be the event loop."""
        with engine.connect() as connection:
            try:
                transaction = connection.begin()
            except OperationalError:
                return False, None
            with transaction:
                result = work(connection)
                commit = asyncio.get_running_loop().run_in_executor(self._committing, transaction.commit)
                try:
                    await asyncio.shield(commit)
                except asyncio.CancelledError:
                    await asyncio.wait([commit])
                    raise
            return True, result

    def _batch(self, engine: Engine, work: Callable[[Connection], Result]) -> Result:
        with self.turns.of_thread(within=TURN_WITHIN), engine.begin() as connection:
            return work(connection)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """A consistent view of the store that takes no write lock."""
        engine = self.engine.execution_options(**{_READ_ONLY: True})
        async with Session(engine, expire_on_commit=False) as session, session.begin():
            yield session

    def wake(self, *topics: str) -> None:
        """Wake this process's workers of the topics."""
        for topic in topics:
            self._topics[topic].set()

    def wake_soon(self, *topics: str) -> None:
        """Wake them in a moment, together with what comes until then: for news of which there may be many at once."""
        if not self._soon:
            asyncio.get_running_loop().call_later(SOON, self._wake_now)
        self._soon.update(topics)

    def _wake_now(self) -> None:
        topics, self._soon = self._soon, set()
        self.wake(*topics)

    async def woken(self, topic: str, *, timeout: float) -> bool:  # noqa: ASYNC109 - a pause, not a deadline
        """Wait until the topic is woken (True) or for `timeout` seconds (False). One worker a topic."""
        event_ = self._topics[topic]
        try:
            await asyncio.wait_for(event_.wait(), timeout)
        except TimeoutError:
            return False
        event_.clear()
        return True

    async def close(self) -> None:
        if self._plain is not None and self._brief is not None:
            await asyncio.to_thread(self._thread.shutdown)
            await asyncio.to_thread(self._committing.shutdown)
            self._plain.dispose()
            self._brief.dispose()
        await self.engine.dispose()


def wake_after_commit(session: AsyncSession, *topics: str) -> None:
    """Ask that the topics be woken once the session's transaction is committed."""
    wanted: set[str] = session.info.setdefault(_WAKE, set())
    wanted.update(topics)
