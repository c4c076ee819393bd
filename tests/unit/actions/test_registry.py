"""Actions are found by their files; what an action cannot do is said before it is offered."""

import pytest

from bot.actions.contract import ActionError
from bot.actions.registry import Registry, packaged
from bot.actions.verbs.route_set import RouteArguments, RouteSet
from bot.catalog import Catalog, Provider, Route, System

SYSTEM = System("support-bot", "maria", "support-bot", routes={"chat": Route("chat", "northwind", ("cirrus",))})
CATALOG = Catalog(
    providers={name: Provider(name) for name in ("northwind", "cirrus", "polar")}, systems={SYSTEM.name: SYSTEM}
)


def test_every_file_of_the_folder_gives_its_action() -> None:
    assert sorted(packaged()) == [
        *("cost.breakdown", "evals.run", "feature.off", "feature.on", "http.request", "key.block", "message.post"),
        *("model.ban", "model.pin", "probe.provider", "probe.route", "provider.limit", "route.set", "route.split"),
        *("spend.cap", "ticket.open", "wait"),
    ]


def test_every_argument_says_what_it_means() -> None:
    for action in packaged().values():
        assert all(field.description for field in action.With.model_fields.values()), action.name


def test_two_actions_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match=r"two actions are named route\.set"):
        Registry([RouteSet(), RouteSet()])


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (RouteArguments(route="voice", to="cirrus"), "support-bot has no route 'voice'; it has: chat"),
        (
            RouteArguments(route="chat", to="polar"),
            "route.chat cannot be 'polar'; its providers are: northwind, cirrus",
        ),
    ],
)
def test_a_route_that_the_system_does_not_have_is_refused(arguments: RouteArguments, problem: str) -> None:
    with pytest.raises(ActionError) as caught:
        RouteSet().check(CATALOG, SYSTEM, arguments)
    assert str(caught.value) == problem


@pytest.mark.parametrize(
    ("current", "words"),
    [
        (None, "Set route chat to cirrus"),
        ({"value": "northwind"}, "Switch route chat from northwind to cirrus"),
        ({"value": "cirrus"}, "Keep route chat on cirrus, where it already is"),
    ],
)
def test_the_change_is_described_exactly(current: dict[str, str] | None, words: str) -> None:
    assert RouteSet().describe(RouteArguments(route="chat", to="cirrus"), current) == words


def test_the_reverse_brings_back_what_was_there() -> None:
    back = RouteSet().reverse(RouteArguments(route="chat", to="cirrus"), {"value": "northwind"})
    assert RouteSet().describe(back, {"value": "cirrus"}) == "Switch route chat from cirrus to northwind"
    assert RouteSet().is_ours(back, {"value": "northwind"})
