"""What the doctor looks at in who is on call: uncovered hours, people who cannot be reached, steps that page nobody."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.exc import SQLAlchemyError

from bot.catalog import Catalog, System
from bot.catalog.cover import Contact, Group, PolicyStep, Rotation
from bot.doctor.check import Check, Status
from bot.paging import cover, groups, overrides, policy, registry, rotations
from bot.paging.contact import Secrets
from bot.paging.groups import Members
from bot.paging.overrides import StandIns
from bot.paging.policy import Frozen
from bot.settings import Settings
from bot.store.database import Database, DatabaseError

AHEAD = timedelta(weeks=4)
HOUR = timedelta(hours=1)
OLD = timedelta(hours=2)
SEVERITIES = ("sev1", "sev2")
ANSWER_WITHIN = 10.0
SLACK = "slack"


async def checks(settings: Settings, catalog: Catalog, now: datetime) -> AsyncIterator[Check]:
    """Everything about cover; whoever stands in counts where the database can be read."""
    standing = await _stand_ins(settings, catalog, now)
    for check in judge(catalog, standing, Secrets.beside(settings.config), now):
        yield check


async def _stand_ins(settings: Settings, catalog: Catalog, now: datetime) -> StandIns:
    """Nobody where the database cannot be read or has no tables yet, which is a check of its own."""
    try:
        database = Database(settings.database_url)
    except DatabaseError:
        return StandIns()
    try:
        async with asyncio.timeout(ANSWER_WITHIN), database.reading() as session:
            return await overrides.stand_ins(session, catalog, now)
    except (SQLAlchemyError, OSError, TimeoutError):
        return StandIns()
    finally:
        await database.close()


def judge(catalog: Catalog, standing: StandIns, secrets: Secrets, now: datetime) -> Iterator[Check]:
    """Pure but for the secrets, of which it is only asked whether they are there."""
    for rotation in catalog.rotations.values():
        yield _rotation(catalog, rotation, standing, now)
    for group in catalog.groups.values():
        if group.slack is not None:
            yield _group(group, group.slack, standing.groups.get(group.name, Members()), now)
    reach = {person: _ways(catalog, person, secrets) for person in _paged_people(catalog, standing)}
    for person, ways in reach.items():
        yield from _person(person, ways)
    yield from _without_slack(reach)
    for system in catalog.systems.values():
        yield from _system(catalog, standing, system, lambda person: bool(reach[person].working), now)


def _group(group: Group, slack: str, told: Members, now: datetime) -> Check:
    """Whether Slack tells who is in a user group, and whether the catalog knows them."""
    name = f"group {group.name}"
    if told.error:
        counted = f"those of {told.fetched_at:%d %b %H:%M} UTC count" if told.fetched_at else "nobody of it is paged"
        message = f"Slack does not tell the members of user group {slack}, {counted}"
        return Check(name, Status.WARN, message, _SLACK.get(told.error, f"Slack says {told.error}"))
    if told.fetched_at is None:
        message = f"the members of user group {slack} were not fetched yet"
        return Check(name, Status.WARN, message, "start the bot with its Slack tokens; it asks for them at once")
    if told.fetched_at < now - OLD:
        message = f"the members of user group {slack} were fetched last on {told.fetched_at:%d %b at %H:%M} UTC"
        return Check(name, Status.WARN, message, "start the bot with its Slack tokens; it asks every ten minutes")
    if told.strangers:
        message = f"badday.yaml does not know {', '.join(told.strangers)} of user group {slack}; they are never paged"
        return Check(
            name, Status.WARN, message, "add them to `people` by `email` or `slack`, or take them out in Slack"
        )
    people = len(groups.people(group, {group.name: told}))
    return Check(name, Status.OK, f"{people} {'person' if people == 1 else 'people'}, {len(told.people)} by Slack")


_SLACK = {
    "missing_scope": "paste slack-manifest.yaml (usergroups:read) into App Manifest and install the app again",
    "no_such_subteam": "there is no such user group; correct `slack` of the group",
    "paid_teams_only": "user groups need a paid plan; name the `people` of the group instead",
    "plan_upgrade_required": "user groups need a paid plan; name the `people` of the group instead",
}


def _rotation(catalog: Catalog, rotation: Rotation, standing: StandIns, now: datetime) -> Check:
    name = f"rotation {rotation.name}"
    if not _is_used(catalog, rotation.name):
        fix = "name it as the `rotation` of a system, or in a step of a policy; or remove it"
        return Check(name, Status.WARN, "nobody is paged by it", fix)
    uncovered = rotations.gaps(rotation, now, now + AHEAD, standing.in_rotation(rotation.name))
    if uncovered:
        hours = sum((ends - starts for starts, ends in uncovered), timedelta()) / HOUR
        first = ", ".join(_from_to(*gap, rotation.timezone) for gap in uncovered[:3])
        more = f" and {len(uncovered) - 3} more times" if len(uncovered) > 3 else ""
        return Check(
            name,
            Status.WARN,
            f"nobody is on duty in {hours:.0f} hours of the next four weeks: {first}{more}",
            f"add a layer without `hours` below the others, or put somebody in: "
            f"/badday override {rotation.name} PERSON FROM..TO",
        )
    people = {duty.person for duty in rotations.turns(rotation, now, now + AHEAD, standing.in_rotation(rotation.name))}
    return Check(name, Status.OK, f"somebody is on duty in all of the next four weeks: {', '.join(sorted(people))}")


def _is_used(catalog: Catalog, rotation: str) -> bool:
    by_system = any(system.rotation == rotation for system in catalog.systems.values())
    targets = (target for found in catalog.policies.values() for step in found.steps for target in step.notify)
    return by_system or any(target.partition("/")[0] == f"rotation:{rotation}" for target in targets)


def _from_to(starts: datetime, ends: datetime, zone: str) -> str:
    where = ZoneInfo(zone)
    return f"{starts.astimezone(where):%a %d %b %H:%M} to {ends.astimezone(where):%a %d %b %H:%M}"


@dataclass(frozen=True, slots=True)
class _Ways:
    """A person's ways: the kinds that can be used, and what is missing for the others."""

    working: tuple[str, ...]
    missing: tuple[tuple[str, str], ...] = ()
    """Kind and the environment variable that is not set."""


def _ways(catalog: Catalog, person: str, secrets: Secrets) -> _Ways:
    working: list[str] = []
    missing: list[tuple[str, str]] = []
    for contact in catalog.people[person].contacts:
        if contact.kind == "email" and contact.kind not in catalog.contacts:
            continue  # everybody's by default, and then only where there is a mail server
        lacking = _lacking(catalog, contact, secrets)
        missing += [(contact.kind, name) for name in lacking]
        if not lacking:
            working.append(contact.kind)
    return _Ways(tuple(dict.fromkeys(working)), tuple(dict.fromkeys(missing)))


def _lacking(catalog: Catalog, contact: Contact, secrets: Secrets) -> list[str]:
    if contact.kind in registry.BUILT_IN:
        return []
    setup = catalog.contacts.get(contact.kind)
    return registry.contact_for(contact.kind).missing(
        registry.options_of(contact.kind, contact.options),
        registry.setup_of(contact.kind, setup.options if setup is not None else None),
        secrets,
    )


def _paged_people(catalog: Catalog, standing: StandIns) -> list[str]:
    """Everybody whom something of the catalog may page, in the order of the file."""
    named = {person for system in catalog.systems.values() for person in (system.owner, *system.deputies)}
    named |= {person for one in catalog.rotations.values() for layer in one.layers for person in layer.people}
    named |= {person for group in catalog.groups.values() for person in groups.people(group, standing.groups)}
    for found in catalog.policies.values():
        targets = (target for step in found.steps for target in step.notify)
        named |= {target.removeprefix("person:") for target in targets if target.startswith("person:")}
    return [person for person in catalog.people if person in named]


def _person(person: str, ways: _Ways) -> Iterator[Check]:
    name = f"reach {person}"
    for kind, variable in ways.missing:
        fix = f"set {variable} in .env, or take {kind} out of people.{person}.contacts"
        yield Check(name, Status.WARN, f"not by {kind}: {variable} is not set", fix)
    if not ways.working:
        fix = f"add a way to people.{person}.contacts, for example slack, and try it: /badday page test {person}"
        yield Check(name, Status.FAIL, "has no way to be reached that works; a page goes on to the next at once", fix)
    elif not ways.missing:
        yield Check(name, Status.OK, f"by {', then '.join(ways.working)}")


def _without_slack(reach: dict[str, _Ways]) -> Iterator[Check]:
    """Pages go by other ways when Slack itself is down, where there are any."""
    lonely = [person for person, ways in reach.items() if ways.working == (SLACK,)]
    if lonely:
        message = f"by Slack alone: {', '.join(lonely)}; when Slack is down, nobody reaches them"
        fix = "set up a mail server under `contacts.email`, or add another way to their `contacts`"
        yield Check("reach without Slack", Status.WARN, message, fix)


def _system(
    catalog: Catalog, standing: StandIns, system: System, reachable: Callable[[str], bool], now: datetime
) -> Iterator[Check]:
    name = f"paging {system.name}"
    kept = policy.frozen(catalog, system)
    weeks = _Weeks(catalog, standing, system, kept, reachable, now)
    found = [
        *_nobody_at_all(name, weeks, kept),
        *_steps(name, weeks, kept),
        *_behind(name, catalog, system, kept, weeks),
    ]
    yield from found
    if not found:
        steps = f"{len(kept.policy.steps)} {'step' if len(kept.policy.steps) == 1 else 'steps'}"
        yield Check(name, Status.OK, f"policy {kept.policy.name}: {steps}, each reaches somebody")


class _Weeks:
    """Whom each step of a system's policy would reach in each hour of the next weeks."""

    def __init__(
        self,
        catalog: Catalog,
        standing: StandIns,
        system: System,
        kept: Frozen,
        reachable: Callable[[str], bool],
        now: datetime,
    ) -> None:
        self.hours = [now + number * HOUR for number in range(AHEAD // HOUR)]
        self.kept = kept
        self.reached = [
            [_reached(catalog, standing, system, step, at, reachable) for at in self.hours]
            for step in kept.policy.steps
        ]
        """By step and hour, the people and channels."""

    def counts(self, step: PolicyStep, hour: int, severity: str) -> bool:
        return policy.fits(step, self.hours[hour], severity=severity, business=self.kept.business)

    def everybody(self) -> set[str]:
        return {one for step in self.reached for hour in step for one in hour if not one.startswith("#")}


def _reached(
    catalog: Catalog,
    standing: StandIns,
    system: System,
    step: PolicyStep,
    at: datetime,
    reachable: Callable[[str], bool],
) -> frozenset[str]:
    found = cover.resolved(catalog, standing, system.name, step.notify, at).targets
    people = {one.person for one in found if one.person in catalog.people and reachable(str(one.person))}
    return frozenset({str(one) for one in people} | {f"#{one.channel}" for one in found if one.channel is not None})


def _nobody_at_all(name: str, weeks: _Weeks, kept: Frozen) -> Iterator[Check]:
    """Hours in which a page would be exhausted without having reached anybody."""
    for severity in SEVERITIES:
        empty = [
            at
            for hour, at in enumerate(weeks.hours)
            if not any(
                weeks.reached[number][hour] and weeks.counts(step, hour, severity)
                for number, step in enumerate(kept.policy.steps)
            )
        ]
        if empty:
            yield Check(
                name,
                Status.FAIL,
                f"a {severity} page would reach nobody in {len(empty)} hours of the next four weeks, "
                f"first on {empty[0]:%a %d %b at %H:%M} UTC",
                f"add a step with the owner to policies.{kept.policy.name} that counts always and for {severity}",
            )


def _steps(name: str, weeks: _Weeks, kept: Frozen) -> Iterator[Check]:
    """Steps that are never taken, and steps that never reach anybody."""
    for number, step in enumerate(kept.policy.steps):
        where = f"policies.{kept.policy.name}.steps[{number}]"
        counting = [
            hour
            for hour in range(len(weeks.hours))
            if any(weeks.counts(step, hour, severity) for severity in step.severities)
        ]
        if not counting:
            message = f"step {number + 1} is never taken: there is no time of the week that is `{step.when}`"
            yield Check(name, Status.WARN, message, f"correct `when` of {where}, or the system's business_hours")
        elif not any(weeks.reached[number][hour] for hour in counting):
            message = f"step {number + 1} pages nobody ({', '.join(step.notify)})"
            yield Check(name, Status.FAIL, message, f"name somebody in {where} who can be reached, or remove the step")


def _behind(name: str, catalog: Catalog, system: System, kept: Frozen, weeks: _Weeks) -> Iterator[Check]:
    """Whether anybody stands behind the owner, and whether as many people are paged as have to acknowledge."""
    people = weeks.everybody()
    wanted = kept.policy.acknowledgements
    if wanted > len(people):
        message = f"{wanted} people must acknowledge, and only {len(people)} can be paged"
        fix = f"lower `acknowledgements` of policies.{kept.policy.name}, or name more people in its steps"
        yield Check(name, Status.FAIL, message, fix)
    if not system.deputies and people <= {system.owner}:
        message = f"nobody stands behind {catalog.people[system.owner].name}: there are no deputies and no rotation"
        yield Check(name, Status.WARN, message, f"add `deputies` or a `rotation` to systems.{system.name}")
