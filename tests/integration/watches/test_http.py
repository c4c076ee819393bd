"""Polling over real connections: what is sent, what is taken, what is refused."""

import asyncio
import gzip
import time
from datetime import UTC, datetime, timedelta

import pytest

from bot.watches.http import MAX_BODY, Failed, Fresh, Http, Known, Unchanged, pause_after, retry_after
from tests.integration.watches.page_server import Answer, PageServer, endless, reply, validated

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
BODY = b'{"status": {"indicator": "none"}}'


async def test_an_answer_is_fresh_once_and_then_unchanged_by_304(server: PageServer, http: Http) -> None:
    server.answers["/s"] = validated(BODY, '"v1"')
    first = await http.fetch(f"{server.url}/s")
    assert isinstance(first, Fresh)
    assert first.body == BODY
    again = await http.fetch(f"{server.url}/s", first.known)
    assert again == Unchanged(first.known, f"{server.url}/s")
    assert await http.fetch(f"{server.url}/s", first.known) == again
    assert server.asked[1].headers["if-none-match"] == '"v1"'
    assert server.asked[0].headers["user-agent"].startswith("badday/")
    assert server.connections == 1


async def test_without_validators_the_hash_of_the_body_tells(server: PageServer, http: Http) -> None:
    server.answers["/s"] = reply(body=BODY)
    first = await http.fetch(f"{server.url}/s")
    assert isinstance(first, Fresh)
    assert isinstance(await http.fetch(f"{server.url}/s", first.known), Unchanged)
    server.answers["/s"] = reply(body=BODY + b" ")
    assert isinstance(await http.fetch(f"{server.url}/s", first.known), Fresh)


async def test_the_validator_is_dropped_after_an_hour_so_that_a_stuck_one_hides_nothing(server: PageServer) -> None:
    clock = [NOW]
    server.answers["/s"] = validated(BODY, '"stuck"')
    async with Http(clock=lambda: clock[0], environ={}) as http:
        known = Known()
        for minutes in (0, 59, 61, 119):
            clock[0] = NOW + minutes * MINUTE
            fetched = await http.fetch(f"{server.url}/s", known)
            assert isinstance(fetched, Fresh | Unchanged)
            known = fetched.known
    assert ["if-none-match" in asked.headers for asked in server.asked] == [False, True, False, True]


async def test_a_304_that_was_not_asked_for_is_no_answer(server: PageServer, http: Http) -> None:
    server.answers["/s"] = reply(304)
    assert isinstance(await http.fetch(f"{server.url}/s"), Failed)


async def test_redirects_are_followed_and_the_last_address_is_recorded(server: PageServer, http: Http) -> None:
    for number in range(3):
        server.answers[f"/{number}"] = reply(302, Location=f"/{number + 1}")
    server.answers["/3"] = reply(body=BODY)
    fetched = await http.fetch(f"{server.url}/0")
    assert isinstance(fetched, Fresh)
    assert fetched.final_url == f"{server.url}/3"


async def test_gzip_is_unpacked(server: PageServer, http: Http) -> None:
    server.answers["/s"] = reply(body=gzip.compress(BODY), Content_Encoding="gzip")
    fetched = await http.fetch(f"{server.url}/s")
    assert isinstance(fetched, Fresh)
    assert fetched.body == BODY


BOMB = gzip.compress(bytes(100 * 2**20))


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (reply(body=b"  <!doctype html><title>Moved</title>"), "an HTML page instead of data"),
        (reply(500), "answered HTTP 500"),
        (reply(301, Location="/s"), "redirects more than 3 times"),
        (reply(301, Location="https://127.0.0.1:1/"), "redirects from http to https"),
        (reply(301, Location="http://status.acme.example/"), "only https is polled"),
        (reply(301), "redirects to nowhere"),
        (reply(body=bytes(MAX_BODY + 1)), "more than 4 MiB"),
        (endless(bytes(2**20)), "more than 4 MiB"),
        (reply(body=BOMB, Content_Encoding="gzip"), "more than 4 MiB"),
        (reply(body=gzip.compress(BODY)[:-9], Content_Encoding="gzip"), "cut off"),
        (reply(body=BODY, Content_Encoding="gzip"), "damaged"),
        (reply(body=BODY, Content_Encoding="br"), "compressed its answer as br"),
        (reply(after=5), "did not answer in time"),
        (endless(b"{", pause=0.2), "did not answer whole within"),
    ],
)
async def test_a_bad_answer_is_a_sentence(server: PageServer, http: Http, answer: Answer, reason: str) -> None:
    server.answers["/s"] = answer
    fetched = await http.fetch(f"{server.url}/s")
    assert isinstance(fetched, Failed)
    assert reason in fetched.reason


@pytest.mark.parametrize(
    "url",
    ["http://status.acme.example/", "ftp://127.0.0.1/", "http://127.0.0.1:1/", "https://[", "nonsense", "https://"],
)
async def test_an_address_that_cannot_be_asked_is_a_sentence(http: Http, url: str) -> None:
    fetched = await http.fetch(url)
    assert isinstance(fetched, Failed)
    assert fetched.reason


async def test_a_closed_connection_is_a_sentence_and_the_next_poll_works(server: PageServer, http: Http) -> None:
    async def hang_up(_asked: object, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    server.answers["/s"] = hang_up
    assert isinstance(await http.fetch(f"{server.url}/s"), Failed)
    server.answers["/s"] = reply(body=BODY)
    assert isinstance(await http.fetch(f"{server.url}/s"), Fresh)


async def test_a_host_is_asked_twice_at_a_time_at_most(server: PageServer, http: Http) -> None:
    server.answers["/s"] = reply(body=BODY, after=0.02)
    fetched = await asyncio.gather(*(http.fetch(f"{server.url}/s") for _ in range(12)))
    assert all(isinstance(one, Fresh) for one in fetched)
    assert (server.most_busy, server.connections) == (2, 2)


async def test_a_slow_host_does_not_delay_another(server: PageServer, http: Http) -> None:
    server.answers["/slow"] = reply(after=5)
    server.answers["/s"] = reply(body=BODY)
    async with PageServer(answers=dict(server.answers)) as other:
        waiting = [asyncio.create_task(http.fetch(f"{server.url}/slow")) for _ in range(10)]
        await asyncio.sleep(0)
        started = time.monotonic()
        assert isinstance(await http.fetch(f"{other.url}/s"), Fresh)
        assert time.monotonic() - started < 0.3
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


async def test_retry_after_is_reported(server: PageServer, http: Http) -> None:
    server.answers["/s"] = reply(429, Retry_After="120")
    assert await http.fetch(f"{server.url}/s") == Failed(f"{server.url}/s answered HTTP 429", 2 * MINUTE, 429)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ("90", 90.0),
        ("Mon, 02 Mar 2026 09:02:00 GMT", 120.0),
        ("Mon, 02 Mar 2026 08:00:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str | None, expected: float | None) -> None:
    found = retry_after(value, NOW)
    assert (found.total_seconds() if found is not None else None) == expected


@pytest.mark.parametrize(
    ("failed", "failures", "minutes"),
    [
        (Failed("5xx", status=503), 9, 1),
        (Failed("network"), 9, 1),
        (Failed("4xx", status=404), 1, 2),
        (Failed("4xx", status=404), 3, 8),
        (Failed("4xx", status=404), 4, 15),
        (Failed("4xx", status=404), 5000, 15),
        (Failed("4xx", timedelta(minutes=30), 429), 1, 30),
        (Failed("5xx", timedelta(days=30), 503), 1, 60),
        (Failed("5xx", timedelta(seconds=1), 503), 1, 1),
    ],
)
def test_pages_that_do_not_want_us_are_left_alone(failed: Failed, failures: int, minutes: int) -> None:
    assert pause_after(failed, failures, MINUTE) == minutes * MINUTE
