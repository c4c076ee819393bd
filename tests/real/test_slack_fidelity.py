"""The local workspace against recordings of the real one: no key and no error code of its own."""

import asyncio
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.server import Sandbox
from bot.sandbox.web_api.call import METHODS, Call, RateLimitedError, RefusedError

pytestmark = pytest.mark.real
Json = dict[str, Any]

# Keys that real payloads have and the recordings, which are older or thinner, lack.
NEWER = {
    "context_team_id",
    "context_enterprise_id",
    "response_urls",
    "username",
    "channels",
    "groups",
    "ims",
    "file_access",
    "req_method",
}
NEWER_PATHS = {
    "state",  # block_actions of messages
    "user.username",
    "message.is_locked",
    "container.type",
    "event.files",
    "event.user",
}
OPAQUE = {"blocks", "attachments", "values", "event_payload", "users", "actions", "rich_text"}
# Answers of the real API that its reference lists for few methods or none.
EVERYWHERE = {"invalid_auth", "invalid_arguments", "missing_scope"}
METHODS_WITHOUT_RECORD = {"blocks.validate", "dnd.teamInfo", "usergroups.users.list"}


def paths(value: Any, prefix: str = "") -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from paths(item, prefix)
    elif isinstance(value, dict):
        for name, inner in value.items():
            here = f"{prefix}.{name}" if prefix else name
            if name not in OPAQUE:
                yield here
                yield from paths(inner, here)


def strangers(ours: Json, *recorded: Json) -> list[str]:
    """The paths of ours that no recording has. The root that a broadcast quotes is a message like the one around it."""
    known = {path for sample in recorded for path in paths(sample)}
    known |= {path.replace(".root.", ".") for path in known}
    mine = {path for path in paths(ours) if path.rpartition(".")[2] not in NEWER} - NEWER_PATHS
    return sorted(path for path in mine if path.replace(".root.", ".") not in known)


def load(path: Path) -> Json:
    found: Json = json.loads(path.read_text())
    return found


class Listener:
    """An app that hears everything, acknowledges it and answers modals as told."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.heard: list[tuple[str, Json]] = []
        self.answers: dict[str, Json] = {}
        web = AsyncWebClient(token=sandbox.app_token, base_url=sandbox.api_url)
        self.client = SocketModeClient(app_token=sandbox.app_token, web_client=web)
        self.client.socket_mode_request_listeners.append(self._hear)

    async def _hear(self, client: Any, request: SocketModeRequest) -> None:
        self.heard.append((request.type, request.payload))
        answer = self.answers.pop(request.payload.get("type", ""), None)
        await client.send_socket_mode_response(SocketModeResponse(request.envelope_id, payload=answer))

    def events(self, kind: str, subtype: str | None = None) -> list[Json]:
        found = [payload for sort, payload in self.heard if sort == "events_api"]
        return [p for p in found if p["event"]["type"] == kind and p["event"].get("subtype") == subtype]

    def interactions(self, kind: str) -> list[Json]:
        return [payload for sort, payload in self.heard if sort == "interactive" and payload["type"] == kind]

    async def until(self, kind: str) -> Json:
        for _ in range(200):
            found = self.interactions(kind)
            if found:
                return found[-1]
            await asyncio.sleep(0.01)
        raise AssertionError(f"no {kind} came")


MODAL: Json = {
    "type": "modal",
    "callback_id": "m",
    "notify_on_close": True,
    "title": {"type": "plain_text", "text": "T"},
    "submit": {"type": "plain_text", "text": "Go"},
    "close": {"type": "plain_text", "text": "No"},
    "blocks": [
        {
            "type": "input",
            "block_id": "b",
            "label": {"type": "plain_text", "text": "L"},
            "element": {"type": "plain_text_input", "action_id": "a"},
        }
    ],
}
BLOCKS: list[Json] = [
    {"type": "section", "text": {"type": "mrkdwn", "text": "x"}},
    {
        "type": "actions",
        "elements": [{"type": "button", "text": {"type": "plain_text", "text": "Go"}, "action_id": "go", "value": "1"}],
    },
]


async def live_a_day(sandbox: Sandbox, listener: Listener, web: AsyncWebClient) -> None:
    """Everything that an app and people do, once."""
    await listener.client.connect()
    maria, sam = (sandbox.workspace.user_named(name) for name in ("maria", "sam"))
    assert maria is not None
    assert sam is not None
    channels = {c["name"]: c["id"] for c in (await web.conversations_list())["channels"]}
    desk = channels["support-bot"]
    async with httpx.AsyncClient(base_url=sandbox.control_url, trust_env=False) as people:

        async def act(name: str, /, **body: Any) -> Json:
            answer: Json = (await people.post(f"/{name}", json=body)).json()
            assert answer["ok"], answer
            return answer

        await web.auth_test()
        await web.team_info()
        await web.bots_info(bot=(await web.auth_test())["bot_id"])
        await web.conversations_info(channel=desk, include_num_members=True)
        await web.conversations_members(channel=desk)
        await web.users_info(user=maria.id)
        await web.users_list()
        await web.users_lookupByEmail(email="maria@example.com")
        await web.users_getPresence(user=maria.id)
        await web.users_conversations()
        await web.dnd_info(user=maria.id)
        direct = (await web.conversations_open(users=maria.id, return_im=True))["channel"]["id"]
        await web.chat_postMessage(channel=maria.id, text="in private")
        asked = await act("message", user="maria", channel="support-bot", text="hi @badday, see https://e.org & <b>")
        await act("message", user="maria", channel="badday", text="psst")
        root = await web.chat_postMessage(
            channel=desk,
            text="x",
            blocks=BLOCKS,
            metadata={"event_type": "t", "event_payload": {"id": 1}},
            attachments=[{"color": "#a30200", "text": "bar"}],
        )
        ts = root["ts"]
        await web.chat_postMessage(channel=desk, text="reply", thread_ts=ts)
        await web.chat_postMessage(channel=desk, text="to all", thread_ts=ts, reply_broadcast=True)
        await web.chat_update(channel=desk, ts=ts, text="y", blocks=BLOCKS)
        await web.chat_getPermalink(channel=desk, message_ts=ts)
        await web.chat_postEphemeral(channel=desk, user=maria.id, text="only you")
        later = await web.chat_scheduleMessage(channel=desk, text="later", post_at=sandbox.workspace.seconds() + 600)
        await web.chat_scheduledMessages_list()
        await web.chat_deleteScheduledMessage(channel=desk, scheduled_message_id=later["scheduled_message_id"])
        await web.reactions_add(channel=desk, timestamp=asked["ts"], name="eyes")
        await web.reactions_get(channel=desk, timestamp=asked["ts"])
        await web.reactions_remove(channel=desk, timestamp=asked["ts"], name="eyes")
        await act("react", user="sam", channel="support-bot", ts=ts, name="+1")
        await act("react", user="sam", channel="support-bot", ts=ts, name="+1", remove=True)
        await web.pins_add(channel=desk, timestamp=ts)
        await web.pins_list(channel=desk)
        await web.conversations_history(channel=desk, include_all_metadata=True)
        await web.conversations_replies(channel=desk, ts=ts)
        await web.pins_remove(channel=desk, timestamp=ts)
        mark = await web.bookmarks_add(channel_id=desk, title="Page", type="link", link="https://e.org")
        await web.bookmarks_edit(channel_id=desk, bookmark_id=mark["bookmark"]["id"], title="P")
        await web.bookmarks_list(channel_id=desk)
        await web.conversations_setTopic(channel=desk, topic="t")
        await web.conversations_setPurpose(channel=desk, purpose="p")
        made = (await web.conversations_create(name="inc-1"))["channel"]["id"]
        await web.conversations_invite(channel=made, users=[maria.id])
        await act("join", user="sam", channel="inc-1")
        await web.conversations_kick(channel=made, user=sam.id)
        await web.conversations_rename(channel=made, name="inc-2")
        await web.conversations_join(channel=channels["random"])
        await web.conversations_archive(channel=made)
        group = (await web.usergroups_create(name="On call"))["usergroup"]["id"]
        await web.usergroups_users_update(usergroup=group, users=[maria.id])
        await web.usergroups_update(usergroup=group, name="On duty")
        await web.usergroups_list(include_users=True)
        await web.usergroups_users_list(usergroup=group)
        file = (await web.files_upload_v2(channel=desk, content="hello", filename="a.txt"))["files"][0]
        await web.files_info(file=file["id"])
        await act(
            "upload",
            user="maria",
            channel="support-bot",
            text="see",
            files=[{"name": "b.png", "content_base64": "AA=="}],
        )
        canvas = (await web.canvases_create(title="c", document_content={"type": "markdown", "markdown": "x"}))[
            "canvas_id"
        ]
        await web.canvases_edit(canvas_id=canvas, changes=[{"operation": "insert_at_end", "document_content": {}}])
        await web.views_publish(user_id=maria.id, view={"type": "home", "blocks": BLOCKS})
        await act("home", user="maria")
        await act("click", user="maria", view="home", action_id="go")
        await act("click", user="maria", channel="support-bot", ts=ts, action_id="go")
        await act("shortcut", user="maria", callback_id="report_output", channel="support-bot", ts=ts)
        opened = await web.views_open(trigger_id=(await listener.until("message_action"))["trigger_id"], view=MODAL)
        await web.views_update(view_id=opened["view"]["id"], view=MODAL, hash=opened["view"]["hash"])
        await act("submit", user="maria", values={"a": "typed"})
        await act("shortcut", user="maria", callback_id="open_incident")
        await web.views_open(trigger_id=(await listener.until("shortcut"))["trigger_id"], view=MODAL)
        await act("close", user="maria")
        await act("command", user="maria", channel="support-bot", command="/badday", text="status")
        await web.chat_delete(channel=desk, ts=ts)
        assert direct
        await act("settle")


SAMPLES = [
    ("message", None, "MessagePayload"),
    ("message", "message_changed", "MessageChangedPayload"),
    ("message", "message_deleted", "MessageDeletedPayload"),
    ("message", "thread_broadcast", "MessageThreadBroadcastPayload"),
    ("message", "file_share", "MessageFileSharePayload"),
    ("message", "channel_join", "MessageChannelJoinPayload"),
    ("message", "channel_topic", "MessageChannelTopicPayload"),
    ("message", "channel_name", "MessageChannelNamePayload"),
    ("app_mention", None, "AppMentionPayload"),
    ("app_home_opened", None, "AppHomeOpenedPayload"),
    ("reaction_added", None, "ReactionAddedPayload"),
    ("reaction_removed", None, "ReactionRemovedPayload"),
    ("file_shared", None, "FileSharedPayload"),
    ("member_joined_channel", None, "MemberJoinedChannelPayload"),
    ("member_left_channel", None, "MemberLeftChannelPayload"),
    ("channel_created", None, "ChannelCreatedPayload"),
    ("channel_archive", None, "ChannelArchivePayload"),
]
# A broadcast and a shared file are messages too: what the plain message has, these may have.
LIKE = {"MessageThreadBroadcastPayload": ("MessagePayload",), "MessageFileSharePayload": ("MessagePayload",)}
INTERACTIONS = {
    "block_actions": "BlockActionPayload",
    "message_action": "MessageShortcutPayload",
    "view_submission": "ViewSubmissionPayload",
    "view_closed": "ViewClosedPayload",
}


def alike(method: str, history: Json) -> Iterator[Json]:
    """Recordings that show more of the same objects: the messages of conversations.history."""
    message = {name: value for one in history["messages"] for name, value in one.items()}
    if method == "conversations.replies":
        yield {"messages": [{**message, "subtype": ""}]}
    elif method == "pins.list":
        yield {"items": [{"channel": "C", "message": message}]}
    elif method in ("reactions.get", "chat.postMessage"):
        yield {"message": message}


async def test_no_payload_has_a_key_that_the_recordings_lack(slack_payloads: Path) -> None:
    async with Sandbox(rate_limit=False) as sandbox:
        listener = Listener(sandbox)
        web = AsyncWebClient(token=sandbox.bot_token, base_url=sandbox.api_url)
        try:
            await live_a_day(sandbox, listener, web)
        finally:
            await listener.client.close()
        found: list[str] = []
        for kind, subtype, sample in SAMPLES:
            names = (sample, *LIKE.get(sample, ()))
            samples = [load(slack_payloads / "events" / f"{name}.json") for name in names]
            emitted = listener.events(kind, subtype)
            if not emitted:
                found.append(f"{kind}/{subtype}: never emitted")
            for payload in emitted:
                found += [f"{sample}: {path}" for path in strangers(payload, *samples)]
        for kind, sample in INTERACTIONS.items():
            recorded = load(slack_payloads / "interactions" / f"{sample}.json")
            assert listener.interactions(kind), kind
            for payload in listener.interactions(kind):
                found += [f"{sample}: {path}" for path in strangers(payload, recorded)]
        commands = [payload for sort, payload in listener.heard if sort == "slash_commands"]
        recorded = load(slack_payloads / "interactions" / "SlashCommandPayload.json")
        found += [f"command: {path}" for payload in commands for path in strangers(payload, recorded)]
        history = load(slack_payloads / "api" / "conversations.history.json")
        answered: set[str] = set()
        for entry in sandbox.parts.journal.entries:
            sample_file = slack_payloads / "api" / f"{entry.method}.json"
            answer = entry.response
            if answer and answer["ok"] and sample_file.exists():
                answered.add(entry.method)
                samples = [load(sample_file), *alike(entry.method, history)]
                found += [f"{entry.method}: {path}" for path in strangers(answer, *samples)]
        assert "\n".join(sorted(set(found))) == ""
        unplayed = {path.stem for path in (slack_payloads / "api").glob("*.json")} & set(METHODS) - answered
        assert unplayed <= {"chat.unfurl", "views.push", "dnd.teamInfo"}


def _sweep(sandbox: Sandbox, name: str) -> Iterator[str]:
    """The error codes that a method gives for many wrong calls."""
    workspace = sandbox.workspace
    maria = workspace.user_named("maria")
    assert maria is not None
    bot = sandbox.parts.app.user_id
    desk = workspace.channel_named("support-bot")
    random = workspace.channel_named("random")
    assert desk is not None
    assert random is not None
    old = workspace.channel_named("old") or workspace.add_channel("old", maria.id, [maria.id, bot])
    old.is_archived = True
    direct = workspace.direct(maria.id, bot)
    private = workspace.channel_named("hidden") or workspace.add_channel("hidden", maria.id, [maria.id], private=True)
    posted = METHODS["chat.postMessage"].handler(
        Call(sandbox.parts, "chat.postMessage", {"channel": desk.id, "text": "x"})
    )
    wrong: dict[str, list[Any]] = {
        "channel": [None, "C404", desk.id, random.id, old.id, direct.id, private.id, maria.id],
        "channel_id": [None, "C404", desk.id, random.id],
        "ts": [None, "1.0", posted["ts"]],
        "timestamp": [None, "1.0", posted["ts"]],
        "user": [None, "U404", maria.id, bot],
        "users": [None, "U404", maria.id, bot, [maria.id, bot]],
        "text": [None, "x", "x" * 40_001],
        "blocks": [
            None,
            "{",
            [{"type": "nothing"}],
            [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 2999}}] * 5,
        ],
        "attachments": [None, "{", 7, [{}] * 101],
        "metadata": [None, "{", {"event_type": 1}, {"event_type": "t", "event_payload": {"x": "x" * 5000}}],
        "thread_ts": [None, "1.0"],
        "name": [None, "UPPER", "x" * 81, "general", "--", "fine-name"],
        "view": [None, {"type": "modal"}, {"type": "home", "blocks": []}, MODAL],
        "trigger_id": [None, "unknown"],
        "view_id": [None, "V404"],
        "user_id": [None, "U404", maria.id],
        "files": [None, [{"id": "F404"}]],
        "file": [None, "F404"],
        "post_at": [None, 1, 99_999_999_999],
        "cursor": [None, "nonsense"],
        "types": [None, "nonsense"],
        "oldest": [None, "yesterday"],
        "latest": [None, "tomorrow"],
        "topic": [None, "x" * 251],
        "purpose": [None, "x" * 251],
        "usergroup": [None, "S404"],
        "bookmark_id": [None, "Bk404"],
        "link": [None, "javascript:x"],
        "type": [None, "link", "nonsense"],
        "title": [None, "t"],
        "bot": [None, "B404"],
        "team": [None, "T404"],
        "length": [None, 1, 10**12],
        "filename": [None, "a.txt"],
        "email": [None, "nobody@example.com"],
        "scheduled_message_id": [None, "Q404"],
        "client_msg_id": [None, "one", "two"],
        "canvas_id": [None, "F404"],
        "changes": [None, []],
        "unfurls": [None, "{"],
        "message_ts": [None, "1.0"],
        "markdown_text": [None, "**x**"],
    }
    for first, second in itertools.combinations(wrong, 2):
        for one, other in itertools.product(wrong[first], wrong[second]):
            for base in ({}, {"channel": desk.id, "channel_id": desk.id, "ts": posted["ts"], "text": "x"}):
                given = {**base, first: one, second: other}
                try:
                    METHODS[name].handler(Call(sandbox.parts, name, {k: v for k, v in given.items() if v is not None}))
                except RefusedError as refused:
                    yield refused.code
                except RateLimitedError:
                    yield "ratelimited"


@pytest.mark.parametrize("name", sorted(set(METHODS) - METHODS_WITHOUT_RECORD))
async def test_every_error_code_is_documented_for_its_method(slack_payloads: Path, name: str) -> None:
    documented = set(load(slack_payloads / "methods" / f"{name}.json")["errors"]) | EVERYWHERE
    async with Sandbox(rate_limit=False) as sandbox:
        given = set(_sweep(sandbox, name))
    assert given <= documented, sorted(given - documented)


async def test_the_codes_that_come_before_a_method_are_the_real_ones(slack_payloads: Path) -> None:
    documented = set(load(slack_payloads / "methods" / "chat.postMessage.json")["errors"]) | EVERYWHERE
    async with Sandbox() as sandbox:
        codes = set()
        for token in (sandbox.app_token, "xoxb-wrong", ""):
            web = AsyncWebClient(token=token, base_url=sandbox.api_url)
            with pytest.raises(SlackApiError) as refused:
                await web.chat_postMessage(channel="general", text="x")
            codes.add(refused.value.response["error"])
    assert codes == {"not_allowed_token_type", "invalid_auth", "not_authed"}
    assert codes <= documented
