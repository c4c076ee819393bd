"""A scripted person at the local workspace: reads and clicks through the control API, as the page does."""

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx

Json = dict[str, Any]
LOOK_EVERY = 0.1


class ClickRefusedError(Exception):
    """The workspace or the bot did not take a click; the message says what came back."""


class Person:
    """Somebody of the workspace, by handle."""

    def __init__(self, user: str, control_url: str, http: httpx.AsyncClient) -> None:
        self._user = user
        self._control = control_url
        self._http = http

    async def messages(self, channel: str, thread_ts: str | None = None) -> list[Json]:
        """What stands in a channel, in a direct message (the other's handle) or in a thread, oldest first."""
        params = {"user": self._user, "channel": channel} | ({"thread_ts": thread_ts} if thread_ts else {})
        answer = await self._http.get(f"{self._control}/messages", params=params)
        return list(answer.raise_for_status().json()["messages"])

    async def sees(self, channel: str, *words: str, thread_ts: str | None = None, ts: str | None = None) -> Json:
        """Wait for a message (any, or that of `ts`) that holds all the words, in any case; gives the newest such."""
        while True:
            for message in reversed(await self.messages(channel, thread_ts)):
                text = readable(message).lower()
                if ts in (None, message["ts"]) and all(word.lower() in text for word in words):
                    return message
            await asyncio.sleep(LOOK_EVERY)

    async def finds(self, channel: str, action: str, *words: str, thread_ts: str | None = None) -> tuple[Json, Json]:
        """Wait for a message that holds the words and has a button of this action; gives the message and the button."""
        while True:
            for message in reversed(await self.messages(channel, thread_ts)):
                text = readable(message).lower()
                button = next((button for button in buttons(message) if button["action_id"] == action), None)
                if button is not None and all(word.lower() in text for word in words):
                    return message, button
            await asyncio.sleep(LOOK_EVERY)

    async def types(self, channel: str, text: str) -> None:
        """Send what stands in the composer: a slash command, whose answer is then a message that only they see."""
        answer = await self._http.post(
            f"{self._control}/command", json={"user": self._user, "channel": channel, "text": text}
        )
        answer.raise_for_status()

    async def clicks(self, channel: str, message: Json, button: Json) -> None:
        """Click a button, saying yes where it asks for confirmation. Raises ClickRefusedError."""
        click = {
            "user": self._user,
            "channel": channel,
            "ts": message["ts"],
            "action_id": button["action_id"],
            "block_id": button["block_id"],
            "value": button.get("value"),
        }
        answer = (await self._http.post(f"{self._control}/click", json=click)).json()
        if not answer.get("acknowledged"):
            why = answer.get("error", answer)
            raise ClickRefusedError(f"the click on {button['action_id']} was not acknowledged: {why}")


def buttons(message: Json) -> Iterator[Json]:
    """The buttons of a message and of what is attached to it, each with the id of its block."""
    for block in message.get("blocks", ()):
        elements = [*block.get("elements", ()), *([block["accessory"]] if "accessory" in block else ())]
        for element in elements:
            if element.get("type") == "button":
                yield {**element, "block_id": block["block_id"]}
    for attachment in message.get("attachments", ()):
        yield from buttons(attachment)


def readable(value: Any) -> str:
    """Every text of a message, one after another."""
    if isinstance(value, dict):
        return "\n".join(readable(item) for key, item in value.items() if key not in ("ts", "block_id", "action_id"))
    if isinstance(value, list):
        return "\n".join(readable(item) for item in value)
    return value if isinstance(value, str) else ""
