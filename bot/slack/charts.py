"""Slack's own chart (`data_visualization`, since 2026-06-16), and the little one of eight characters for plain text.

At most 6 lines of 20 points each, every point with the label of its category. Older clients leave it out, so the text
of a message always says the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.slack import limits

POINTS = 20
_BARS = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True, slots=True)
class Chart:
    """Lines over common categories; a line has a number for each."""

    title: str
    categories: Sequence[str]
    lines: Mapping[str, Sequence[float]]
    unit: str = ""

    def json(self) -> dict[str, Any]:
        categories = [label[: limits.CHART_LABEL] for label in self.categories[-POINTS:]]
        series = [
            {
                "name": name[: limits.CHART_LABEL],
                "data": [
                    {"label": label, "value": value} for label, value in zip(categories, values[-POINTS:], strict=True)
                ],
            }
            for name, values in self.lines.items()
        ]
        axes = {"categories": categories} | ({"y_label": self.unit} if self.unit else {})
        return {
            "type": "data_visualization",
            "title": self.title[: limits.CHART_TITLE],
            "chart": {"type": "line", "series": series, "axis_config": axes},
        }


def sparkline(values: Sequence[float]) -> str:
    """One character a value, from zero: ▁▁▇█▁. Nothing but zeros is a flat line."""
    top = max(values, default=0)
    if top <= 0:
        return _BARS[0] * len(values)
    return "".join(_BARS[min(len(_BARS) - 1, round(value / top * (len(_BARS) - 1)))] for value in values)
