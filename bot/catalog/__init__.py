"""The catalog, `badday.yaml`: people, providers, systems and watches; every mistake with its line."""

from bot.catalog.load import load_catalog, parse_catalog
from bot.catalog.models import (
    BadStatus,
    Catalog,
    Engine,
    Feature,
    Hysteresis,
    Person,
    Provider,
    Route,
    System,
    Watch,
)
from bot.catalog.problems import CatalogError, Problem

__all__ = [
    "BadStatus",
    "Catalog",
    "CatalogError",
    "Engine",
    "Feature",
    "Hysteresis",
    "Person",
    "Problem",
    "Provider",
    "Route",
    "System",
    "Watch",
    "load_catalog",
    "parse_catalog",
]
