"""Vocabularies: how each family of emitters names what the trail wants to know, read from YAML into look-up tables."""

import fnmatch
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from ruamel.yaml import YAML

from bot.trail.calls import Kind
from bot.trail.merging.joining import pack_levels
from bot.trail.spans import Span

FieldName = Literal[
    # who was asked, and who answered
    "provider",
    "provider_said",
    "model_asked",
    "model_answered",
    "model_prefixed",
    "model_unsure",
    "operation",
    "response_id",
    "call_id",
    # counts and money
    "usage",
    "input_tokens",
    "cached_tokens",
    "cache_write_tokens",
    "output_tokens",
    "reasoning_tokens",
    "cost",
    # how it ended
    "finish_reason",
    "failed",
    "error_type",
    "error_text",
    "http_status",
    "retries",
    # time
    "stream",
    "first_token_seconds",
    "first_token_milliseconds",
    "duration_seconds",
    # what was said
    "input",
    "system_instructions",
    "output",
    "tool_calls",
    "events",
    "response_format",
    "json_schema",
    # what it was for
    "feature",
    "route",
    "prompt_name",
    "prompt_version",
    "conversation_id",
    "user",
    "environment",
    "release",
    "group_key",
    "attempt_hint",
    "external_id",
    "extra",
]
"""What attributes can tell. Most are fields of `Facts`; the others:

`usage`: a whole usage object. `failed`: a word that says so where the span's status does not. `provider_said`: the
provider as the application names it, above the emitter's word. `model_prefixed`: a model with its provider before a
slash. `model_unsure`: the answered model or, where nobody answered, the asked one. `call_id`: an id that the emitter
made up. `events`: a list of events that hold messages. `extra`: kept as it is.
"""

HINTS = frozenset(
    {"feature", "route", "prompt_name", "prompt_version", "conversation_id", "user", "response_format", "json_schema"}
)
"""What a span around calls may tell about them."""

Step = str | int
Path = tuple[Step, ...]


def _path(value: Any) -> Any:
    """`choices.0.finish_reason` as its steps; a dot in a name is written `\\.`."""
    if not isinstance(value, str):
        return value
    steps = re.split(r"(?<!\\)\.", value)
    return tuple(int(step) if step.isdigit() else step.replace("\\.", ".") for step in steps)


JsonPath = Annotated[tuple[Step, ...], BeforeValidator(_path)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class KindRule(_Strict):
    """What a span is, if everything said here holds."""

    kind: Kind | Literal["ignored"]
    """`ignored`: of this emitter, but neither a call nor around one (tools, retrieval)."""
    attribute: str | None = None
    one_of: tuple[str, ...] = Field(default=(), alias="in")
    """Values of the attribute, of which one has to match (`*` stands for anything); none: it only has to be there."""
    name: str | None = None
    """Of the span; `*` stands for anything."""
    all: tuple[str, ...] = ()
    any: tuple[str, ...] = ()
    none: tuple[str, ...] = ()
    failed: bool | None = None

    @model_validator(mode="after")
    def _says_something(self) -> "KindRule":
        if self.one_of and not self.attribute:
            raise ValueError("`in` needs an `attribute` whose values it lists")
        return self


class Document(_Strict):
    """An attribute that holds JSON, and where in it fields are found."""

    attribute: str
    fields: dict[FieldName, tuple[JsonPath, ...]]


class RecordRule(_Strict):
    """A log record that tells of a call."""

    event: str
    """Name of the event; `*` stands for anything."""
    kind: Literal["call", "part"] = "part"
    role: str | None = None
    """The record's body is a message of this role."""
    answer: bool = False
    """The record's body is an answer."""


class PartRule(_Strict):
    """Spans that finish an earlier span's call without naming it: found by model and input."""

    duration: str
    """Attribute with the seconds from the end of the earlier span to this one."""


class Levels(_Strict):
    """Whose word counts, 0 to 7, where two emitters tell of one call."""

    usage: int = Field(default=3, ge=0, le=7)
    input: int = Field(default=3, ge=0, le=7)
    output: int = Field(default=3, ge=0, le=7)
    model_asked: int = Field(default=2, ge=0, le=3)


class VocabularyFile(_Strict):
    """One YAML file of `bot/trail/vocabularies`."""

    name: str
    about: str
    versions: str = ""
    """Which versions of the emitter this was read from."""
    scopes: tuple[str, ...] = ()
    """Names of instrumentation scopes; `*` stands for anything."""
    markers: tuple[str, ...] = ()
    """Attributes that only this family sets: they give it away under any scope."""
    weak_scopes: tuple[str, ...] = ()
    """Scope names that others use too: they count only together with one of `confirm`."""
    confirm: tuple[str, ...] = ()
    extends: tuple[str, ...] = ()
    """Vocabularies whose names are understood too, after its own."""
    native_of: str | None = None
    """The provider whose own SDK emits these spans, beside whatever else instruments it."""
    ids_told: bool = True
    """Whether it tells the provider's response ids; read where it is native: others must be found without then."""
    levels: Levels = Levels()
    cached_told: bool | None = None
    """Whether the cached part of the input is told; none: where such an attribute is there."""
    input_excludes_cached_for: tuple[str, ...] = ()
    """Providers for which the input is counted without its cached part."""
    answered_may_echo: bool = False
    """Where nobody answered, the answered model repeats the asked one."""
    made_up_ids: tuple[str, ...] = ()
    """Patterns of response ids that the emitter invents."""
    kinds: tuple[KindRule, ...] = ()
    fields: dict[FieldName, tuple[str, ...]] = {}
    numbered: dict[Literal["input", "output"], tuple[str, ...]] = {}
    """Prefixes of attributes that count messages (`gen_ai.prompt.0.role`)."""
    documents: tuple[Document, ...] = ()
    records: tuple[RecordRule, ...] = ()
    first_token_events: tuple[str, ...] = ()
    """Events that mark the first piece of a stream."""
    message_events: dict[str, str] = {}
    """Span events that hold content: name of the event -> attribute with it."""
    continued: PartRule | None = None
    values: dict[FieldName, dict[str, str]] = {}
    """What values mean in the trail's own words."""


Target = tuple[str, int]
"""A field, and the place of this name among the names of that field."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A compiled `KindRule`."""

    kind: Kind | None
    attribute: str | None
    values: frozenset[str]
    pattern: re.Pattern[str] | None
    name: re.Pattern[str] | None
    all: tuple[str, ...]
    any: tuple[str, ...]
    none: tuple[str, ...]
    failed: bool | None

    def holds(self, span: Span) -> bool:
        """Whether the span is of this kind."""
        attributes = span.attributes
        if self.attribute is not None:
            value = attributes.get(self.attribute)
            if value is None:
                return False
            if self.values or self.pattern is not None:
                text = value if isinstance(value, str) else str(value)
                listed = text in self.values or text.lower() in self.values
                if not listed and not (self.pattern and self.pattern.match(text)):
                    return False
        if self.name is not None and not self.name.match(span.name):
            return False
        if self.all and not all(name in attributes for name in self.all):
            return False
        if self.any and not any(name in attributes for name in self.any):
            return False
        if self.none and any(name in attributes for name in self.none):
            return False
        return self.failed is None or self.failed == (span.status == 2)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """A vocabulary with everything that it extends, ready for look-ups."""

    name: str
    native_of: str | None
    ids_told: bool
    ranks: int
    """The levels as the join begins with them."""
    cached_told: bool | None
    input_excludes_cached_for: frozenset[str]
    answered_may_echo: bool
    made_up_ids: re.Pattern[str] | None
    rules: tuple[Rule, ...]
    targets: Mapping[str, tuple[Target, ...]]
    """Attribute name -> what it tells."""
    prefixes: tuple[str, ...]
    """Every prefix of numbered attributes, for one `startswith`."""
    numbered: Mapping[str, str]
    """Prefix -> input or output."""
    documents: tuple[tuple[str, tuple[tuple[str, tuple[Path, ...]], ...]], ...]
    records: tuple[tuple[re.Pattern[str], RecordRule], ...]
    first_token_events: frozenset[str]
    message_events: Mapping[str, str]
    continued: PartRule | None
    values: Mapping[str, Mapping[str, str]]
    words: dict[tuple[str, str], str | None] = field(default_factory=dict, compare=False, repr=False)
    """Names that were read before (see telling.Told): the same few come all the time."""

    def kind(self, span: Span) -> tuple[bool, Kind | None]:
        """Whether a rule says what the span is, and what."""
        for rule in self.rules:
            if rule.holds(span):
                return True, rule.kind
        return False, None


@dataclass(slots=True)
class Vocabularies:
    """All vocabularies, and which of them a span speaks."""

    by_name: Mapping[str, Vocabulary]
    scopes: tuple[tuple[re.Pattern[str], Vocabulary, tuple[str, ...]], ...]
    """Pattern of a scope's name, its vocabulary, attributes of which one has to be there."""
    markers: Mapping[str, Vocabulary]
    general: Vocabulary
    _of_scope: dict[str, tuple[Vocabulary, tuple[str, ...]] | None] = field(default_factory=dict)

    def of_scope(self, name: str) -> tuple[Vocabulary, tuple[str, ...]] | None:
        """The vocabulary of a scope and what confirms it."""
        if name not in self._of_scope:
            if len(self._of_scope) > 10_000:  # scope names come from outside
                self._of_scope.clear()
            self._of_scope[name] = next(
                ((vocabulary, confirm) for pattern, vocabulary, confirm in self.scopes if pattern.match(name)), None
            )
        return self._of_scope[name]

    def spoken(self, scope: str, attributes: Mapping[str, Any]) -> Vocabulary:
        """The vocabulary of a span or record: by its scope's name, else by an attribute that gives it away."""
        known = self.of_scope(scope)
        if known is not None:
            vocabulary, confirm = known
            if not confirm or any(name in attributes for name in confirm):
                return vocabulary
        for name, vocabulary in self.markers.items():
            if name in attributes:
                return vocabulary
        return self.general

    @property
    def native_providers(self) -> frozenset[str]:
        """Providers whose own SDK emits spans."""
        return frozenset(v.native_of for v in self.by_name.values() if v.native_of)

    @property
    def nameless_providers(self) -> frozenset[str]:
        """Those of them whose SDK does not tell the response's id."""
        return frozenset(v.native_of for v in self.by_name.values() if v.native_of and not v.ids_told)


GENERAL = "opentelemetry-genai"
"""What an unknown emitter is read by."""
APPLICATION = "application"
"""What the application itself may say, whoever emits."""


@cache
def load_vocabularies() -> Vocabularies:
    """Those that come with the bot."""
    folder = resources.files("bot.trail") / "vocabularies"
    texts = [entry.read_text("utf-8") for entry in folder.iterdir() if entry.name.endswith(".yaml")]
    return compile_vocabularies(read_vocabulary(text) for text in texts)


def read_vocabulary(text: str) -> VocabularyFile:
    """One file's text. Raises pydantic's ValidationError naming the key that is wrong."""
    return VocabularyFile.model_validate(YAML(typ="safe", pure=True).load(text))


def compile_vocabularies(files: Iterable[VocabularyFile]) -> Vocabularies:
    """Tables for look-ups. Raises ValueError where a file extends one that is not there."""
    by_name = {file.name: file for file in files}
    for needed in (GENERAL, APPLICATION):
        if needed not in by_name:
            raise ValueError(f"vocabulary {needed} is missing: every emitter is read by it too")
    compiled = {name: _compile(file, by_name) for name, file in by_name.items() if name != APPLICATION}
    scopes: list[tuple[re.Pattern[str], Vocabulary, tuple[str, ...]]] = []
    markers: dict[str, Vocabulary] = {}
    for name, vocabulary in sorted(compiled.items(), key=lambda item: -_specific(by_name[item[0]])):
        file = by_name[name]
        scopes.extend((_glob(scope), vocabulary, ()) for scope in file.scopes)
        scopes.extend((_glob(scope), vocabulary, file.confirm) for scope in file.weak_scopes)
        for marker in file.markers:
            markers.setdefault(marker, vocabulary)
    return Vocabularies(by_name=compiled, scopes=tuple(scopes), markers=markers, general=compiled[GENERAL])


def _specific(file: VocabularyFile) -> int:
    """Longer scope names are tried first."""
    return max((len(scope.rstrip("*")) for scope in (*file.scopes, *file.weak_scopes)), default=0)


def _glob(text: str) -> re.Pattern[str]:
    return re.compile(fnmatch.translate(text))


def _lineage(file: VocabularyFile, by_name: Mapping[str, VocabularyFile]) -> list[VocabularyFile]:
    """The file, what it extends, and what everybody may say; each once."""
    found: dict[str, VocabularyFile] = {}

    def add(one: VocabularyFile) -> None:
        if one.name in found:
            return
        found[one.name] = one
        for name in one.extends:
            if name not in by_name:
                raise ValueError(f"vocabulary {one.name} extends {name}, which is not there")
            add(by_name[name])

    add(file)
    add(by_name[APPLICATION])
    return list(found.values())


def _compile(file: VocabularyFile, by_name: Mapping[str, VocabularyFile]) -> Vocabulary:
    lineage = _lineage(file, by_name)
    targets: dict[str, list[Target]] = {}
    places: dict[str, int] = {}
    numbered: dict[str, str] = {}
    documents: list[tuple[str, tuple[tuple[str, tuple[Path, ...]], ...]]] = []
    values: dict[str, dict[str, str]] = {}
    for one in lineage:
        for told, names in one.fields.items():
            for name in names:
                targets.setdefault(name, [])
                if any(known == told for known, _ in targets[name]):
                    continue
                targets[name].append((told, places.setdefault(told, 0)))
                places[told] += 1
        for told, prefixes in one.numbered.items():
            for prefix in prefixes:
                numbered.setdefault(prefix, told)
        documents.extend((document.attribute, tuple(document.fields.items())) for document in one.documents)
        for told, meaning in one.values.items():
            for value, meant in meaning.items():
                values.setdefault(told, {}).setdefault(value.lower(), meant)
    return Vocabulary(
        name=file.name,
        native_of=file.native_of,
        ids_told=file.ids_told,
        ranks=pack_levels(file.levels, native=file.native_of is not None),
        cached_told=_first_told(lineage, lambda one: one.cached_told),
        input_excludes_cached_for=frozenset(p for one in lineage for p in one.input_excludes_cached_for),
        answered_may_echo=any(one.answered_may_echo for one in lineage),
        made_up_ids=_either(pattern for one in lineage for pattern in one.made_up_ids),
        rules=tuple(_rule(rule) for one in lineage for rule in one.kinds),
        targets={name: tuple(told) for name, told in targets.items()},
        prefixes=tuple(numbered),
        numbered=numbered,
        documents=tuple(documents),
        records=tuple((_glob(record.event), record) for one in lineage for record in one.records),
        first_token_events=frozenset(event for one in lineage for event in one.first_token_events),
        message_events={name: told for one in reversed(lineage) for name, told in one.message_events.items()},
        continued=file.continued,
        values=values,
    )


def _first_told(lineage: Iterable[VocabularyFile], get: Callable[[VocabularyFile], bool | None]) -> bool | None:
    return next((told for told in map(get, lineage) if told is not None), None)


def _either(patterns: Iterable[str]) -> re.Pattern[str] | None:
    parts = [f"(?:{pattern})" for pattern in patterns]
    return re.compile("|".join(parts)) if parts else None


def _rule(rule: KindRule) -> Rule:
    plain = frozenset(value for value in rule.one_of if "*" not in value)
    globs = [fnmatch.translate(value) for value in rule.one_of if "*" in value]
    return Rule(
        kind=None if rule.kind == "ignored" else rule.kind,
        attribute=rule.attribute,
        values=plain,
        pattern=_either(globs),
        name=_glob(rule.name) if rule.name else None,
        all=rule.all,
        any=rule.any,
        none=rule.none,
        failed=rule.failed,
    )
