"""Actions that set a value on the switchboard: what they say, what they set, and the way back."""

from typing import Any

import pytest

from bot.actions.contract import ActionError
from tests.integration.actions.conftest import Stage

CASES: list[tuple[str, dict[str, Any], str, object, str]] = [
    ("route.set", {"route": "chat", "to": "cirrus"}, "Switch route chat from northwind to cirrus", "cirrus",
     "Switch route chat from cirrus to northwind"),
    ("route.split", {"route": "chat", "shares": {"northwind": "90", "cirrus": 10}},
     "Split route chat from northwind to northwind 90 %, cirrus 10 %", {"split": {"cirrus": 10, "northwind": 90}},
     "Split route chat from northwind 90 %, cirrus 10 % to northwind"),
    ("feature.off", {"feature": "autoreply"}, "Switch feature autoreply off", False, "Switch feature autoreply on"),
    ("spend.cap", {"cap": "daily", "amount": "$100"}, "Limit cap daily at $100.00 a day",
     {"amount": "100.00", "currency": "USD", "period": "day"},
     "Take the limit of cap daily away, which is $100.00 a day"),
    ("model.pin", {"route": "chat", "model": "gpt-4.1-mini"}, "Pin the model of route chat to gpt-4.1-mini",
     "gpt-4.1-mini", "Leave the model of route chat to the product again, which is pinned to gpt-4.1-mini"),
    ("model.ban", {"provider": "northwind", "model": "o3"}, "Ban o3 of northwind", ["o3"],
     "Allow o3 of northwind again"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "arguments", "said", "value", "back"), CASES, ids=[case[0] for case in CASES])
async def test_it_sets_and_it_sets_back(
    stage: Stage, name: str, arguments: dict[str, Any], said: str, value: object, back: str
) -> None:
    from bot.actions.registry import packaged

    action = packaged()[name]
    previous = await action.read(stage.context, action.With.model_validate(arguments))
    assert await stage.run(name, **arguments) == (said, {"value": value, "changed_by": "maria"})
    assert (await stage.run(name, **arguments))[0].startswith("Keep "), "a second time there is nothing to do"
    assert await stage.undo(name, previous, **arguments) == back
    assert (await action.read(stage.context, action.With.model_validate(arguments)))["value"] == previous["value"]


async def test_a_feature_comes_back(stage: Stage) -> None:
    await stage.run("feature.off", feature="autoreply")
    assert (await stage.run("feature.on", feature="autoreply"))[1]["value"] is True


async def test_a_cap_is_taken_away(stage: Stage) -> None:
    await stage.run("spend.cap", cap="daily", amount=5)
    assert (await stage.run("spend.cap", cap="daily", amount="off"))[1]["value"] is None


async def test_what_somebody_else_set_since_is_not_ours(stage: Stage) -> None:
    from bot.actions.registry import packaged

    action = packaged()["spend.cap"]
    wanted = action.With.model_validate({"cap": "daily", "amount": "100"})
    await action.apply(stage.context, wanted)
    assert action.is_ours(wanted, await action.read(stage.context, wanted))
    await stage.run("spend.cap", cap="daily", amount="200")
    assert not action.is_ours(wanted, await action.read(stage.context, wanted))


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("route.set", {"route": "voice", "to": "cirrus"}, "support-bot has no route 'voice'; it has: chat"),
        ("route.set", {"route": "chat", "to": "polar"}, "route.chat cannot be 'polar'; its providers are: northwind"),
        ("route.split", {"route": "chat", "shares": {"northwind": 50}}, "write whole percents that make 100"),
        ("route.split", {"route": "chat", "shares": {"northwind": "half"}}, "the share of northwind is 'half'"),
        ("feature.off", {"feature": "magic"}, "support-bot has no feature 'magic'; it has: autoreply"),
        ("spend.cap", {"cap": "daily", "amount": "-5"}, "write an amount of US dollars to the cent"),
        ("spend.cap", {"cap": "weekly", "amount": "5"}, "support-bot has no cap 'weekly'; it has: daily"),
        ("model.pin", {"route": "chat", "model": "<!here>"}, "it is the name of a model"),
        ("model.ban", {"provider": "polar", "model": "o3"}, "support-bot has no ban 'polar'"),
    ],
)
async def test_what_cannot_be_is_said_before_anything_is_done(
    stage: Stage, name: str, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(ActionError, match=message) as caught:
        await stage.run(name, **arguments)
    assert caught.value.permanent
