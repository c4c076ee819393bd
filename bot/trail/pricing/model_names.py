"""The ways in which one model is named: with a provider before it, a region, a version or a date after it."""

import re
from collections.abc import Iterator

_DATE = re.compile(r"(?:[-@](?:20\d{2}-?[01]\d-?[0-3]\d|latest)|-\d{4}|@default)(?=$|-v\d+:\d+$)")
_VERSION = re.compile(r"-v\d+(?::\d+)*$")
_REGION = re.compile(r"^(?:us|us-gov|eu|apac|global|jp|au|ca|sa|regional)\.(?=[a-z0-9]+\.)")
_MAKER = re.compile(r"^(anthropic|amazon|meta|mistral|cohere|ai21|deepseek|openai|google|qwen|moonshot)\.(?=\D)")
_FINE_TUNED = re.compile(r"^ft:([^:]+)(?::|$)")
_NO_PROVIDERS = frozenset({"models", "publishers", "deployments", "engines", "accounts", "inference-profile"})


def spellings(model: str) -> Iterator[tuple[str | None, str]]:
    """(provider that the name itself tells, name), as told first, then with less and less around the name."""
    name = model.strip().casefold()
    yield None, name
    provider: str | None = None
    while "/" in name:
        prefix, _, name = name.partition("/")
        if prefix and prefix not in _NO_PROVIDERS and not prefix.startswith("arn:"):
            provider = prefix
        if not name:
            return
        yield provider, name
    if tuned := _FINE_TUNED.match(name):
        yield provider or "openai", f"ft:{tuned[1]}"
        yield provider or "openai", f"ft:{without_date(tuned[1])}"
    plain = _REGION.sub("", name)
    if maker := _MAKER.match(plain):
        yield "aws", plain
        provider, plain = maker[1], plain[maker.end() :]
        yield provider, plain
    versionless = _VERSION.sub("", plain).replace("@", "-")
    if versionless != name:
        yield provider, versionless


def without_date(model: str) -> str:
    """gpt-4.1-mini-2025-04-14 is gpt-4.1-mini, claude-haiku-4-5@20251001 is claude-haiku-4-5."""
    return _DATE.sub("", model.casefold())
