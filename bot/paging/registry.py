"""Finds the contacts: every file of their folder, without a list to keep."""

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType
from typing import Any

from bot.paging import contacts
from bot.paging.contact import Contact, ContactOptions, ContactSetup

BUILT_IN = frozenset({"slack"})
"""Ways of a person that are messages of the outbox, and want to know nothing."""

AnyContact = Contact[Any, Any]


@cache
def all_contacts() -> Mapping[str, AnyContact]:
    """Every contact by its kind."""
    for module in iter_modules(contacts.__path__, f"{contacts.__name__}."):
        import_module(module.name)
    # Generic[…] stands between the base and its subclasses nowhere: they are its direct children.
    found = sorted(Contact.__subclasses__(), key=lambda one: one.kind)
    return MappingProxyType({one.kind: one() for one in found if one.__module__.startswith(contacts.__name__)})


def contact_for(kind: str) -> AnyContact:
    """The contact of a kind. Raises LookupError."""
    try:
        return all_contacts()[kind]
    except KeyError:
        raise LookupError(f"there is no contact {kind}; there are: {', '.join(kinds())}") from None


def kinds() -> tuple[str, ...]:
    """What a person's contacts may be, `slack` among them."""
    return tuple(sorted((*BUILT_IN, *all_contacts())))


def options_of(kind: str, given: Mapping[str, Any]) -> ContactOptions:
    """A person's options as the catalog says them. Raises LookupError, and pydantic's ValidationError."""
    return contact_for(kind).Options.model_validate(dict(given))


def setup_of(kind: str, given: Mapping[str, Any] | None) -> ContactSetup:
    """The catalog's `contacts.<kind>`; None where it has no such key. Raises as `options_of`."""
    return contact_for(kind).Setup.model_validate(dict(given or {}))
