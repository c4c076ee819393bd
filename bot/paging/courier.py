"""A worker that sends what stands in a table: claimed by a lease, marked before the request, settled after it.

    claim (lease, fence)      begin: short transaction      send: no transaction, 10 s      settle: short transaction
    pending, due ─────────> sending, with its ids ────────> the other side ──────────────> delivered | failed | unknown

A worker that dies leaves its lease; whoever claims the row next sees that it was being sent, and `begin` decides: what
the other side knows by its ids is sent again with the same ids, anything else is not known to have arrived.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Generic, TypeVar

import httpx
import structlog
from pydantic import ValidationError
from sqlalchemy import ColumnElement, or_, select
from sqlmodel import col

from bot.catalog import Catalog
from bot.paging import registry
from bot.paging.contact import Contact, ContactError, ContactOptions, ContactSetup, Notice, Secrets, Sent
from bot.store import leases
from bot.store.database import Database
from bot.store.tables import ContactTest, PageAttempt

log = structlog.get_logger(__name__)
Row = TypeVar("Row", PageAttempt, ContactTest)

LOOK_EVERY = 0.5
LEASE = timedelta(seconds=5)
"""A dead replica's rows are taken over after so long; a living one prolongs its leases."""
HEARTBEAT = 2.0
SEND_WITHIN = 10.0
AT_ONCE = 20
DRAIN_WITHIN = 5.0


def web_client() -> httpx.AsyncClient:
    """The HTTP client of all couriers; it honours the environment's proxies, but not for this machine."""
    return httpx.AsyncClient(
        timeout=httpx.Timeout(SEND_WITHIN - 1, connect=5.0),
        limits=httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=4),
        headers={"User-Agent": "Badday"},
        mounts=dict.fromkeys(("all://127.0.0.1", "all://localhost", "all://[::1]")),
    )


@dataclass(frozen=True, slots=True)
class Desk:
    """What every courier works with."""

    db: Database
    catalog: Callable[[], Catalog]
    clock: Callable[[], datetime]
    secrets: Secrets
    public_url: str
    web: httpx.AsyncClient


@dataclass(frozen=True, slots=True)
class Way:
    """A contact with what it wants to know, checked."""

    contact: Contact[Any, Any]
    options: ContactOptions
    setup: ContactSetup


def way(catalog: Catalog, kind: str, options: dict[str, Any] | None) -> Way:
    """The contact of a kind with its options, and its setup as the catalog says it now. Raises ContactError."""
    try:
        contact = registry.contact_for(kind)
        given = catalog.contacts.get(kind)
        return Way(
            contact,
            registry.options_of(kind, options or {}),
            registry.setup_of(kind, given.options if given is not None else None),
        )
    except LookupError as error:
        raise ContactError(str(error), permanent=True) from None
    except ValidationError as error:
        # Without the values: an option may be an address.
        where = ", ".join(".".join(map(str, each["loc"])) for each in error.errors(include_input=False))
        raise ContactError(
            f"contacts.{kind} is not set up, or wrong ({where}); see docs/how-to/reach-people.md", permanent=True
        ) from None


class Courier(ABC, Generic[Row]):
    """Any number of replicas may run it. An error of one row never stops the others, nor does a slow one."""

    table: ClassVar[type[Any]]
    topic: ClassVar[str]

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._owner = leases.new_owner()
        self._working: dict[asyncio.Task[None], Row] = {}
        self._stopping = False

    @abstractmethod
    async def begin(self, row: Row) -> tuple[Way, Notice] | None:
        """Mark the row as being sent and give the notice, in a transaction of its own; None where nothing is sent."""

    @abstractmethod
    async def settle(self, row: Row, came: Sent | ContactError, chosen: Way | None) -> None:
        """Keep what came of it, in a transaction of its own."""

    async def run(self) -> None:
        """Send until `stop`."""
        async with asyncio.TaskGroup() as group:
            beat = group.create_task(self._keep_leases())
            while not self._stopping:
                if not await self.work():
                    await self.desk.db.woken(self.topic, timeout=LOOK_EVERY)
            beat.cancel()
        # The supervisor would start a worker that returns anew.
        await asyncio.Event().wait()

    async def stop(self) -> None:
        """Take nothing new and wait a little for what is under way; the rest is left to its lease."""
        self._stopping = True
        self.desk.db.wake(self.topic)
        if self._working:
            await asyncio.wait(self._working, timeout=DRAIN_WITHIN)
        for task in list(self._working):
            task.cancel()

    async def work(self) -> int:
        """Claim what is due and start sending it; returns how many."""
        room = AT_ONCE - len(self._working)
        now = self.desk.clock()
        if room <= 0 or not await self._waits(now):
            return 0
        async with self.desk.db.transaction() as session:
            rows: list[Row] = await leases.claim(
                session,
                self.table,
                *self._due(now),
                owner=self._owner,
                now=now,
                lease=LEASE,
                limit=room,
                order_by=(col(self.table.not_before), col(self.table.id)),
            )
        for row in rows:
            task = asyncio.create_task(self._do(row), name=f"send {self.table.__tablename__} {row.id}")
            self._working[task] = row
            task.add_done_callback(self._done)
        return len(rows)

    async def settled(self) -> None:
        """Wait until nothing is under way."""
        while self._working:
            await asyncio.wait(self._working)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._working.pop(task, None)
        self.desk.db.wake(self.topic)

    async def _do(self, row: Row) -> None:
        try:
            begun = await self._begin(row)
            if begun is None:
                return
            chosen, notice = begun
            came = await _send(self.desk, chosen, notice)
            await self.settle(row, came, chosen)
        except Exception:
            # The lease ends, and whoever claims the row next sees how far it came.
            log.exception("left to its lease", table=self.table.__tablename__, id=row.id)

    async def _begin(self, row: Row) -> tuple[Way, Notice] | None:
        try:
            return await self.begin(row)
        except ContactError as error:
            await self.settle(row, error, None)
            return None

    def _due(self, now: datetime) -> tuple[ColumnElement[bool], ...]:
        """Pending, or being sent by somebody whose lease ended (which `claim` asks for)."""
        return (
            col(self.table.outcome).in_(("pending", "sending")),
            col(self.table.method).in_(sorted(registry.all_contacts())),
            col(self.table.not_before) <= now,
        )

    async def _waits(self, now: datetime) -> bool:
        free = or_(col(self.table.lease_until).is_(None), col(self.table.lease_until) <= now)
        async with self.desk.db.reading() as session:
            found = await session.execute(select(col(self.table.id)).where(*self._due(now), free).limit(1))
            return found.first() is not None

    async def _keep_leases(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT)
            if not self._working:
                continue
            now = self.desk.clock()
            try:
                async with self.desk.db.transaction() as session:
                    for row in list(self._working.values()):
                        await leases.extend(session, row, now=now, lease=LEASE)
            except Exception:
                log.exception("leases not prolonged", table=self.table.__tablename__)


async def _send(desk: Desk, chosen: Way, notice: Notice) -> Sent | ContactError:
    """Send once, within the time; whatever goes wrong is an error with a sentence."""
    try:
        async with asyncio.timeout(SEND_WITHIN):
            return await chosen.contact.send(notice, chosen.options, chosen.setup, desk.secrets, desk.web)
    except ContactError as error:
        return error
    except TimeoutError:
        return ContactError(f"no answer within {SEND_WITHIN:g} s", uncertain=True)
    except Exception as error:
        log.exception("contact failed", kind=chosen.contact.kind, id=notice.message_id)
        return ContactError(f"a mistake in Badday ({type(error).__name__}); its log says more", uncertain=True)
