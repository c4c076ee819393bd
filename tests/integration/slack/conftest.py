"""The Slack face against the local workspace: the real client, the real database, no token of anybody."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

import httpx
import pytest
from pydantic import SecretStr

from bot.catalog import Catalog
from bot.catalog.models import Person, Provider, Route, System
from bot.incidents import incidents
from bot.sandbox.server import Sandbox
from bot.settings import Settings
from bot.slack.face import SlackFace
from bot.store import outbox
from bot.store.database import Database
from bot.store.tables import Incident, OutboxMessage
from bot.supervision import Crew

Json = dict[str, Any]
T = TypeVar("T")

CATALOG = Catalog(
    people={
        "maria": Person("maria", "Maria Ortiz", "maria@example.com"),
        "sam": Person("sam", "Sam Lee", "sam@example.com"),
        "ghost": Person("ghost", "Ghost", "ghost@example.com"),
    },
    providers={"northwind": Provider("northwind"), "cirrus": Provider("cirrus")},
    systems={
        "support-bot": System(
            "support-bot",
            "maria",
            "support-bot",
            deputies=("sam",),
            routes={"chat": Route("chat", "northwind", ("cirrus",))},
        ),
        "haunted": System("haunted", "ghost", "support-bot"),
        "lost": System("lost", "maria", "no-such-channel"),
    },
)


def utc_now() -> datetime:
    return datetime.now(UTC)


async def eventually(look: Callable[[], Awaitable[T | None]], *, within: float = 8.0) -> T:
    """What `look` gives once it is neither None nor empty."""
    deadline = asyncio.get_running_loop().time() + within
    while True:
        found = await look()
        if found:
            return found
        assert asyncio.get_running_loop().time() < deadline, f"{look.__qualname__}: nothing within {within} s"
        await asyncio.sleep(0.02)


@dataclass
class Place:
    """A workspace, a database, and the face between them."""

    sandbox: Sandbox
    db: Database
    http: httpx.AsyncClient
    pace: float | None = None
    faces: list[tuple[SlackFace, Crew]] = field(default_factory=list)

    def settings(self) -> Settings:
        return Settings(
            slack_bot_token=SecretStr(self.sandbox.bot_token),
            slack_app_token=SecretStr(self.sandbox.app_token),
            slack_signing_secret=SecretStr(self.sandbox.signing_secret),
            slack_api_url=self.sandbox.api_url,
            slack_pace=self.pace,
        )

    async def face(self) -> SlackFace:
        """Start a face; it is connected when this returns."""
        face, crew = SlackFace(self.settings(), self.db, lambda: CATALOG, utc_now), Crew()
        await face.start(crew)
        self.faces.append((face, crew))
        await eventually(self.connected)
        return face

    async def connected(self) -> bool:
        return (await self.get("state"))["app"]["connected"]

    async def stop(self) -> None:
        for face, crew in self.faces:
            await face.stop()
            await crew.dismiss(within=5)
        self.faces.clear()

    async def do(self, gesture: str, **body: Any) -> Json:
        answer = await self.http.post(f"{self.sandbox.control_url}/{gesture}", json=body)
        result: Json = answer.json()
        assert result["ok"], result
        return result

    async def get(self, what: str, **query: Any) -> Any:
        answer = await self.http.get(f"{self.sandbox.control_url}/{what}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def messages(
        self, channel: str = "support-bot", *, user: str = "maria", thread_ts: str | None = None
    ) -> list[Json]:
        query = {"channel": channel, "user": user} | ({"thread_ts": thread_ts} if thread_ts else {})
        found: list[Json] = (await self.get("messages", **query))["messages"]
        return found

    async def of_bot(self, channel: str = "support-bot", *, user: str = "maria") -> list[Json]:
        found = await self.messages(channel, user=user)
        return [one for one in found if one.get("bot_id") and not one.get("is_ephemeral")]

    async def whispers(self, user: str, channel: str = "support-bot") -> list[str]:
        return [one["text"] for one in await self.messages(channel, user=user) if one.get("is_ephemeral")]

    async def calls(self, method: str) -> list[Json]:
        journal: Any = await self.get("calls", method=method)
        calls: list[Json] = journal if isinstance(journal, list) else journal["calls"]
        return calls

    async def open_incident(
        self, *, system: str = "support-bot", severity: str = "sev3", cause: str = "test"
    ) -> Incident:
        async with self.db.transaction() as session:
            return await incidents.open_incident(
                session,
                CATALOG,
                system=system,
                cause=cause,
                title=f"Something is wrong: {cause}",
                severity=severity,
                known="API: major outage",
                actor="badday",
                now=utc_now(),
            )

    async def message(self, key: str) -> OutboxMessage:
        async with self.db.reading() as session:
            found = await outbox.get(session, key)
        assert found is not None
        return found

    async def in_state(self, key: str, state: str, *, latest: bool = False, within: float = 8.0) -> OutboxMessage:
        """The message once it is in this state; `latest`: and no change of it waits to be shown."""

        async def look() -> OutboxMessage | None:
            found = await self.message(key)
            waiting = latest and found.sent_revision < found.revision
            return found if found.state == state and not waiting else None

        return await eventually(look, within=within)


@pytest.fixture
async def place(db: Database) -> AsyncIterator[Place]:
    async with Sandbox(rate_limit=False) as sandbox, httpx.AsyncClient(timeout=10) as http:
        here = Place(sandbox, db, http)
        try:
            yield here
        finally:
            await here.stop()
