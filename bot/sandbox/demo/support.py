"""What the customers of the simulated shop ask, and what a model answers."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random

UNSURE = "I am not certain about that. May I hand you over to a colleague?"


@dataclass(frozen=True)
class Topic:
    """Something that customers ask about: the n-th answer belongs to the n-th question."""

    words: tuple[str, ...]
    questions: tuple[str, ...]
    answers: tuple[str, ...]


@cache
def topics() -> tuple[Topic, ...]:
    """The topics, read from support.json beside this file."""
    data = json.loads(Path(__file__).with_name("support.json").read_text(encoding="utf-8"))
    return tuple(
        Topic(tuple(topic["words"]), tuple(topic["questions"]), tuple(topic["answers"])) for topic in data["topics"]
    )


def a_question(random: Random) -> str:
    """Something that a customer might ask."""
    return random.choice(random.choice(topics()).questions)


def answer_to(question: str) -> str:
    """What a good model says: to a known question its answer, else by the words in it."""
    for topic in topics():
        if question in topic.questions:
            return topic.answers[topic.questions.index(question)]
    words = {word.strip("?.,!").lower() for word in question.split()}
    likely = max(topics(), key=lambda topic: len(words.intersection(topic.words)))
    return likely.answers[0] if words.intersection(likely.words) else UNSURE
