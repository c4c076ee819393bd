"""Every mistake of a catalog is told at once, at its line, in words that help."""

from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.catalog import Catalog, CatalogError, load_catalog, parse_catalog

GOOD = """\
badday: 1
people:
  maria: {name: Maria Ortiz, email: maria@example.com}
providers:
  openai: {status: https://status.openai.com}
  anthropic: {}
systems:
  support-bot:
    owner: maria
    channel: support-bot
    routes:
      chat: {primary: openai, standbys: [anthropic]}
"""

TEN_MISTAKES = """\
badday: 1
people:
  maria: {name: Maria Ortiz, email: maria.example.com, timezone: Europe/Madrid}
  sam: {name: Sam Lee, email: sam@example.com, timezone: Europe/Madird}
providers:
  openai: {status: http://status.openai.com}
  anthropic: {}
systems:
  support-bot:
    ownr: maria
    owner: mario
    channel: Support Bot
    armed: yes
    routes:
      chat: {primary: openai, standbys: [openai]}
    depends_on: [pinecone]
watches:
  status.openai:
    provider: openai
    interval: 5
"""


def problems_of(text: str) -> list[str]:
    with pytest.raises(CatalogError) as caught:
        parse_catalog(text)
    return [str(problem) for problem in caught.value.problems]


def only_problem(text: str) -> str:
    (problem,) = problems_of(text)
    return problem


def test_ten_mistakes_give_ten_errors_with_their_lines() -> None:
    assert problems_of(TEN_MISTAKES) == [
        "badday.yaml:3: people.maria.email: 'maria.example.com' is not an e-mail address; "
        "write the one of the Slack profile, name@example.com",
        "badday.yaml:4: people.sam.timezone: 'Europe/Madird' is not a time zone; did you mean Europe/Madrid?",
        "badday.yaml:6: providers.openai.status: is plain http, which is only for this machine; use https://",
        "badday.yaml:10: systems.support-bot.ownr: unknown key; did you mean `owner`?",
        "badday.yaml:11: systems.support-bot.owner: 'mario' is not a person of this catalog; did you mean maria?",
        "badday.yaml:12: systems.support-bot.channel: 'Support Bot' is not a channel; "
        "write its name in lower case without `#` (support-bot), or its id (C…)",
        "badday.yaml:13: systems.support-bot.armed: must be true or false, not 'yes'; "
        "write true or false, without quotes",
        "badday.yaml:15: systems.support-bot.routes.chat.standbys[0]: openai is the primary already; "
        "name another one, or remove it",
        "badday.yaml:16: systems.support-bot.depends_on[0]: 'pinecone' is not a provider of this catalog; "
        "add it under `providers`, or write one of them",
        "badday.yaml:20: watches.status.openai.interval: '5' is not a duration; "
        "write a number with a unit: 45s, 5m, 1h30m",
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "badday.yaml:1: the catalog is empty; make one with `badday init`"),
        ("# only words\n", "badday.yaml:1: the catalog is empty; make one with `badday init`"),
        ("[1]", "badday.yaml:1: must be a mapping, not a list; write `key: value` lines, indented under it"),
        ("badday: 1\n\tpeople: {}", "badday.yaml:2: a tab is used for indentation; indent with spaces"),
        (GOOD + "---\n", "badday.yaml:13: a second document starts here; keep one document and remove the line ---"),
        (
            GOOD.replace("badday: 1", "badday: 1\nbadday: 1"),
            "badday.yaml:2: badday: this key is already in line 1; remove one of the two",
        ),
        (
            GOOD.replace("openai: {", "openai: &page {").replace("anthropic: {}", "anthropic: *page"),
            "badday.yaml:6: providers.anthropic: the alias *page is not supported; write the value out",
        ),
        (
            GOOD.replace("owner: maria", "owner: !person maria"),
            "badday.yaml:9: systems.support-bot.owner: the tag !person is not supported; remove it",
        ),
        (
            GOOD.replace("channel: support-bot", "channel: #support-bot"),
            "badday.yaml:10: systems.support-bot.channel: is empty; "
            "write a value, or remove the key (text that starts with # must stand in quotes)",
        ),
        (
            GOOD.replace("    owner: maria\n", ""),
            "badday.yaml:8: systems.support-bot.owner: is missing; add `owner: …`",
        ),
        (
            GOOD.replace("badday: 1", "badday: 2"),
            "badday.yaml:1: badday: '2' is not known here; write 1",
        ),
        (
            GOOD.replace("anthropic: {}", "anthropic: {}\n  my llm: {}"),
            "badday.yaml:7: providers.my llm: 'my llm' is not a name; "
            "use letters, digits, `.`, `_` and `-`, starting with a letter or digit, at most 64",
        ),
        (
            GOOD + "watches:\n  w: {provider: anthropic}\n",
            "badday.yaml:14: watches.w.page: is missing; "
            "add `page: https://…` here, or `status` to providers.anthropic",
        ),
        (
            GOOD + "watches:\n  w: {provider: openai, interval: 29s}\n",
            "badday.yaml:14: watches.w.interval: 29s is too often for a public page; write at least 30s",
        ),
        (
            GOOD + "watches:\n  w: {provider: openai, bad: [degraded_performance]}\n",
            "badday.yaml:14: watches.w.bad[0]: 'degraded_performance' is not known here; did you mean degraded? "
            "(write degraded, partial_outage, major_outage or maintenance)",
        ),
        (
            GOOD + "watches:\n  w: {provider: openai, hysteresis: {bad: 4}}\n",
            "badday.yaml:14: watches.w.hysteresis: asks for 4 bad of 3 observations; make `bad` at most `of`",
        ),
        (
            GOOD + "  sales-bot:\n    owner: maria\n    channel: sales\n    routes: {chat: {primary: openai}}\n",
            "badday.yaml:16: systems.sales-bot.routes.chat: support-bot has a route of this name, "
            "and products ask for it by name alone; rename one, for example sales-bot-chat",
        ),
    ],
)
def test_a_mistake_is_told_with_its_line_and_what_to_do(text: str, problem: str) -> None:
    assert only_problem(text) == problem


def test_a_token_pasted_into_the_catalog_is_not_repeated() -> None:
    assert "xoxb" not in only_problem(GOOD.replace("email: maria@example.com", "email: xoxb-1-secret"))


def test_ten_lines_of_nested_aliases_are_refused_before_they_grow() -> None:
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{i + 1}: &a{i + 1} [*a{i}, *a{i}]\n" for i in range(40))
    assert any("the alias *a0 is not supported" in problem for problem in problems_of(bomb))


def test_deep_nesting_is_refused() -> None:
    assert "nested too deeply" in only_problem("[" * 5_000)


def test_a_mistake_of_the_yaml_itself_is_the_only_one_told() -> None:
    assert only_problem(GOOD + "  other: {owner: nobody}\nwatches: [\n").startswith("badday.yaml:15: this is not YAML")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "1: there is no such file"),
        (b"badday: 1\npeople: \xff\n", "2: is not UTF-8 text"),
        (b"#" * 1_048_577, "1: is larger than 1024 KiB"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(tmp_path: Path, content: bytes | None, problem: str) -> None:
    path = tmp_path / "badday.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CatalogError) as caught:
        load_catalog(path)
    assert caught.value.unreadable
    assert problem in str(caught.value)


def test_a_folder_is_no_catalog(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="cannot be read: is a directory"):
        load_catalog(tmp_path)


KEYS = """badday people providers systems watches owner channel routes primary provider page interval standbys status
    engine maria email hysteresis bad << [key]"""
keys = st.sampled_from(KEYS.split())
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | keys
trees = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4), max_leaves=20
)


@given(trees)
def test_any_data_gives_a_catalog_or_problems(tree: object) -> None:
    _catalog_or_problems(_flow(tree))


@given(
    st.text(alphabet=st.characters(codec="utf-8"), max_size=200)
    | st.text("abc:[]{}&*!-? \n\t'\"#|>%@`,~1.0", max_size=80)
)
def test_any_text_gives_a_catalog_or_problems(text: str) -> None:
    _catalog_or_problems(text)


@given(st.lists(st.sampled_from(GOOD.splitlines() + TEN_MISTAKES.splitlines()), max_size=30))
def test_any_lines_of_a_catalog_give_a_catalog_or_problems(lines: list[str]) -> None:
    _catalog_or_problems("\n".join(lines))


def _catalog_or_problems(text: str) -> None:
    try:
        problems = []
        assert isinstance(parse_catalog(text), Catalog)
    except CatalogError as error:
        problems = error.problems or pytest.fail("an error without a problem")
    lines = 1 + sum(text.count(end) for end in "\n\r\x85\u2028\u2029")
    for problem in problems:
        assert 1 <= problem.line <= lines + 1
        assert problem.column >= 1
        assert problem.message
        assert problem.fix


def _flow(tree: object) -> str:
    if isinstance(tree, dict):
        return "{" + ", ".join(f"{key or '~'}: {_flow(value)}" for key, value in tree.items()) + "}"
    if isinstance(tree, list):
        return "[" + ", ".join(_flow(each) for each in tree) + "]"
    return str(tree)


def test_the_line_of_each_mistake_is_right_wherever_it_stands() -> None:
    lines = GOOD.splitlines()
    for index, line in enumerate(lines):
        if ": " not in line or line.startswith("badday"):
            continue
        indent = len(line) - len(line.lstrip())
        wrong = [*lines[:index], " " * indent + "nonsense_key: [1]", *lines[index:]]
        with pytest.raises(CatalogError) as caught:
            parse_catalog("\n".join(wrong))
        assert {problem.line for problem in caught.value.problems} == {index + 1}, dedent(str(caught.value))


def test_a_misspelt_key_is_one_mistake() -> None:
    text = "badday: 1\npeople:\n  sam: {nmae: Sam, email: sam@example.com}\n"
    text += "systems:\n  bot: {owner: sam, channel: bot}\n"
    with pytest.raises(CatalogError) as caught:
        parse_catalog(text)
    assert [str(problem) for problem in caught.value.problems] == [
        "badday.yaml:3: people.sam.nmae: unknown key; did you mean `name`?"
    ]
