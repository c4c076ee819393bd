"""Who is on call, as its messages show it."""

from datetime import datetime, timedelta
from typing import Any

from bot.catalog.cover import PolicyStep, When
from bot.catalog.models import System
from bot.paging import cover, overrides, policy
from bot.paging.cover import Shift
from bot.paging.overrides import StandIns
from bot.slack.messages.cover import CoverChangedView, OverrideLine, OverridesView
from bot.slack.messages.who import ClimbLines, ShiftLine, StepLine, SystemCover, WhoView
from bot.slack.views.look import Look
from bot.store.tables import CoverOverride

_WHEN = {When.ALWAYS: "", When.BUSINESS_HOURS: "only in business hours", When.OFF_HOURS: "only outside business hours"}


async def who(look: Look, subject: dict[str, Any]) -> WhoView:
    """All systems, or one system with how its pages climb."""
    standing = await overrides.stand_ins(look.session, look.catalog, look.now)
    wanted = subject.get("system")
    systems = [one for one in look.catalog.systems.values() if wanted in (None, one.name)]
    return WhoView([await _system(look, standing, one, whole=wanted is not None) for one in systems])


async def all_overrides(look: Look, subject: dict[str, Any]) -> OverridesView:
    rows = await overrides.current(look.session, look.now)
    return OverridesView([await _line(look, row) for row in rows])


async def changed(look: Look, subject: dict[str, Any]) -> CoverChangedView:
    row = await look.session.get_one(CoverOverride, subject["override"])
    by = row.cancelled_by
    return CoverChangedView(await _line(look, row), await look.name(by) if by is not None else None)


async def _line(look: Look, row: CoverOverride) -> OverrideLine:
    return OverrideLine(
        number=row.id or 0,
        target=row.target,
        name=await look.name(row.person),
        starts=row.starts_at,
        ends=row.ends_at,
        in_force=row.starts_at <= look.now,
        by=await look.name(row.created_by),
        reason=row.reason,
    )


async def _system(look: Look, standing: StandIns, system: System, *, whole: bool) -> SystemCover:
    found = cover.on_call_of(look.catalog, standing, system, look.now)
    return SystemCover(
        system=system.name,
        now=await _shift(look, found.now),
        next=await _shift(look, found.next) if found.next is not None else None,
        owner=await look.name(system.owner),
        deputies=[await look.name(person) for person in system.deputies],
        climb=await _climb(look, standing, system) if whole else None,
    )


async def _shift(look: Look, shift: Shift) -> ShiftLine:
    return ShiftLine(await look.name(shift.person), shift.why, shift.starts, shift.ends)


async def _climb(look: Look, standing: StandIns, system: System) -> ClimbLines:
    """The steps of a page that begins now: each is looked at for the time at which it would be taken."""
    kept = policy.frozen(look.catalog, system)
    lines, at = [], look.now
    for step in kept.policy.steps:
        fits = policy.fits(step, at, severity=min(step.severities), business=kept.business)
        line = await _step(look, standing, system, step, at, at - look.now if fits else None)
        lines.append(line)
        if fits and (line.people or line.channels):
            at += step.wait
    found = kept.policy
    return ClimbLines(found.name, lines, found.repeat, found.acknowledgements, found.unacknowledge)


async def _step(
    look: Look, standing: StandIns, system: System, step: PolicyStep, at: datetime, after: timedelta | None
) -> StepLine:
    found = cover.resolved(look.catalog, standing, system.name, step.notify, at)
    people = {one.person: one.why for one in reversed(found.targets) if one.person is not None}
    only = f"only {min(step.severities)}" if len(step.severities) == 1 else ""
    return StepLine(
        after=after,
        people=[(await look.name(person), why) for person, why in reversed(people.items())],
        channels=[one.channel for one in found.targets if one.channel is not None],
        missed=[(one.target, one.why) for one in found.nobody],
        condition=", ".join(part for part in (_WHEN[step.when], only) if part),
    )
