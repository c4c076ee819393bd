"""The unmodified SDK reads and writes the workspace, and is refused as Slack refuses."""

import asyncio
from typing import Any

import httpx
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.server import Sandbox
from tests.integration.sandbox.conftest import People

SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": "x"}}


async def refusal(call: Any) -> str:
    with pytest.raises(SlackApiError) as refused:
        await call
    return str(refused.value.response["error"])


async def channel_id(web: AsyncWebClient, name: str) -> str:
    channels = (await web.conversations_list(types="public_channel"))["channels"]
    return next(str(channel["id"]) for channel in channels if channel["name"] == name)


async def test_the_default_workspace_has_its_people_and_channels_with_the_bot_in_them(web: AsyncWebClient) -> None:
    for name in ("maria", "sam", "ana"):
        assert (await web.users_lookupByEmail(email=f"{name}@example.com"))["user"]["name"] == name
    bot = (await web.auth_test())["user_id"]
    for name in ("general", "support-bot"):
        assert bot in (await web.conversations_members(channel=await channel_id(web, name)))["members"]


async def test_a_message_with_blocks_comes_back_with_ids_and_its_metadata_only_when_asked(web: AsyncWebClient) -> None:
    metadata = {"event_type": "incident", "event_payload": {"outbox": "7"}}
    posted = await web.chat_postMessage(channel="general", text="x", blocks=[SECTION], metadata=metadata)
    channel = posted["channel"]
    plain = (await web.conversations_history(channel=channel))["messages"][0]
    full = (await web.conversations_history(channel=channel, include_all_metadata=True))["messages"][0]
    assert plain["blocks"][0]["block_id"]
    assert "metadata" not in plain
    assert full["metadata"] == metadata


async def test_invalid_blocks_are_refused_with_pointers(web: AsyncWebClient) -> None:
    header = {"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}
    with pytest.raises(SlackApiError) as refused:
        await web.chat_postMessage(channel="general", text="x", blocks=[SECTION, header])
    assert refused.value.response["error"] == "invalid_blocks"
    assert refused.value.response["response_metadata"]["messages"] == [
        "[ERROR] must be less than 151 characters [json-pointer:/blocks/1/text/text]"
    ]


async def test_each_refusal_has_slack_s_word(web: AsyncWebClient, sandbox: Sandbox) -> None:
    general = await channel_id(web, "general")
    maria = (await web.users_lookupByEmail(email="maria@example.com"))["user"]["id"]
    assert await refusal(web.chat_postMessage(channel="nowhere", text="x")) == "channel_not_found"
    assert await refusal(web.chat_postMessage(channel="random", text="x")) == "not_in_channel"
    assert await refusal(web.api_call("chat.postMessage", json={"channel": "general"})) == "no_text"
    assert await refusal(web.chat_update(channel=general, ts="1.0", text="x")) == "message_not_found"
    assert await refusal(web.chat_update(channel=general, ts="1.0", text="x" * 40_001)) == "message_not_found"
    ts = (await web.chat_postMessage(channel=general, text="x"))["ts"]
    assert await refusal(web.chat_update(channel=general, ts=ts, text="x" * 40_001)) == "msg_too_long"
    big = {"event_type": "t", "event_payload": {"x": "x" * 5000}}
    assert await refusal(web.chat_postMessage(channel=general, text="x", metadata=big)) == "metadata_too_large"
    assert await refusal(web.conversations_create(name="general")) == "name_taken"
    assert await refusal(web.conversations_create(name="Loud")) == "invalid_name_specials"
    assert await refusal(web.conversations_setTopic(channel=general, topic="x" * 251)) == "too_long"
    assert await refusal(web.users_lookupByEmail(email="who@example.com")) == "users_not_found"
    assert await refusal(web.views_open(trigger_id="1.2.3", view=HOMELESS)) == "invalid_trigger_id"
    assert await refusal(web.api_call("no.such")) == "unknown_method"
    await web.reactions_add(channel=general, timestamp=ts, name="eyes")
    assert await refusal(web.reactions_add(channel=general, timestamp=ts, name="eyes")) == "already_reacted"
    assert await refusal(web.chat_postEphemeral(channel=general, user="U404", text="x")) == "user_not_in_channel"
    assert await refusal(web.chat_postMessage(channel=maria, text="x", thread_ts="1.0")) == "cannot_reply_to_message"
    stranger = AsyncWebClient(token="xoxb-other", base_url=sandbox.api_url)
    assert await refusal(stranger.auth_test()) == "invalid_auth"


HOMELESS = {"type": "modal", "title": {"type": "plain_text", "text": "T"}, "blocks": []}


async def test_arguments_are_read_from_query_form_json_and_multipart_alike(sandbox: Sandbox) -> None:
    blocks = '[{"type": "divider"}]'
    headers = {"Authorization": f"Bearer {sandbox.bot_token}"}
    given = {"channel": "general", "text": "x", "blocks": blocks}
    async with httpx.AsyncClient(base_url=sandbox.api_url, headers=headers, trust_env=False) as http:
        answers = [
            await http.post("chat.postMessage", params=given),
            await http.get("chat.postMessage", params=given),
            await http.post("chat.postMessage", data=given),
            await http.post("chat.postMessage", json=given),
            await http.post("chat.postMessage", files={name: (None, value) for name, value in given.items()}),
        ]
    assert [answer.json()["message"]["blocks"][0]["type"] for answer in answers] == ["divider"] * 5


async def test_a_second_message_within_a_second_is_rate_limited_in_its_channel_only() -> None:
    async with Sandbox() as sandbox:
        web = AsyncWebClient(token=sandbox.bot_token, base_url=sandbox.api_url)
        await web.chat_postMessage(channel="general", text="1")
        with pytest.raises(SlackApiError) as refused:
            await web.chat_postMessage(channel="general", text="2")
        assert refused.value.response.status_code == 429
        assert refused.value.response.headers["Retry-After"] == "1"
        await web.chat_postMessage(channel="support-bot", text="3")
        sandbox.clock.advance(1)
        await web.chat_postMessage(channel="general", text="4")


async def test_the_same_client_msg_id_posts_once(web: AsyncWebClient) -> None:
    first = await web.chat_postMessage(channel="general", text="x", client_msg_id="one")
    again = await web.chat_postMessage(channel="general", text="x", client_msg_id="one")
    assert first["ts"] == again["ts"]
    assert len((await web.conversations_history(channel=first["channel"]))["messages"]) == 1


async def test_a_thread_counts_its_replies_and_a_broadcast_shows_in_the_channel(web: AsyncWebClient) -> None:
    root = await web.chat_postMessage(channel="general", text="root")
    channel, ts = root["channel"], root["ts"]
    await web.chat_postMessage(channel=channel, text="quiet", thread_ts=ts)
    await web.chat_postMessage(channel=channel, text="loud", thread_ts=ts, reply_broadcast=True)
    history = (await web.conversations_history(channel=channel))["messages"]
    assert [message["text"] for message in history] == ["loud", "root"]
    assert history[1]["reply_count"] == 2
    replies = (await web.conversations_replies(channel=channel, ts=ts))["messages"]
    assert [message["text"] for message in replies] == ["root", "quiet", "loud"]
    await web.chat_delete(channel=channel, ts=ts)
    left = (await web.conversations_replies(channel=channel, ts=ts))["messages"]
    assert [message["text"] for message in left] == ["This message was deleted.", "quiet", "loud"]


async def test_history_is_paged_by_cursor_and_bounded_by_time(web: AsyncWebClient) -> None:
    posted = [(await web.chat_postMessage(channel="general", text=str(n))) for n in range(5)]
    channel = posted[0]["channel"]
    seen: list[str] = []
    cursor = ""
    while True:
        page = await web.conversations_history(channel=channel, limit=2, cursor=cursor)
        seen += [message["text"] for message in page["messages"]]
        cursor = page["response_metadata"]["next_cursor"]
        if not cursor:
            break
    assert seen == ["4", "3", "2", "1", "0"]
    between = await web.conversations_history(channel=channel, oldest=posted[1]["ts"], latest=posted[3]["ts"])
    assert [message["text"] for message in between["messages"]] == ["2"]
    one = await web.conversations_history(channel=channel, latest=posted[3]["ts"], inclusive=True, limit=1)
    assert one["messages"][0]["text"] == "3"


async def test_a_user_id_as_channel_reaches_the_direct_message(web: AsyncWebClient, people: People) -> None:
    maria = (await web.users_lookupByEmail(email="maria@example.com"))["user"]["id"]
    posted = await web.chat_postMessage(channel=maria, text="a page")
    assert posted["channel"].startswith("D")
    assert (await web.conversations_open(users=maria))["channel"]["id"] == posted["channel"]
    assert await people.texts("badday", user="maria") == ["a page"]


async def test_an_ephemeral_message_is_seen_by_one_person_and_in_no_history(
    web: AsyncWebClient, people: People
) -> None:
    maria = (await web.users_lookupByEmail(email="maria@example.com"))["user"]["id"]
    general = await channel_id(web, "general")
    await web.chat_postEphemeral(channel=general, user=maria, text="only you")
    assert (await web.conversations_history(channel=general))["messages"] == []
    seen = (await people.see("messages", channel="general", user="maria"))["messages"]
    assert [(message["text"], message["is_ephemeral"]) for message in seen] == [("only you", True)]
    assert await people.texts("general", user="sam") == []


async def test_files_go_up_by_the_external_flow_and_come_down_with_the_token(
    web: AsyncWebClient, people: People
) -> None:
    general = await channel_id(web, "general")
    uploaded = await web.files_upload_v2(channel=general, filename="a.txt", content="hello", initial_comment="see")
    address = uploaded["files"][0]["url_private"]
    async with httpx.AsyncClient(trust_env=False) as http:
        allowed = await http.get(address, headers={"Authorization": f"Bearer {people.sandbox.bot_token}"})
        stranger = await http.get(address)
    assert allowed.text == "hello"
    assert (stranger.status_code, stranger.headers["content-type"].split(";")[0]) == (200, "text/html")
    message = (await web.conversations_history(channel=general))["messages"][0]
    assert (message["text"], message["files"][0]["name"]) == ("see", "a.txt")


async def test_thousands_of_messages_are_posted_and_read_quickly(web: AsyncWebClient, sandbox: Sandbox) -> None:
    async def post(n: int) -> None:
        await web.chat_postMessage(channel="general", text=str(n))

    for start in range(0, 2000, 100):
        await asyncio.gather(*(post(n) for n in range(start, start + 100)))
    general = await channel_id(web, "general")
    page = await web.conversations_history(channel=general, limit=1000)
    assert len(page["messages"]) == 1000
    assert len(sandbox.parts.journal.of("chat.postMessage")) == 2000
