"""Messages that are files: uploaded, then shared in a thread, once.

1. each file gets an address and an id of Slack's and is uploaded; nobody sees it yet, so that may be repeated
2. the ids are written down with the message
3. the files are shared with one request; if its answer gets lost, Slack is asked whether the first id is shared
   before anything is shared again
"""

from collections.abc import Sequence
from typing import Any

from bot.incidents.postmortem import Document
from bot.slack.blocks import Mrkdwn
from bot.slack.readback import Found
from bot.slack.web import Answer, SlackWeb, Verdict, ask
from bot.store import leases
from bot.store.database import Database
from bot.store.tables import OutboxMessage

IDS = "files"
"""Where the ids stand in the message's subject."""


class Uploading:
    def __init__(self, db: Database, web: SlackWeb) -> None:
        self._db = db
        self._web = web

    async def post(
        self,
        message: OutboxMessage,
        documents: Sequence[Document],
        comment: Mrkdwn,
        *,
        channel: str,
        thread_ts: str | None,
    ) -> Answer:
        """Upload and share; the answer of the last request, with `channel` and `ts` where it is done."""
        ids = list(message.subject.get(IDS) or ())
        if not ids:
            uploaded = await self._upload(documents)
            if isinstance(uploaded, Answer):
                return uploaded
            ids = uploaded
            if not await self._remember(message, ids):
                return Answer(Verdict.LATER, "taken_over", "another worker has the message")
        files = [{"id": file_id, "title": one.name} for file_id, one in zip(ids, documents, strict=True)]
        answer = await ask(
            self._web.once.files_completeUploadExternal(
                files=files, channel_id=channel, thread_ts=thread_ts, initial_comment=comment.source
            )
        )
        if answer.verdict is not Verdict.DONE:
            return answer
        told = (answer.data.get("files") or [{}])[0]
        return Answer(Verdict.DONE, data={"channel": channel, "ts": _shared_at(told, channel) or ids[0]})

    async def find(self, message: OutboxMessage, channel: str) -> Found | Answer | None:
        """Whether the files are in the channel already; as bot.slack.readback.find."""
        ids = list(message.subject.get(IDS) or ())
        if not ids:
            return None
        answer = await ask(self._web.again.files_info(file=ids[0]))
        if answer.verdict is Verdict.REFUSED and answer.error == "file_not_found":
            return None
        if answer.verdict is not Verdict.DONE:
            return answer
        file = answer.data.get("file") or {}
        where = [*(file.get("channels") or ()), *(file.get("groups") or ()), *(file.get("ims") or ())]
        ts = _shared_at(file, channel)
        return Found(channel, ts or ids[0], message.revision) if ts or channel in where else None

    async def _upload(self, documents: Sequence[Document]) -> list[str] | Answer:
        ids = []
        for one in documents:
            given = await ask(self._web.again.files_getUploadURLExternal(filename=one.name, length=len(one.content)))
            if given.verdict is not Verdict.DONE:
                return _nothing_shown(given)
            sent = await self._web.upload(str(given.data["upload_url"]), one.content)
            if sent.verdict is not Verdict.DONE:
                return sent
            ids.append(str(given.data["file_id"]))
        return ids

    async def _remember(self, message: OutboxMessage, ids: list[str]) -> bool:
        subject = {**message.subject, IDS: ids}
        async with self._db.transaction() as session:
            kept = await leases.keep(session, message, subject=subject)
        message.subject = subject
        return kept


def _nothing_shown(answer: Answer) -> Answer:
    """A lost answer before anything was shared does no harm: it is simply asked again."""
    if answer.verdict is not Verdict.UNKNOWN:
        return answer
    return Answer(Verdict.LATER, answer.error, answer.detail, answer.retry_after)


def _shared_at(file: dict[str, Any], channel: str) -> str | None:
    """The timestamp of the message that shares a file; Slack tells it a moment after the sharing."""
    for places in (file.get("shares") or {}).values():
        for share in places.get(channel) or ():
            return str(share["ts"])
    return None
