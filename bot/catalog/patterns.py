"""Patterns in RE2 syntax, which reads any text in linear time; checked before they are used."""

from functools import cache

_PROBES = ("", "a 0, é\n")
"""A pattern such as `\\b` matches nothing at all only where there is something."""


class PatternError(ValueError):
    """A pattern cannot be used; the message says why, after the words "the pattern"."""


@cache
def checked(pattern: str) -> str:
    """The pattern, if RE2 can use it and it never matches nothing at all. Raises PatternError.

    RE2 is loaded with the first pattern: most catalogs have none.
    """
    import re2

    options = re2.Options()
    options.log_errors = False
    try:
        compiled = re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0] if error.args else ""
        said = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
        raise PatternError(f"cannot be used: {said or 'RE2 refuses it'}") from None
    if any(found.start() == found.end() for probe in _PROBES for found in compiled.finditer(probe)):
        raise PatternError("also matches nothing at all, so it would be found everywhere")
    return pattern
