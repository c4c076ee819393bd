"""People silence a system, see what that holds back, and end it, through the local workspace."""

from bot.incidents import findings
from bot.store.tables import Finding
from tests.integration.slack.conftest import CATALOG, Place, utc_now
from tests.integration.slack.test_cover import typed


async def found(place: Place, subject: str) -> None:
    """A detector concludes something about support-bot."""
    async with place.db.transaction() as session:
        finding = Finding(
            kind="alert",
            subject=subject,
            system="support-bot",
            severity="sev2",
            title=f"{subject} <is> bad",
            dedupe_key=subject,
            opened_at=utc_now(),
        )
        session.add(finding)
        await session.flush()
        await findings.opened(session, CATALOG, finding, now=utc_now())


async def test_a_system_is_silenced_listed_and_heard_again(place: Place) -> None:
    await place.face()
    said = await typed(place, "silence support-bot 2h we move the index", "pages nobody from")
    assert "`/badday silence cancel 1` ends it before." in said
    await found(place, "QueueFull")
    listed = await typed(place, "silence list", "What does not page:")
    assert "by Maria Ortiz: we move the index · number 1" in listed
    assert "holds back 1 finding*: support-bot: QueueFull &lt;is&gt; bad" in listed
    assert "1 finding is held back" in await typed(place, "status", "No open incident")
    await typed(place, "silence cancel 1", "support-bot is not silent any more (silence 1)", user="sam")
    await typed(place, "silence cancel #1", "Nothing was changed: Sam Lee cancelled silence 1 already.")


async def test_one_cause_is_silenced_until_a_time(place: Place) -> None:
    await place.face()
    await typed(
        place, "silence support-bot/Queue* until 23:59 known, see the ticket", "*support-bot/Queue** pages nobody"
    )
    await found(place, "QueueFull")
    assert "holds back 1 finding" in await typed(place, "silence list", "What does not page:")
    await found(place, "AnswersWrong")
    await typed(place, "status", "1 open incident")


async def test_every_refusal_of_a_silence_explains_itself(place: Place) -> None:
    await place.face()
    await typed(place, "silence", "What is to be silent, until when, and why? For example")
    await typed(place, "silence list", "Nothing is silenced.")
    await typed(place, "silence suport-bot/QueueFull 2h x", "did you mean `/badday silence support-bot/QueueFull …`?")
    await typed(place, "silence nowhere 2h x", "there is no system “nowhere”; there are: `support-bot`")
    await typed(place, "silence support-bot", "Nothing was silenced: the time is missing")
    await typed(place, "silence support-bot soon x", "Nothing was silenced: “soon x” says no time")
    await typed(place, "silence support-bot 2h", "Nothing was silenced: say why, after the time")
    await typed(place, "silence haunted 8d x", "Nothing was silenced: a silence lasts 7 days at most")
    await typed(place, "silence cancel", "Which one?")
    await typed(place, "silence cancel 99", "Nothing was changed: there is no silence 99.")
    await typed(place, "silence support-bot 1h x", "Only people of badday.yaml may silence", user="ana")
