"""The models by which the catalog checks ways to reach people: each contact's own, so a new one needs no edit here.

The contacts are loaded when they are first asked for, since they are written in the catalog's own words for values.
Loading them does no I/O.
"""

from pydantic import BaseModel


def kinds() -> tuple[str, ...]:
    """What a person's contacts may be, `slack` among them."""
    from bot.paging import registry

    return registry.kinds()


def options_model(kind: str) -> type[BaseModel] | None:
    """What a person's contact of this kind may say, its main option under the kind's own name.

    None for one that wants to know nothing (`slack`). Raises LookupError for a kind that does not exist.
    """
    from bot.paging import registry

    return None if kind in registry.BUILT_IN else registry.contact_for(kind).Options


def setup_model(kind: str) -> type[BaseModel] | None:
    """What `contacts.<kind>` may say; a required field in it means that the kind cannot be used without.

    None for one that has nothing to be set up. Raises LookupError for a kind that does not exist.
    """
    from bot.paging import registry

    if kind in registry.BUILT_IN:
        return None
    model = registry.contact_for(kind).Setup
    return model if model.model_fields else None


def required(model: type[BaseModel]) -> list[str]:
    """The keys that cannot be left out, as the file names them."""
    return [field.alias or name for name, field in model.model_fields.items() if field.is_required()]
