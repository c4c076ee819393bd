"""`message.post`: say something in a channel, through the outbox, once."""

import hashlib

from pydantic import Field

from bot.actions.contract import Action, ActionContext, ActionError, Arguments, Reading
from bot.catalog.values import Channel
from bot.store import outbox
from bot.store.tables import Incident

LONGEST = 3_000


class MessageArguments(Arguments):
    text: str = Field(min_length=1, max_length=LONGEST)
    """What is said: plain text, shown as it is and mentioning nobody."""
    channel: Channel | None = None
    """Where; the incident's channel where it is left out."""


class MessagePost(Action[MessageArguments]):
    """The message's key is made of incident, channel and text, so repeating it after a crash posts nothing twice."""

    name = "message.post"
    With = MessageArguments

    async def read(self, context: ActionContext, arguments: MessageArguments) -> Reading:
        async with context.reading() as session:
            known = await outbox.get(session, _key(context.incident_id, arguments))
        return {"state": known.state if known is not None else None}

    async def apply(self, context: ActionContext, arguments: MessageArguments) -> None:
        async with context.transaction() as session:
            incident = await session.get_one(Incident, context.incident_id)
            await outbox.post(
                session,
                key=_key(context.incident_id, arguments),
                kind="posted",
                subject={"text": arguments.text, "actor": context.actor},
                channel=arguments.channel or incident.channel,
                priority=outbox.Priority.REPLY,
                now=context.clock(),
                incident_id=context.incident_id,
            )

    async def verify(self, context: ActionContext, arguments: MessageArguments) -> Reading:
        reading = await self.read(context, arguments)
        if reading["state"] is None:
            raise ActionError("the message is not in the outbox")
        return reading

    def reverse(self, arguments: MessageArguments, previous: Reading) -> None:
        return None

    def describe(self, arguments: MessageArguments, current: Reading | None) -> str:
        where = f"in {arguments.channel}" if arguments.channel else "in the incident's channel"
        said = " ".join(arguments.text.split())
        return f"Post {where}: {said if len(said) <= 200 else said[:199] + '…'}"


def _key(incident: int, arguments: MessageArguments) -> str:
    digest = hashlib.sha256(f"{arguments.channel}\0{arguments.text}".encode()).hexdigest()[:16]
    return f"incident:{incident}:posted:{digest}"
