"""Maintenance windows of the catalog: which one a system is in, at a time. Pure."""

from datetime import datetime

from bot.catalog import Catalog
from bot.catalog.cover import Maintenance
from bot.paging.policy import is_within


def is_in_force(window: Maintenance, at: datetime) -> bool:
    """Whether it is that time: once from `starts` to `ends`, or weekly in `hours`; the end does not belong to it."""
    if window.starts is not None and window.ends is not None:
        return window.starts <= at < window.ends
    return is_within(window.hours, at)


def is_about(window: Maintenance, system: str) -> bool:
    return not window.systems or system in window.systems


def of_system(catalog: Catalog, system: str, at: datetime) -> Maintenance | None:
    """The first window of the catalog that the system is in."""
    windows = catalog.maintenance.values()
    return next((one for one in windows if is_about(one, system) and is_in_force(one, at)), None)
