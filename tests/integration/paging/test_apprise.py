"""Everything else through apprise, here its JSON service, over HTTP on loopback."""

import pytest

from bot.catalog.cover import Contact
from tests.integration.paging.reach import secrets
from tests.integration.paging.reaching import MAIL, Reach, then

# One of apprise's own services uses a module that Python is about to drop.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
WAY = Contact("apprise", {"apprise": "MARIA_PHONE"})


@pytest.fixture
def reach_by_apprise(reach: Reach) -> Reach:
    reach.use(secrets(MARIA_PHONE=f"{reach.other.url.replace('http', 'json')}/push?secret=s3cret"))
    reach.team(WAY, then(MAIL))
    return reach


async def test_a_page_arrives_with_title_text_and_link(reach_by_apprise: Reach) -> None:
    reach = reach_by_apprise
    await reach.desk.opened()
    await reach.send()
    (got,) = reach.other.got
    assert got.path == "/push"
    assert got.json()["title"] == "SEV1 support-bot: Answers are wrong"
    assert "/ack/" in got.json()["message"]
    assert got.json()["type"] == "failure"
    assert await reach.desk.attempts() == [("apprise", "delivered")]


@pytest.mark.parametrize(("status", "outcome"), [(403, "failed"), (500, "unknown")])
async def test_what_the_service_does_not_take_hands_over_and_tells_no_secret(
    reach_by_apprise: Reach, status: int, outcome: str
) -> None:
    reach = reach_by_apprise
    reach.other.faults = [status]
    await reach.desk.opened()
    await reach.send()
    assert await reach.desk.attempts() == [("apprise", outcome), ("email", "delivered")]
    assert f"answered {status}" in ((await reach.attempt(0)).detail or "")
    assert not any("s3cret" in entry.text or "127.0.0.1" in entry.text for entry in await reach.desk.timeline())


async def test_what_is_no_address_of_apprise_says_so(reach: Reach) -> None:
    reach.use(secrets(MARIA_PHONE="carrier-pigeon"))
    reach.team(WAY, then(MAIL))
    await reach.desk.opened()
    await reach.send()
    assert (await reach.attempt(0)).detail == "MARIA_PHONE is not an apprise URL; see https://appriseit.com/services/"
