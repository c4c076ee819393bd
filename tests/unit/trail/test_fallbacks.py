from collections import Counter

import pytest

from bot.catalog import Route, System
from bot.catalog.models import FallbackTrigger
from bot.trail.attempts.fallbacks import Happened, Verdict, entry_of

TIMEOUT = FallbackTrigger.TIMEOUT
NOTHING = Happened()
TO_CIRRUS = Happened(fell_back=Counter(cirrus=3))
TO_STRATUS = Happened(fell_back=Counter(stratus=3))
RETRIED = Happened(retried=2)
FAILED = Happened(fell_back=Counter(cirrus=3), failed=1)
ONLY_FAILED = Happened(failed=1)


def system(said: str | None = None, *standbys: str) -> System:
    fallbacks = {"northwind": {TIMEOUT: said}} if said is not None else {}
    return System(
        "support-bot", "maria", "c", routes={"chat": Route("chat", "northwind", standbys)}, fallbacks=fallbacks
    )


@pytest.mark.parametrize(
    ("said", "happened", "verdict"),
    [
        ("cirrus", NOTHING, Verdict.NOT_SEEN),
        ("cirrus", TO_CIRRUS, Verdict.AS_EXPECTED),
        ("cirrus", RETRIED, Verdict.AS_EXPECTED),
        ("cirrus", TO_STRATUS, Verdict.OTHER),
        ("cirrus", FAILED, Verdict.USERS_SAW_ERRORS),
        ("retry", RETRIED, Verdict.AS_EXPECTED),
        ("retry", TO_CIRRUS, Verdict.OTHER),
        ("retry", ONLY_FAILED, Verdict.USERS_SAW_ERRORS),
        ("none", ONLY_FAILED, Verdict.AS_EXPECTED),
        ("none", RETRIED, Verdict.OTHER),
        ("cached", ONLY_FAILED, Verdict.CANNOT_TELL),
        ("human", TO_CIRRUS, Verdict.OTHER),
        (None, TO_CIRRUS, Verdict.NOT_SAID),
        (None, ONLY_FAILED, Verdict.USERS_SAW_ERRORS),
    ],
)
def test_what_happened_is_compared_with_what_the_catalog_says(
    said: str | None, happened: Happened, verdict: Verdict
) -> None:
    assert entry_of(system(said), "northwind", TIMEOUT, happened).verdict is verdict


def test_where_nothing_is_said_the_route_s_standby_is_expected() -> None:
    entry = entry_of(system(None, "cirrus"), "northwind", TIMEOUT, TO_CIRRUS)
    assert (entry.expected, entry.verdict) == ("cirrus (standby)", Verdict.AS_EXPECTED)
    assert entry_of(system(None), "northwind", TIMEOUT, TO_CIRRUS).expected is None


def test_what_happened_is_told_in_words() -> None:
    happened = Happened(fell_back=Counter(stratus=1, cirrus=3), retried=2, failed=4)
    assert dict(entry_of(system("cirrus"), "northwind", TIMEOUT, happened).happened) == {
        "fell back to cirrus": 3,
        "fell back to stratus": 1,
        "tried again": 2,
        "failed": 4,
    }
