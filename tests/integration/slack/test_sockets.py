"""Two Socket Mode connections: no click is lost while Slack refreshes one of them."""

import asyncio

from tests.integration.slack.conftest import Place, eventually


async def two_connections(place: Place) -> None:
    async def two() -> bool:
        return len(place.sandbox.parts.sockets.connections) == 2

    await eventually(two, within=20)


async def test_no_command_is_lost_while_one_connection_is_refreshed(place: Place) -> None:
    await place.face()
    await two_connections(place)
    asked = asyncio.create_task(_ask_often(place))
    for _ in range(3):
        await asyncio.sleep(0.2)
        await place.do("fault", kind="refresh", connections=1)
    assert await asked == 30


async def test_dropped_connections_are_made_anew(place: Place) -> None:
    await place.face()
    await two_connections(place)
    await place.do("fault", kind="disconnect")
    await two_connections(place)
    answer = await place.do("command", user="maria", channel="support-bot", command="/badday", text="help")
    assert answer["acknowledged"]


async def _ask_often(place: Place) -> int:
    acknowledged = 0
    for _ in range(30):
        answer = await place.do("command", user="maria", channel="support-bot", command="/badday", text="help")
        acknowledged += bool(answer["acknowledged"])
        await asyncio.sleep(0.02)
    return acknowledged
