"""Severities: sev1 and sev2 page a person, sev3 only tells the thread."""

from enum import StrEnum


class Severity(StrEnum):
    SEV1 = "sev1"
    SEV2 = "sev2"
    SEV3 = "sev3"

    @property
    def pages(self) -> bool:
        """Whether somebody is woken up for it."""
        return self is not Severity.SEV3


def worse(one: str, other: str) -> str:
    """The graver of two severities."""
    return min(one, other)
