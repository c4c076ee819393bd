"""How far people are with an open incident, as a table: from status x to status -> what the timeline says.

    from          | investigating | identified | monitoring
    investigating |               | found      | watching
    identified    | starting over |            | watching
    monitoring    | starting over | going back |

An empty cell is a refusal: it is so already. A status says nothing about paging; that is bot.incidents.life.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Status(StrEnum):
    INVESTIGATING = "investigating"
    IDENTIFIED = "identified"
    MONITORING = "monitoring"


_STARTING_OVER = "Investigating again: what was believed did not hold"
_WATCHING = "Monitoring: something was done about it, and its effect is watched"

CHANGES: Mapping[tuple[Status, Status], str] = MappingProxyType(
    {
        (Status.INVESTIGATING, Status.IDENTIFIED): "Identified: it is known what is wrong",
        (Status.INVESTIGATING, Status.MONITORING): _WATCHING,
        (Status.IDENTIFIED, Status.INVESTIGATING): _STARTING_OVER,
        (Status.IDENTIFIED, Status.MONITORING): _WATCHING,
        (Status.MONITORING, Status.INVESTIGATING): _STARTING_OVER,
        (Status.MONITORING, Status.IDENTIFIED): "Identified: back from monitoring, what was done did not end it",
    }
)


def told(before: Status, to: Status) -> str | None:
    """What a change means, in a sentence; None where nothing changes."""
    return CHANGES.get((before, to))
