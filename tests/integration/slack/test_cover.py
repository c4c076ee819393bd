"""People ask who is on call and put each other in, through the local workspace."""

from tests.integration.slack.conftest import Place, eventually
from tests.integration.slack.test_asking import whispered


async def typed(place: Place, text: str, expected: str, *, user: str = "maria") -> str:
    await place.do("command", user=user, channel="support-bot", command="/badday", text=text)
    return await whispered(place, user, expected)


async def id_of(place: Place, name: str) -> str:
    users = (await place.get("state"))["users"]
    return next(str(one["id"]) for one in users if one["name"] == name)


async def test_who_answers_for_all_systems_and_for_one(place: Place) -> None:
    await place.face()
    assert "support-bot: Maria Ortiz" in await typed(place, "who", "On call now")
    await typed(place, "who support-bot", "On call now: support-bot: Maria Ortiz.")
    assert "did you mean `/badday who support-bot`?" in await typed(place, "who suport-bot", "There is no system")


async def test_somebody_is_put_in_told_listed_and_taken_out_again(place: Place) -> None:
    await place.face()
    said = await typed(place, "override support-bot sam for 4h a wedding", "is on call for")
    assert "*Sam Lee* is on call for the owner of support-bot from" in said
    assert "cancel 1" in said

    async def told() -> list[str]:
        return [text for one in await place.of_bot("badday", user="sam") if "put you on call" in (text := one["text"])]

    assert "Reason: a wedding." in (await eventually(told))[0]
    await typed(place, "who", "support-bot: Sam Lee")
    assert "by Maria Ortiz: a wedding" in await typed(place, "override list", "Who stands in:")
    await typed(
        place, "override cancel 1", "Sam Lee does not stand in for the owner of support-bot any more", user="sam"
    )
    await typed(place, "override cancel #1", "Nothing was changed: Sam Lee cancelled override 1 already.")
    await typed(place, "override list", "Nobody stands in for anybody")


async def test_people_are_named_by_mention_by_mail_and_as_me_in_any_order(place: Place) -> None:
    await place.face()
    await typed(place, "status", "No open incident", user="sam")  # now Sam is known in Slack
    await typed(place, f"override support-bot <@{await id_of(place, 'sam')}|sam> for 1h", "*Sam Lee* is on call")
    await typed(place, "override me haunted until 23:59", "*Maria Ortiz* is on call for the owner of haunted")
    await typed(place, "override lost/owner sam@example.com now..23:59", "*Sam Lee* is on call for the owner of lost")


async def test_every_refusal_of_an_override_explains_itself(place: Place) -> None:
    await place.face()
    await typed(place, "override", "Who stands in? For example")
    await typed(place, "override support-bot", "Who stands in? For example")
    await typed(place, "override support-bo sam for 1h", "did you mean `support-bot`?")
    await typed(place, "override sam for 1h", "For what does Sam Lee stand in? Name one of `support-bot`")
    await typed(place, "override support-bot zoe for 1h", "There is no person “zoe”. People: ghost, maria, sam.")
    await typed(place, "override support-bot <@U0NOBODY|zoe> for 1h", "I do not know <@U0NOBODY>")
    await typed(place, "override support-bot sam", "Nothing was changed: the time is missing; for example")
    await typed(place, "override support-bot sam for 200d", "Nothing was changed: it would last longer than 92 days")
    await typed(place, "override cancel", "Which one?")
    await typed(place, "override cancel 99", "Nothing was changed: there is no override 99.")
    await typed(place, "override support-bot ana for 1h", "Only people of badday.yaml may change", user="ana")
