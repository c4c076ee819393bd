"""The table of an incident's statuses."""

import itertools

from bot.incidents.status import CHANGES, Status, told


def test_every_change_between_two_statuses_is_told_and_none_to_the_same() -> None:
    assert set(CHANGES) == set(itertools.permutations(Status, 2))
    assert all(told(status, status) is None for status in Status)
