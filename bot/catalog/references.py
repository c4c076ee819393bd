"""What the parts of a catalog say about each other: names that must exist, names that must be unique."""

from collections.abc import Callable, Iterator
from typing import Any

from bot.catalog import references_contacts, references_cover
from bot.catalog.problems import Problem
from bot.catalog.raw import Named, entries, mapping, repeated, texts, unknown
from bot.catalog.reading import Document, FieldPath
from bot.catalog.schema import too_often
from bot.catalog.values import duration, nearest, shown

FALLBACKS = ("retry", "cached", "template", "human", "none")
"""What may happen instead of a call, beside asking another provider."""


def problems(document: Document) -> list[Problem]:
    """Looks at the raw data, so that references are checked even where other parts of the file are wrong."""
    checks: tuple[Callable[[Document], Iterator[Problem]], ...] = (
        _people,
        _providers,
        _deputies,
        _standbys,
        _unique_names,
        _capped_features,
        _drivers,
        _unique_people,
        _pages,
        _fallbacks,
        _unique_patterns,
        _unique_models,
        *references_cover.CHECKS,
        *references_contacts.CHECKS,
    )
    return [problem for check in checks for problem in check(document)]


def _routes(document: Document) -> Iterator[tuple[FieldPath, dict[str, Any]]]:
    for path, system in entries(document, "systems"):
        for name, route in mapping(system.get("routes")).items():
            if isinstance(route, dict):
                yield (*path, "routes", name), route


def _people(document: Document) -> Iterator[Problem]:
    for path, _ in entries(document, "systems"):
        for named in texts(document, (*path, "owner")) + texts(document, (*path, "deputies")):
            yield from unknown(document, named, "people", "a person")


def _providers(document: Document) -> Iterator[Problem]:
    paths = [(*path, "depends_on") for path, _ in entries(document, "systems")]
    paths += [(*path, key) for path, _ in _routes(document) for key in ("primary", "standbys")]
    paths += [(*path, "provider") for path, _ in entries(document, "watches")]
    for path in paths:
        for named in texts(document, path):
            yield from unknown(document, named, "providers", "a provider")


def _deputies(document: Document) -> Iterator[Problem]:
    for path, system in entries(document, "systems"):
        yield from repeated(document, (*path, "deputies"), system.get("owner"), "is the owner already")
        yield from repeated(document, (*path, "depends_on"), None, "")


def _standbys(document: Document) -> Iterator[Problem]:
    for path, route in _routes(document):
        yield from repeated(document, (*path, "standbys"), route.get("primary"), "is the primary already")


def _unique_names(document: Document) -> Iterator[Problem]:
    """Routes, features and caps are served under `route.<name>` and so on, whatever their system."""
    for kind in ("routes", "features", "caps"):
        owners: dict[str, FieldPath] = {}
        for path, system in entries(document, "systems"):
            for name in mapping(system.get(kind)):
                if name in owners:
                    message = f"{owners[name][1]} has a {kind[:-1]} of this name, and products ask for it by name alone"
                    yield document.problem((*path, kind, name), message, f"rename one, for example {path[1]}-{name}")
                owners.setdefault(name, path)


def _capped_features(document: Document) -> Iterator[Problem]:
    for path, system in entries(document, "systems"):
        features = sorted(mapping(system.get("features")))
        for name, cap in mapping(system.get("caps")).items():
            feature = mapping(cap).get("feature")
            if isinstance(feature, str) and feature not in features:
                guess = nearest(feature, features)
                fix = f"did you mean {guess}?" if guess else "name one of its `features`, or leave it out"
                yield document.problem(
                    (*path, "caps", name, "feature"), f"{path[1]} has no feature {shown(feature)}", fix
                )


def _drivers(document: Document) -> Iterator[Problem]:
    for path, system in entries(document, "systems"):
        for kind in ("features", "caps", "keys"):
            for name in mapping(system.get(kind)):
                for named in texts(document, (*path, kind, name, "via")):
                    yield from unknown(document, named, "drivers", "a driver")
    for path, _ in entries(document, "providers"):
        for named in texts(document, (*path, "limit", "via")):
            yield from unknown(document, named, "drivers", "a driver")


def _unique_people(document: Document) -> Iterator[Problem]:
    for key, what in (("email", "e-mail"), ("slack", "Slack id")):
        owners: dict[str, str | int] = {}
        for path, person in entries(document, "people"):
            value = person.get(key)
            if not isinstance(value, str):
                continue
            first = owners.setdefault(value.casefold(), path[1])
            if first != path[1]:
                yield document.problem((*path, key), f"{first} has the same {what}", "keep one of the two people")


def _fallbacks(document: Document) -> Iterator[Problem]:
    providers = sorted(mapping(document.at(("providers",))))
    for path, system in entries(document, "systems"):
        used = {name for _, name in _used(document, path)}
        for dependency, triggers in mapping(system.get("fallbacks")).items():
            own = (*path, "fallbacks", dependency)
            if dependency not in used:
                guess = nearest(dependency, sorted(used))
                fix = f"did you mean {guess}?" if guess else "name one of its routes, or add it to `depends_on`"
                yield document.problem(own, f"{path[1]} does not use a provider {shown(dependency)}", fix, at_key=True)
            for trigger, what in mapping(triggers).items():
                if what == dependency:
                    fix = "write retry, if it should be asked again"
                    yield document.problem((*own, trigger), f"{dependency} cannot stand in for itself", fix)
                elif isinstance(what, str) and what not in FALLBACKS and what not in providers:
                    guess = nearest(what, [*providers, *FALLBACKS])
                    words = f"write a provider of this catalog, or one of {', '.join(FALLBACKS)}"
                    fix = f"did you mean {guess}? ({words})" if guess else words
                    yield document.problem((*own, trigger), f"{shown(what)} is not known here", fix)


def _used(document: Document, path: FieldPath) -> Iterator[Named]:
    """The providers that a system names."""
    yield from texts(document, (*path, "depends_on"))
    for route, _ in _routes(document):
        if route[: len(path)] == path:
            yield from texts(document, (*route, "primary"))
            yield from texts(document, (*route, "standbys"))


def _unique_patterns(document: Document) -> Iterator[Problem]:
    for path, system in entries(document, "systems"):
        patterns = system.get("redact")
        seen: set[str] = set()
        for index, entry in enumerate(patterns if isinstance(patterns, list) else []):
            name = mapping(entry).get("name")
            if not isinstance(name, str):
                continue
            if name in seen:
                fix = "give it a name of its own, or join the patterns with |"
                yield document.problem((*path, "redact", index, "name"), f"{shown(name)} is named twice", fix)
            seen.add(name)


def _unique_models(document: Document) -> Iterator[Problem]:
    for path, provider in entries(document, "providers"):
        seen: dict[str, str] = {}
        for model in mapping(provider.get("prices")):
            first = seen.setdefault(model.casefold(), model)
            if first != model:
                own = (*path, "prices", model)
                yield document.problem(own, f"{first} is the same model", "keep one of the two prices", at_key=True)


def _pages(document: Document) -> Iterator[Problem]:
    providers = mapping(document.at(("providers",)))
    for path, watch in entries(document, "watches"):
        provider = watch.get("provider")
        page = watch.get("page") or (
            mapping(providers.get(provider)).get("status") if isinstance(provider, str) else None
        )
        if page is None and isinstance(provider, str) and provider in providers:
            fix = f"add `page: https://…` here, or `status` to providers.{provider}"
            yield document.problem((*path, "page"), "is missing", fix)
        yield from _interval(document, (*path, "interval"), watch.get("interval"), page)


def _interval(document: Document, path: FieldPath, interval: object, page: object) -> Iterator[Problem]:
    if not isinstance(interval, str) or not isinstance(page, str):
        return
    try:
        length = duration(interval)
    except ValueError:
        return
    if not length:
        yield document.problem(path, "is zero", "write at least 30s")
    elif too_often(length, page):
        yield document.problem(path, f"{interval} is too often for a public page", "write at least 30s")
