"""What the doctor looks at in Slack: tokens, scopes, commands, channels, people."""

from collections.abc import AsyncIterator, Iterable, Mapping
from types import MappingProxyType

import aiohttp
from pydantic import SecretStr
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.catalog import Catalog
from bot.doctor.check import Check, Status
from bot.settings import Settings
from bot.slack.manifest import load_manifest

APP_SETTINGS = "https://api.slack.com/apps"
NO_ANSWER = (aiohttp.ClientError, TimeoutError, OSError)
CHANNELS_A_PAGE = 1000


FOR: Mapping[str, str] = MappingProxyType(
    {
        "files:read": "pictures of an incident's thread are kept",
        "files:write": "postmortems are put into the thread",
        "reactions:read": "messages are kept in the timeline by :memo: and :pushpin:",
    }
)
"""What does not work without a scope that came with a later version."""
WITHOUT: Mapping[str, str] = MappingProxyType(
    {
        "dnd:read": "nobody is known to be in Do Not Disturb, and a page waits for them as for anybody",
        "usergroups:read": "members of Slack user groups are not known, and `groups` have only the people they name",
    }
)
"""What becomes of an optional scope's work."""


async def checks(settings: Settings, catalog: Catalog | None) -> AsyncIterator[Check]:
    """Everything about Slack; the rest is skipped where a token is missing or refused."""
    if settings.slack_bot_token is None:
        yield Check(
            "slack-bot-token",
            Status.FAIL,
            "SLACK_BOT_TOKEN is missing",
            f"create the app from slack-manifest.yaml at {APP_SETTINGS}, install it, copy the Bot User OAuth Token",
        )
        return
    client = _client(settings, settings.slack_bot_token)
    try:
        identity = await client.auth_test()
    except SlackApiError as error:
        yield Check(
            "slack-bot-token",
            Status.FAIL,
            f"Slack refuses the token: {error.response['error']}",
            "install the app again and copy the Bot User OAuth Token into SLACK_BOT_TOKEN",
        )
        return
    except NO_ANSWER as error:
        yield Check(
            "slack-bot-token",
            Status.FAIL,
            f"{settings.slack_api_url} does not answer ({type(error).__name__})",
            "check the way out to Slack (proxy, firewall), or SLACK_API_URL",
        )
        return
    yield Check("slack-bot-token", Status.OK, f"{identity['user']} in {identity['team']}")
    yield _scopes(identity)
    yield await _transport(settings)
    if catalog is not None:
        async for check in _channels(client, catalog):
            yield check
        async for check in _people(client, catalog):
            yield check


def _client(settings: Settings, token: SecretStr) -> AsyncWebClient:
    return AsyncWebClient(token=token.get_secret_value(), base_url=settings.slack_api_url, timeout=10)


def _scopes(identity: AsyncSlackResponse) -> Check:
    """Manifest drift: Slack names the scopes that the installed app really has with every answer."""
    told = next((value for name, value in identity.headers.items() if name.lower() == "x-oauth-scopes"), None)
    if told is None:
        return Check("slack-scopes", Status.WARN, "Slack did not name the granted scopes", "look at them in the app")
    granted = {scope.strip() for scope in told.split(",")}
    missing = sorted(set(load_manifest()["oauth_config"]["scopes"]["bot"]) - granted)
    if missing:
        lost = [f"{scope} ({FOR[scope]})" if scope in FOR else scope for scope in missing]
        return Check(
            "slack-scopes",
            Status.FAIL,
            f"the installed app lacks: {', '.join(lost)}",
            f"paste slack-manifest.yaml into App Manifest at {APP_SETTINGS} and install the app again",
        )
    optional = sorted(set(load_manifest()["oauth_config"]["scopes"].get("bot_optional", ())) - granted)
    if optional:
        return Check(
            "slack-scopes",
            Status.WARN,
            f"the installed app lacks optional scopes: {', '.join(optional)}",
            f"{'; '.join(f'without {scope} {WITHOUT[scope]}' for scope in optional if scope in WITHOUT)}; "
            f"paste slack-manifest.yaml into App Manifest at {APP_SETTINGS} and install the app again",
        )
    return Check("slack-scopes", Status.OK, "all scopes of slack-manifest.yaml are granted")


async def _transport(settings: Settings) -> Check:
    if settings.slack_app_token is not None:
        try:
            await _client(settings, settings.slack_app_token).apps_connections_open(
                app_token=settings.slack_app_token.get_secret_value()
            )
        except SlackApiError as error:
            return Check(
                "slack-app-token",
                Status.FAIL,
                f"Socket Mode cannot be opened: {error.response['error']}",
                "make an app-level token with connections:write, and turn Socket Mode on",
            )
        except NO_ANSWER as error:
            return Check("slack-app-token", Status.FAIL, f"no answer ({type(error).__name__})", "try again")
        return Check("slack-app-token", Status.OK, "Socket Mode can be opened")
    if settings.slack_signing_secret is not None:
        return Check("slack-signing-secret", Status.OK, f"events are expected at {settings.public_url}/slack/events")
    return Check(
        "slack-app-token",
        Status.FAIL,
        "neither SLACK_APP_TOKEN (Socket Mode) nor SLACK_SIGNING_SECRET (signed HTTP) is set",
        "make an app-level token with connections:write in Basic Information and copy it into SLACK_APP_TOKEN",
    )


async def _channels(client: AsyncWebClient, catalog: Catalog) -> AsyncIterator[Check]:
    known = await _all_channels(client)
    for name in _unique(system.channel for system in catalog.systems.values()):
        channel = known.get(name.removeprefix("#"))
        if channel is None:
            yield Check(
                f"channel {name}",
                Status.FAIL,
                "there is no such channel, or it is private and the bot is not in it",
                f"create it, or invite the bot there: /invite @badday in #{name.removeprefix('#')}",
            )
        elif not channel.get("is_member"):
            yield Check(
                f"channel {name}",
                Status.FAIL,
                "the bot is not a member",
                f"invite it: /invite @badday in #{channel['name']}",
            )
        else:
            yield Check(f"channel {name}", Status.OK, "the bot is a member")


async def _all_channels(client: AsyncWebClient) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = {}
    try:
        async for page in await client.conversations_list(exclude_archived=True, limit=CHANNELS_A_PAGE):
            for channel in page["channels"]:
                found[channel["name"]] = found[channel["id"]] = channel
    except (SlackApiError, *NO_ANSWER):
        return found  # each channel is then told as not found, with what to do
    return found


async def _people(client: AsyncWebClient, catalog: Catalog) -> AsyncIterator[Check]:
    for person in catalog.people.values():
        try:
            if person.slack:
                await client.users_info(user=person.slack)
            else:
                await client.users_lookupByEmail(email=person.email)
        except SlackApiError as error:
            yield Check(
                f"person {person.key}",
                Status.FAIL,
                f"Slack does not know {person.slack or person.email}: {error.response['error']}",
                f"correct people.{person.key}.email, or set people.{person.key}.slack to the member id",
            )
        except NO_ANSWER as error:
            yield Check(f"person {person.key}", Status.FAIL, f"no answer ({type(error).__name__})", "try again")
        else:
            yield Check(f"person {person.key}", Status.OK, f"{person.name} can be paged by direct message")


def _unique(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))
