"""`/badday page test [PERSON]`: tries every way by which a person would be paged, and tells how each went."""

from bot.paging import contact_tests, ways
from bot.slack.asking import Ask
from bot.slack.blocks import Mrkdwn, markup
from bot.slack.commands import people


async def run(ask: Ask) -> None:
    """`test` is the first of the words."""
    if ask.who.person is None:
        await ask.say(Mrkdwn("Only people of badday.yaml may have ways tested, for that wakes people."))
        return
    typed = ask.words[1] if len(ask.words) > 1 else "me"
    person = await people.person(ask, typed)
    if person is None:
        await ask.say(people.nobody(ask, typed))
        return
    tests = await contact_tests.start(
        ask.session,
        ask.catalog,
        person.key,
        asked_by=ask.who.actor,
        tell=f"person:{ask.who.person}",
        name=str(ask.item),
        now=ask.now,
    )
    if not tests:
        text = "There is no way to reach {name}; add `contacts` to them in badday.yaml."
        await ask.say(markup(text, name=person.name))
        return
    names = ", ".join(dict.fromkeys(ways.name(test.method) for test in tests))
    text = "Testing how {name} is reached: {names}. How each of them goes is told in a direct message to you."
    await ask.say(markup(text, name=person.name, names=names))
