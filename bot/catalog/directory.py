"""Known providers and where their status pages are: data with a date, kept in providers.yaml."""

from functools import cache
from importlib.resources import files

from pydantic import BaseModel, ConfigDict, TypeAdapter

from bot.catalog.models import Engine
from bot.catalog.reading import read
from bot.catalog.values import Name, PageUrl


class KnownProvider(BaseModel):
    """A provider's status page, as last seen at `evidence` (a date, or the month or year of one)."""

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)

    page: PageUrl
    engine: Engine
    components: tuple[str, ...]
    evidence: str


@cache
def known_providers() -> dict[str, KnownProvider]:
    """By name, in lower case."""
    text = files("bot.catalog").joinpath("providers.yaml").read_text(encoding="utf-8")
    return TypeAdapter(dict[Name, KnownProvider]).validate_python(read(text, "providers.yaml").data)
