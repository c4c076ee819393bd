"""What `badday.yaml` may say about reaching people: contacts, rotations, policies, groups, maintenance."""

from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema, model_validator

from bot.catalog.cover import Contact, Unit, When
from bot.catalog.strict import Span, SpanOrOff, Strict
from bot.catalog.targets import target
from bot.catalog.times import LocalTime, Turn, WeekPart
from bot.catalog.values import Name, Text, TimeZone, UserGroup, duration, name, shown, written, wrong

LONGEST_WAIT = timedelta(hours=24)
_MOST_HOURS = 24 * 366


def _contact(value: Any) -> Contact:
    fix = "write a kind (slack), or {kind: address, after: 5m}"
    if isinstance(value, Contact):
        return value
    if isinstance(value, str):
        return Contact(name(value))
    if not isinstance(value, dict) or not value:
        raise wrong(f"{shown(value)} is no way to reach somebody", fix)
    options = {key: one for key, one in value.items() if key != "after"}
    if not options:
        raise wrong("names no kind of contact", fix)
    kind = name(next(iter(options)))
    empty = next((key for key, one in value.items() if one is None), None)
    if empty is not None:
        raise wrong(f"{empty} is empty", f"write a value, or remove it; a kind alone is written without braces: {kind}")
    after = duration(value.get("after", "0s"))
    if after > LONGEST_WAIT:
        raise wrong(f"is tried after {written(after)}", f"write at most {written(LONGEST_WAIT)}")
    return Contact(kind, {} if options == {kind: True} else options, after)


_SCALAR = ["string", "number", "boolean"]

ContactGiven = Annotated[
    Contact,
    BeforeValidator(_contact),
    PlainSerializer(lambda one: one.kind, return_type=str),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string"},
                {
                    "type": "object",
                    "minProperties": 1,
                    "properties": {"after": {"type": "string", "examples": ["5m"]}},
                    "additionalProperties": {"type": [*_SCALAR, "array", "object"]},
                },
            ],
            "examples": ["slack"],
        }
    ),
]


def _setup(value: Any) -> Any:
    if value is None or not isinstance(value, dict):
        raise wrong(f"must be a mapping, not {shown(value)}", "write `key: value` lines, indented under it")
    return value


SetupGiven = Annotated[dict[str, Any], BeforeValidator(_setup), WithJsonSchema({"type": "object"})]


class LayerEntry(Strict):
    """People who take turns."""

    people: tuple[Name, ...] = Field(min_length=1)
    """In the order of their turns, each once."""
    starts: LocalTime
    """When the first turn begins, by the rotation's clock; all later hand-overs are counted from it."""
    every: Turn = Field(default=(1, Unit.WEEK), json_schema_extra={"default": "1 week"})
    """How long a turn lasts: `12 hours`, `2 days`, `1 week`, `1 month`."""
    hours: tuple[WeekPart, ...] = ()
    """When the layer is on duty at all, for example `mon-fri 09:00-18:00`; none: always."""

    @model_validator(mode="after")
    def _every_fits(self) -> Self:
        count, unit = self.every
        most = {Unit.HOUR: _MOST_HOURS, Unit.DAY: 366, Unit.WEEK: 53, Unit.MONTH: 12}[unit]
        if count > most:
            raise wrong(f"has turns of {count} {unit}s", f"write at most {most} {unit}s")
        return self


class RotationEntry(Strict):
    """People who take turns, in one or several layers."""

    timezone: TimeZone
    """IANA time zone of all its times, for example Europe/Madrid."""
    layers: dict[Name, LayerEntry] = Field(min_length=1)
    """By name, the first one that has somebody on duty counts; a step may page one layer alone."""


Target = Annotated[str, AfterValidator(target)]


class StepEntry(Strict):
    """Whom a page goes to, and how long it waits before it climbs to the next step."""

    notify: tuple[Target, ...] = Field(min_length=1)
    """Whom it pages: `owner`, `deputies`, `rotation`, `person:KEY`, `group:NAME`, `channel` …, see the rules."""
    wait: Span = Field(default=timedelta(minutes=5), json_schema_extra={"default": "5m"})
    """How long it waits for an acknowledgement before the next step."""
    when: When = When.ALWAYS
    """The part of the week in which it counts; otherwise it is passed over."""
    severities: frozenset[Literal["sev1", "sev2"]] = Field(default=frozenset({"sev1", "sev2"}), min_length=1)
    """The severities for which it counts."""

    @model_validator(mode="after")
    def _wait_fits(self) -> Self:
        if not timedelta(seconds=1) <= self.wait <= LONGEST_WAIT:
            raise wrong(f"waits {written(self.wait)}", "write 1s to 24h")
        return self


class PolicyEntry(Strict):
    """How a page climbs until somebody acknowledges it."""

    steps: tuple[StepEntry, ...] = Field(min_length=1, max_length=50)
    """One after the other."""
    repeat: int = Field(default=2, ge=0, le=20, strict=True)
    """How often it begins anew after the last step."""
    unacknowledge: SpanOrOff = Field(default=None, json_schema_extra={"default": "off"})
    """After how long a silence of whoever acknowledged it pages again: 1m to 24h, or `off`."""
    acknowledgements: int = Field(default=1, ge=1, le=20, strict=True)
    """How many different people must acknowledge."""

    @model_validator(mode="after")
    def _silence_fits(self) -> Self:
        if self.unacknowledge is not None and not timedelta(minutes=1) <= self.unacknowledge <= LONGEST_WAIT:
            raise wrong(f"un-acknowledges after {written(self.unacknowledge)}", "write 1m to 24h, or off")
        return self


class GroupEntry(Strict):
    """People who are paged together."""

    people: tuple[Name, ...] = ()
    """People of this catalog."""
    slack: UserGroup | None = None
    """Id of a Slack user group (S…), whose members count as well."""


class MaintenanceEntry(Strict):
    """A planned time in which findings page nobody: once, from `starts` to `ends`, or weekly in `hours`."""

    reason: Text
    """What is done then; it is shown wherever a page is held back."""
    systems: tuple[Name, ...] = ()
    """The systems that it is about; none: every system."""
    timezone: TimeZone = "UTC"
    """IANA time zone of its times."""
    starts: LocalTime | None = None
    """When it begins, `2026-01-05 22:00`."""
    ends: LocalTime | None = None
    """When it is over."""
    hours: tuple[WeekPart, ...] = ()
    """Every week at these times, for example `sun 02:00-04:00`."""

    @model_validator(mode="after")
    def _once_or_weekly(self) -> Self:
        once = self.starts is not None or self.ends is not None
        if once and self.hours:
            raise wrong("has both a date and weekly hours", "keep `starts` and `ends`, or `hours`")
        if not once and not self.hours:
            raise wrong("says no time", "add `starts` and `ends`, or `hours`")
        if once and (self.starts is None or self.ends is None):
            missing = "starts" if self.starts is None else "ends"
            raise wrong(
                f"has no `{missing}`", f"add `{missing}: 2026-01-05 22:00`; a quiet time without an end is refused"
            )
        if self.starts is not None and self.ends is not None and self.ends <= self.starts:
            raise wrong("ends before it begins", "correct `starts` or `ends`")
        return self
