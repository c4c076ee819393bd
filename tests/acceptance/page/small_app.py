"""A Slack app as small as the page's tests need: it posts what it is told, and remembers each gesture."""

import re
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

Json = dict[str, Any]


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> Json:
    return {"type": "mrkdwn", "text": text}


def button(text: str, action_id: str, **more: Any) -> Json:
    return {"type": "button", "text": plain(text), "action_id": action_id, "value": "inc:1:v1", **more}


def input_block(block_id: str, label: str, element: Json, **more: Any) -> Json:
    return {
        "type": "input",
        "block_id": block_id,
        "label": plain(label),
        "element": {**element, "action_id": block_id},
        **more,
    }


CONFIRM: Json = {
    "title": plain("Switch provider?"),
    "text": mrkdwn("`route.chat` goes from *openai* to *anthropic*."),
    "confirm": plain("Switch"),
    "deny": plain("Not yet"),
}
FEATURES: list[Json] = [
    {"text": plain("Auto-reply"), "value": "autoreply"},
    {"text": plain("Summary"), "value": "summary"},
]
MODAL: Json = {
    "type": "modal",
    "callback_id": "report",
    "title": plain("Report a bad output"),
    "submit": plain("File it"),
    "blocks": [
        input_block("wrong", "What is wrong?", {"type": "plain_text_input", "multiline": True}),
        input_block("feature", "Which feature?", {"type": "static_select", "options": FEATURES}),
        input_block("mail", "Customer e-mail", {"type": "email_text_input"}, optional=True),
        input_block("shots", "Screenshots", {"type": "file_input", "filetypes": ["png"]}, optional=True),
    ],
}
SECOND: Json = {
    "type": "modal",
    "callback_id": "second",
    "title": plain("One more thing"),
    "submit": plain("Done"),
    "blocks": [input_block("more", "What else?", {"type": "plain_text_input"}, optional=True)],
}
HOME: Json = {
    "type": "home",
    "blocks": [
        {"type": "header", "text": plain("Open incidents")},
        {"type": "section", "text": mrkdwn("*OpenAI is down*"), "accessory": button("Open", "open_one")},
        {
            "type": "data_visualization",
            "title": "Calls by provider",
            "chart": {"type": "pie", "segments": [{"label": "openai", "value": 3}, {"label": "anthropic", "value": 1}]},
        },
        {
            "type": "data_table",
            "caption": "Features",
            "page_size": 2,
            "rows": [
                [{"type": "raw_text", "text": "Feature"}, {"type": "raw_text", "text": "Spend"}],
                [{"type": "raw_text", "text": "search"}, {"type": "raw_number", "value": 2, "text": "$2"}],
                [{"type": "raw_text", "text": "summary"}, {"type": "raw_number", "value": 30, "text": "$30"}],
                [{"type": "raw_text", "text": "support"}, {"type": "raw_number", "value": 1, "text": "$1"}],
            ],
        },
    ],
}


class SmallApp:
    """`reached` holds the payload of every command, click, shortcut and submission, oldest first."""

    def __init__(self, client: AsyncWebClient) -> None:
        self.client = client
        self.reached: list[Json] = []
        self.bolt = AsyncApp(client=client)
        self.bolt.command("/badday")(self._badday)
        self.bolt.command("/triage")(self._triage)
        self.bolt.shortcut(re.compile(".*"))(self._shortcut)
        self.bolt.view("report")(self._report)
        self.bolt.view("second")(self._remember)
        self.bolt.action(re.compile(".*"))(self._remember)
        self.bolt.event("app_home_opened")(self._home)
        self.bolt.event(re.compile(".*"))(self._ignore)

    async def post(self, channel: str, text: str, **more: Any) -> str:
        answer = await self.client.chat_postMessage(channel=channel, text=text, **more)
        return str(answer["ts"])

    async def _badday(self, ack: AsyncAck, body: Json) -> None:
        self.reached.append(body)
        await ack(f"All quiet. You asked: {body['text']}")

    async def _triage(self, ack: AsyncAck, body: Json) -> None:
        await ack()
        await self.client.views_open(trigger_id=body["trigger_id"], view=MODAL)

    async def _shortcut(self, ack: AsyncAck, body: Json) -> None:
        self.reached.append(body)
        await ack()
        await self.client.views_open(trigger_id=body["trigger_id"], view=MODAL)

    async def _report(self, ack: AsyncAck, body: Json) -> None:
        self.reached.append(body)
        said = body["view"]["state"]["values"]["wrong"]["wrong"]["value"]
        if "refund" not in said:
            await ack(response_action="errors", errors={"wrong": "Say which promise was wrong."})
        elif "more" in said:
            await ack(response_action="push", view=SECOND)
        else:
            await ack()

    async def _remember(self, ack: AsyncAck, body: Json) -> None:
        self.reached.append(body)
        await ack()

    async def _home(self, event: Json) -> None:
        await self.client.views_publish(user_id=event["user"], view=HOME)

    async def _ignore(self) -> None:
        """Everything else is acknowledged and needs nothing."""
