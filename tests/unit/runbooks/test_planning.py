"""From a runbook and an incident to the steps that are offered."""

from bot.actions.registry import packaged
from bot.catalog import Catalog, Provider, Route, System
from bot.runbooks.facts import Facts, IncidentFacts, RouteFacts
from bot.runbooks.meaning import parse_runbook
from bot.runbooks.planning import plan, standby

TEXT = """
runbook: 1
name: outage
summary: Move traffic.
steps:
  - {id: look, title: "Is it {{ incident.provider }}?", note: "{{ incident.title }}"}
  - id: switch
    title: Switch {{ route.name }}
    do: route.set
    with: {route: "{{ route.name }}", to: "{{ route.standby }}"}
  - {id: other, title: Switch voice, do: route.set, with: {route: voice, to: b}}
"""
INCIDENT = IncidentFacts(7, "support-bot", "a is down {{ 1 }}", "sev1", "a")
SYSTEM = System(
    "support-bot", "maria", "support-bot", routes={name: Route(name, "a", ("b",)) for name in ("chat", "mail")}
)
CATALOG = Catalog(providers={name: Provider(name) for name in "ab"}, systems={"support-bot": SYSTEM})


def route(name: str, to: str | None = "b") -> RouteFacts:
    return RouteFacts(name, "a", "a", ("b",), to)


def planned(*routes: RouteFacts) -> list[tuple[str, str, object, bool]]:
    runbook = parse_runbook(TEXT, "outage.yaml", packaged())
    steps = plan(runbook, catalog=CATALOG, system=SYSTEM, facts=Facts(INCIDENT, routes), actions=packaged())
    return [(step.name, step.title, step.arguments or step.note, step.moot) for step in steps]


IMPOSSIBLE = "This step is not possible here: support-bot has no route 'voice'; it has: chat, mail"


def test_a_step_that_speaks_of_the_route_comes_once_for_each_route() -> None:
    assert planned(route("chat"), route("mail")) == [
        ("look", "Is it a?", "a is down {{ 1 }}", False),
        ("switch", "Switch chat", {"route": "chat", "to": "b"}, False),
        ("switch", "Switch mail", {"route": "mail", "to": "b"}, False),
        ("other", "Switch voice", IMPOSSIBLE, True),
    ]


def test_without_a_route_on_the_provider_the_step_says_so() -> None:
    assert planned()[1] == (
        "switch",
        "switch",
        "No route of support-bot uses a now: there is nothing to switch.",
        True,
    )


def test_without_a_standby_the_step_says_what_to_add() -> None:
    assert planned(route("chat", None))[1] == (
        "switch",
        "switch",
        "Route chat has no other provider to switch to. Add `standbys` to it in badday.yaml.",
        True,
    )


def test_the_standby_is_the_first_other_provider_that_is_well() -> None:
    assert standby(("a", "b", "c"), "a", frozenset()) == "b"
    assert standby(("a", "b", "c"), "a", frozenset({"a", "b"})) == "c"
    assert standby(("a", "b", "c"), "b", frozenset()) == "a"
    assert standby(("a", "b"), "a", frozenset({"a", "b"})) == "b"
    assert standby(("a",), "a", frozenset()) is None
