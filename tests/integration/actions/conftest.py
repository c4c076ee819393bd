"""Actions as the engine calls them, on a real database, with an incident and a system."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from bot.actions.contract import ActionContext, ActionError, Outside, Reading
from bot.actions.outside import client
from bot.actions.registry import packaged
from bot.catalog import Catalog, parse_catalog
from bot.incidents import incidents
from bot.store.database import Database

DOCUMENT = """
badday: 1
people: {maria: {name: Maria Ortiz, email: maria@example.com}}
providers: {northwind: {}, cirrus: {}}
systems:
  support-bot:
    owner: maria
    channel: support-bot
    routes: {chat: {primary: northwind, standbys: [cirrus]}}
    features: {autoreply: {}}
    caps: {daily: {}}
    evals:
      good: {command: ["true"]}
      bad: {command: [sh, -c, "exit 3"]}
      slow: {command: [sleep, "60"], timeout: 1s}
      missing: {command: [no-such-program]}
      told:
        command: [sh, -c, 'test "$SUITE_TOKEN" = s3cret && test -z "$BADDAY_API_TOKEN"']
        environment: [SUITE_TOKEN]
  other: {owner: maria, channel: other, routes: {voice: {primary: cirrus}}}
"""
SECRETS = {"GITHUB_TOKEN": "ghp_secret", "SUITE_TOKEN": "s3cret", "HOOK_TOKEN": "h00k"}


def secret(name: str) -> SecretStr:
    if name not in SECRETS:
        raise ActionError(f"{name} is not set; put it into .env beside the catalog", permanent=True)
    return SecretStr(SECRETS[name])


@dataclass
class Stage:
    """What an action is run on."""

    context: ActionContext
    http: httpx.AsyncClient

    async def run(self, name: str, **arguments: Any) -> tuple[str, Reading]:
        """All of it, as the engine does; what it says it does, and what it read in the end."""
        action = packaged()[name]
        wanted = action.With.model_validate(arguments)
        action.check(self.context.catalog, self.context.system, wanted)
        before = await action.read(self.context, wanted)
        said = action.describe(wanted, before)
        await action.apply(self.context, wanted)
        return said, await action.verify(self.context, wanted)

    async def undo(self, name: str, previous: Reading, **arguments: Any) -> str:
        action = packaged()[name]
        back = action.reverse(action.With.model_validate(arguments), previous)
        assert back is not None
        action.check(self.context.catalog, self.context.system, back)
        said = action.describe(back, await action.read(self.context, back))
        await action.apply(self.context, back)
        await action.verify(self.context, back)
        return said

    def with_catalog(self, **changes: Any) -> "Stage":
        catalog = replace(self.context.catalog, **changes)
        return Stage(replace(self.context, catalog=catalog), self.http)


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return parse_catalog(DOCUMENT, str(tmp_path / "badday.yaml"))


@pytest.fixture
async def stage(db: Database, catalog: Catalog, now: datetime) -> AsyncIterator[Stage]:
    async with db.transaction() as session:
        incident = await incidents.open_incident(
            session,
            catalog,
            system="support-bot",
            cause="test",
            title="a bad day",
            severity="sev3",
            known="",
            actor="maria",
            now=now,
        )
    assert incident.id is not None
    async with client() as http:
        context = ActionContext(
            catalog=catalog,
            system=catalog.systems["support-bot"],
            actor="maria",
            incident_id=incident.id,
            clock=lambda: now,
            reading=db.reading,
            transaction=db.transaction,
            outside=Outside(http, secret),
        )
        yield Stage(context, http)
