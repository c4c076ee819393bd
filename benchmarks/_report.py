"""How a benchmark says its figures: name, value, unit, and the bar it is held to."""

from collections.abc import Sequence


def say(name: str, value: float, unit: str, bar: str = "") -> None:
    """Print one line."""
    print(f"{name}: {value:,.2f} {unit}" + (f" (bar {bar})" if bar else ""), flush=True)


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which this share of the values lies (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
