"""Members of Slack user groups: fetched now and then, kept when Slack does not tell, paged where they are known."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.catalog import Catalog
from bot.catalog.cover import Group
from bot.paging import cover, groups
from bot.paging.cover import Resolved
from bot.slack.groups import GroupKeeper
from bot.slack.identity import Identities
from bot.slack.web import SlackWeb
from tests.integration.slack.conftest import CATALOG, Place, utc_now


class Desk:
    """A keeper of the groups, and the user group that a person of the workspace looks after."""

    def __init__(self, place: Place, web: SlackWeb, slack: AsyncWebClient, group: str) -> None:
        self.place = place
        self.slack = slack
        self.group = group
        self.now = utc_now()
        self.catalog: Catalog = replace(CATALOG, groups={"all": Group("all", ("maria",), group)})
        identities = Identities(place.db, web, lambda: self.catalog, lambda: self.now)
        self.keeper = GroupKeeper(place.db, web, identities, lambda: self.catalog, lambda: self.now)

    async def put_in(self, *names: str) -> None:
        users = {user["name"]: user["id"] for user in (await self.place.get("state"))["users"]}
        await self.slack.usergroups_users_update(usergroup=self.group, users=[users[name] for name in names])

    async def resolved(self) -> Resolved:
        async with self.place.db.reading() as session:
            return await cover.resolve(session, self.catalog, "support-bot", ["group:all"], self.now)

    async def people(self) -> list[str | None]:
        return [target.person for target in (await self.resolved()).targets]

    async def members(self) -> groups.Members:
        async with self.place.db.reading() as session:
            return (await groups.members(session, self.catalog))["all"]


@pytest.fixture
async def desk(place: Place) -> AsyncIterator[Desk]:
    web = SlackWeb(place.settings())
    await web.open()
    slack = AsyncWebClient(token=place.sandbox.bot_token, base_url=place.sandbox.api_url)
    made = await slack.usergroups_create(name="everybody")
    yield Desk(place, web, slack, made["usergroup"]["id"])
    await web.close()


async def test_members_whom_the_catalog_knows_are_paged_beside_those_it_names(desk: Desk) -> None:
    await desk.put_in("sam", "maria", "ana")
    assert await desk.people() == ["maria"]
    assert await desk.keeper.fetch() == 1
    assert await desk.people() == ["maria", "sam"]
    assert [stranger.split()[0] for stranger in (await desk.members()).strangers] == ["Ana"]


async def test_a_group_is_asked_for_again_only_after_a_while(desk: Desk) -> None:
    await desk.put_in("sam")
    await desk.keeper.fetch()
    await desk.put_in("maria")
    assert await desk.keeper.fetch() == 0
    desk.now += timedelta(minutes=11)
    assert await desk.keeper.fetch() == 1
    assert await desk.people() == ["maria"]


async def test_who_was_a_member_stays_one_while_slack_does_not_tell(desk: Desk) -> None:
    await desk.put_in("sam")
    await desk.keeper.fetch()
    desk.now += timedelta(minutes=11)
    await desk.place.do("fault", kind="error", method="usergroups.users.list", error="missing_scope")
    await desk.keeper.fetch()
    assert await desk.people() == ["maria", "sam"]
    assert (await desk.members()).error == "missing_scope"
    desk.now += timedelta(minutes=11)
    await desk.keeper.fetch()
    assert (await desk.members()).error == ""


async def test_a_group_of_which_slack_tells_nothing_says_so_instead_of_being_empty(desk: Desk) -> None:
    desk.catalog = replace(desk.catalog, groups={"all": Group("all", (), desk.group)})
    await desk.place.do("fault", kind="error", method="usergroups.users.list", error="missing_scope")
    (nobody,) = (await desk.resolved()).nobody
    assert nobody.why == "Slack has not told yet who is in group all"
    await desk.keeper.fetch()
    (nobody,) = (await desk.resolved()).nobody
    assert nobody.why == "Slack has not told yet who is in group all (missing_scope)"


async def test_a_group_that_another_replica_is_asking_for_is_left_to_it(desk: Desk) -> None:
    await desk.put_in("sam")
    await desk.keeper.fetch()
    desk.now += timedelta(minutes=11)
    web = SlackWeb(desk.place.settings())
    await web.open()
    identities = Identities(desk.place.db, web, lambda: desk.catalog, lambda: desk.now)
    other = GroupKeeper(desk.place.db, web, identities, lambda: desk.catalog, lambda: desk.now)
    assert sorted([await desk.keeper.fetch(), await other.fetch()]) == [0, 1]
    await web.close()


async def test_somebody_whom_two_senders_meet_at_once_is_remembered_once(desk: Desk) -> None:
    web = SlackWeb(desk.place.settings())
    await web.open()
    both = [Identities(desk.place.db, web, lambda: desk.catalog, lambda: desk.now) for _ in range(2)]
    channels = await asyncio.gather(*(one.direct_channel("sam") for one in both for _ in range(4)))
    assert len(set(channels)) == 1
    await web.close()
