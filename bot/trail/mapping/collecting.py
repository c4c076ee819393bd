"""One pass over the attributes of a span or record: what they tell, under the trail's own names."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from bot.trail.calls import Facts
from bot.trail.mapping import errors, messages
from bot.trail.mapping.telling import LONGEST_EXTRA, Told, word
from bot.trail.mapping.vocabulary import Vocabulary
from bot.trail.spans import Event, Span

_NUMBERED_DEPTH = 8
_MOST_MESSAGES = 10_000


@dataclass(slots=True)
class Talk:
    """Records of one span, one a message."""

    asked: list[tuple[int, messages.Message]] = field(default_factory=list)
    answers: list[messages.Message] = field(default_factory=list)
    finish: str | None = None
    first_us: int = 0

    def add(self, time_us: int, body: Any, attributes: Mapping[str, Any], role: str | None, *, answer: bool) -> None:
        """One record's message."""
        self.first_us = min(self.first_us or time_us, time_us)
        content = messages.decoded(body or attributes.get("gen_ai.event.content"))
        if not isinstance(content, Mapping):
            content = {"content": content} if content else attributes
        if answer:
            self.answers.extend(messages.read_messages(content, "assistant"))
            self.finish = self.finish or word(content.get("finish_reason"))
            return
        message = {"role": role, **content}
        if role == "tool" and "id" in content:
            message["tool_call_id"] = content["id"]
        self.asked.extend((time_us, one) for one in messages.read_messages(message, role or "user"))


def collect(told: Told, attributes: Mapping[str, Any]) -> None:
    """One pass over the attributes."""
    vocabulary = told.vocabulary
    targets, prefixes = vocabulary.targets, vocabulary.prefixes
    raw, places = told.raw, told.places
    numbered: list[tuple[str, Any]] | None = None
    for name, value in attributes.items():
        found = targets.get(name)
        if found is None:
            if prefixes and name.startswith(prefixes):
                if numbered is None:
                    numbered = []
                numbered.append((name, value))
            continue
        if (not value and (value is None or value == "")) or value == "__REDACTED__":
            continue
        for field_name, place in found:
            if field_name == "extra":
                if not isinstance(value, str) or len(value) <= LONGEST_EXTRA:
                    told.extra[name] = value
            elif places.get(field_name, place) >= place:
                places[field_name] = place
                raw[field_name] = value
    if vocabulary.continued is not None and vocabulary.continued.duration in attributes:
        raw["duration_seconds"] = attributes[vocabulary.continued.duration]
    if numbered:
        _read_numbered(told, numbered)


def _read_numbered(told: Told, numbered: list[tuple[str, Any]]) -> None:
    """Messages that are spread over attributes: `gen_ai.prompt.0.role`, `gen_ai.prompt.0.content`."""
    if _take_plain(told, numbered):
        return
    trees: dict[str, dict[str, Any]] = {"input": {}, "output": {}}
    for name, value in numbered:
        if value is None or value == "__REDACTED__":
            continue
        prefix, steps = _steps(told.vocabulary.prefixes, name)
        if steps[0].isdecimal() and len(steps) <= _NUMBERED_DEPTH:
            _plant(trees[told.vocabulary.numbered[prefix]], steps, value)
    told.input_messages = messages.read_messages(_listed(trees["input"]))
    answers = _listed(trees["output"])
    told.output_messages = messages.read_messages(answers, "assistant")
    if isinstance(answers, list):
        told.numbered_finish = next(
            (
                word(one.get("finish_reason"))
                for one in answers
                if isinstance(one, Mapping) and one.get("finish_reason")
            ),
            None,
        )


def _take_plain(told: Told, numbered: list[tuple[str, Any]]) -> bool:
    """Messages that are a role and a text each, as nearly all are: no tree has to be grown for those."""
    found: dict[str, dict[str, messages.Message]] = {"input": {}, "output": {}}
    prefixes, sides = told.vocabulary.prefixes, told.vocabulary.numbered
    for name, value in numbered:
        prefix, steps = _steps(prefixes, name)
        if len(steps) != 3 or steps[1] != "message" or type(value) is not str or not _is_place(steps[0]):
            return False
        found[sides[prefix]].setdefault(steps[0], {})[steps[2]] = value
    for by_place in found.values():
        for message in by_place.values():
            if not messages.is_plain(message):
                return False
    told.input_messages, told.output_messages = map(_in_order, (found["input"], found["output"]))
    return True


def _in_order(by_place: dict[str, messages.Message]) -> list[messages.Message]:
    places = sorted(by_place, key=int)[:_MOST_MESSAGES]
    return [{"role": by_place[place]["role"], "content": by_place[place]["content"]} for place in places]


def _is_place(step: str) -> bool:
    return len(step) < 6 and step.isdecimal()


@lru_cache(maxsize=10_000)
def _steps(prefixes: tuple[str, ...], name: str) -> tuple[str, tuple[str, ...]]:
    """Which prefix a numbered attribute has, and the steps behind it. The same few hundred names come all the time."""
    prefix = next(prefix for prefix in prefixes if name.startswith(prefix))
    return prefix, tuple(name[len(prefix) :].split("."))


def _plant(tree: dict[str, Any], steps: tuple[str, ...], value: Any) -> None:
    for step in steps[:-1]:
        inner = tree.setdefault(step, {})
        if not isinstance(inner, dict):
            return
        tree = inner
    tree.setdefault(steps[-1], value)


def _listed(tree: Any) -> Any:
    """Dictionaries whose names are all numbers as lists in their order."""
    if not isinstance(tree, dict):
        return tree
    grown = {name: _listed(inner) for name, inner in tree.items()}
    if grown and all(map(_is_place, grown)):
        return [grown[name] for name in sorted(grown, key=int)[:_MOST_MESSAGES]]
    return grown


def read_documents(told: Told, attributes: Mapping[str, Any]) -> None:
    """What is still missing, from attributes that are JSON."""
    raw = told.raw
    for attribute, fields in told.vocabulary.documents:
        value = attributes.get(attribute)
        if value is None or value == "__REDACTED__" or all(name in raw for name, _ in fields):
            continue
        document = messages.decoded(value)
        if not isinstance(document, (Mapping, list)):
            continue
        named = isinstance(document, Mapping)
        for name, paths in fields:
            if name in raw:
                continue
            for path in paths:
                if named and path[0] not in document:  # nearly all are names of other versions
                    continue
                found = _at(document, path)
                if found is not None and found != "":
                    raw[name] = found
                    break


def _at(value: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        if isinstance(step, int):
            if not isinstance(value, list) or step >= len(value):
                return None
            value = value[step]
        elif isinstance(value, Mapping):
            value = value.get(step)
        else:
            return None
    return value


def read_events(told: Told, facts: Facts, span: Span) -> tuple[str | None, str | None]:
    """Exceptions, the first piece of a stream, and content that stands in events."""
    vocabulary = told.vocabulary
    exception: tuple[str | None, str | None] = (None, None)
    talk: Talk | None = None
    for event in span.events:
        name = event.name
        if name == "exception":
            exception = errors.exception_of(event.attributes)
        elif name in vocabulary.first_token_events:
            after = event.time_us - span.start_us
            if facts.first_token_us is None and after >= 0:
                facts.first_token_us = after
        elif name in vocabulary.message_events:
            collect(told, event.attributes)
        elif vocabulary.records and event.attributes:
            talk = _hear(event, vocabulary, talk)
    if talk is not None:
        _take_talk(told, talk)
    return exception


def read_told_events(told: Told) -> None:
    """Events as a JSON list in an attribute: as old versions of Pydantic AI write messages."""
    listed = messages.decoded(told.raw["events"])
    if not isinstance(listed, list):
        return
    talk: Talk | None = None
    for number, one in enumerate(listed):
        name = one.get("event.name") if isinstance(one, dict) else None
        if isinstance(name, str):
            talk = _hear(Event(name, number, one), told.vocabulary, talk)
    if talk is not None:
        while not talk.answers and talk.asked and talk.asked[-1][1].get("role") == "assistant":
            talk.answers.insert(0, talk.asked.pop()[1])  # Logfire writes the answer as one message more
        _take_talk(told, talk)


def _take_talk(told: Told, talk: Talk) -> None:
    told.input_messages = told.input_messages or [one for _, one in talk.asked]
    told.output_messages = told.output_messages or talk.answers
    told.numbered_finish = told.numbered_finish or talk.finish


def _hear(event: Event, vocabulary: Vocabulary, talk: Talk | None) -> Talk | None:
    for pattern, rule in vocabulary.records:
        if rule.kind == "part" and pattern.match(event.name):
            heard = talk or Talk()
            heard.add(event.time_us, None, event.attributes, rule.role, answer=rule.answer)
            return heard
    return talk
