"""The button of a test in Slack: the person says that it reached them."""

import re

from bot.paging import contact_tests
from bot.slack.asking import Ask
from bot.slack.blocks import Mrkdwn
from bot.slack.buttons.refusal import gone
from bot.store import outbox
from bot.store.tables import ContactTest

_VALUE = re.compile(r"test:(\d{1,18}):v1")


async def click(ask: Ask) -> None:
    found = _VALUE.fullmatch(ask.value)
    test = await ask.session.get(ContactTest, int(found[1])) if found is not None else None
    if test is None or test.id is None:
        await gone(ask)
        return
    if ask.who.person != test.person:
        await ask.say(Mrkdwn("Only the person who is tested can say that it reached them. Nothing was changed."))
        return
    await contact_tests.confirmed(ask.session, test.id, now=ask.now)
    await outbox.edit(ask.session, f"contact-test:{test.id}", now=ask.now)
