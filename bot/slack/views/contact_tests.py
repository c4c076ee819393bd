"""Tests of people's ways as their messages show them."""

from typing import Any

from pydantic import ValidationError
from sqlalchemy import select
from sqlmodel import col

from bot.paging import notices, registry, ways
from bot.slack.messages.contact_tests import ReportView, SlackTestView, WayTested
from bot.slack.views.look import Look
from bot.store.tables import ContactTest


async def in_slack(look: Look, subject: dict[str, Any]) -> SlackTestView:
    test = await look.session.get_one(ContactTest, subject["test"])
    return SlackTestView(subject["test"], await look.name(test.asked_by), test.confirmed_at)


async def report(look: Look, subject: dict[str, Any]) -> ReportView:
    statement = select(ContactTest).where(col(ContactTest.id).in_(subject["tests"])).order_by(col(ContactTest.id))
    tests = (await look.session.execute(statement)).scalars().all()
    return ReportView(
        person=await look.name(subject["person"]),
        asked_by=await look.name(tests[0].asked_by),
        asked_at=tests[0].asked_at,
        ways=[_tested(look, test) for test in tests],
    )


def _tested(look: Look, test: ContactTest) -> WayTested:
    return WayTested(
        name=ways.name(test.method),
        where=_where(look, test),
        state="confirmed" if test.confirmed_at is not None else test.outcome,
        detail=test.detail or "",
        at=test.confirmed_at or test.settled_at,
    )


def _where(look: Look, test: ContactTest) -> str:
    """Where it went to, as people may see it; nothing where the options cannot be used."""
    if test.method in ways.IN_SLACK:
        return ""
    try:
        options = registry.options_of(test.method, test.options or {})
    except (LookupError, ValidationError):
        return ""
    return registry.contact_for(test.method).shown(options, notices.recipient(look.catalog, test.person))
