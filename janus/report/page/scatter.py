"""The picture of an overview, quality against speed, as places on a drawing: what the page makes SVG of."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from janus.report.figures import TRADEOFF_COLUMNS, load_rows

# The drawing, and the margins that the axes need.
WIDTH, HEIGHT = 460, 340
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 14, 14, 44
_TICKS = (1, 2, 5)


def scatters(path: Path, numbers: Mapping[str, str]) -> list[dict[str, Any]]:
    """A drawing for each batch size of the CSV of an overview's figure.

    numbers: by the label of a point, the number that tells where it comes from. Raises InputError for a broken file.
    """
    rows = load_rows(path, TRADEOFF_COLUMNS)
    sizes = sorted({row["batch_size"] for row in rows})
    return [_scatter([row for row in rows if row["batch_size"] == size], size, numbers) for size in sizes]


def _scatter(rows: Sequence[Mapping[str, Any]], size: float, numbers: Mapping[str, str]) -> dict[str, Any]:
    speeds, qualities = [row["speed"] for row in rows], [row["quality"] for row in rows]
    across = _Axis(math.log10(min(speeds)), math.log10(max(speeds)), _LEFT, WIDTH - _RIGHT)
    up = _Axis(min(qualities), max(qualities), HEIGHT - _BOTTOM, _TOP)
    points = [
        {
            "label": row["label"],
            "manner": row["manner"],
            "x": across.place(math.log10(row["speed"])),
            "y": up.place(row["quality"]),
            "quality": f"{row['quality']:.2f}",
            "speed": f"{row['speed']:.3g}",
            "front": row["on_front"] == "True",
            "number": numbers.get(row["label"]),
        }
        for row in rows
    ]
    # From left to right, as the arrow keys go.
    points.sort(key=lambda point: point["x"])
    return {
        "batch": f"{size:g}",
        "metric": rows[0]["metric"],
        "device": ", ".join(dict.fromkeys(row["device"] for row in rows)),
        "points": points,
        "front": " ".join(f"{point['x']},{point['y']}" for point in points if point["front"]),
        "across": [{"at": across.place(math.log10(value)), "text": f"{value:g}"} for value in _decades(speeds)],
        "up": [{"at": up.place(value), "text": f"{value:g}"} for value in _even(qualities)],
    }


class _Axis:
    """A scale from values to places, with some room at both ends."""

    def __init__(self, low: float, high: float, first: float, last: float):
        room = (high - low) * 0.06 or 0.5
        self._low, self._high, self._first, self._last = low - room, high + room, first, last

    def place(self, value: float) -> float:
        share = (value - self._low) / (self._high - self._low)
        return round(self._first + share * (self._last - self._first), 1)


def _decades(values: Sequence[float]) -> list[float]:
    """1, 2 and 5 times powers of ten within the values; the powers alone where these are many."""
    powers = range(math.floor(math.log10(min(values))), math.ceil(math.log10(max(values))) + 1)
    ticks = [step * 10.0**power for power in powers for step in _TICKS]
    inside = [tick for tick in ticks if min(values) * 0.9 <= tick <= max(values) * 1.1]
    return inside if len(inside) <= 8 else [tick for tick in inside if math.log10(tick).is_integer()]


def _even(values: Sequence[float]) -> list[float]:
    """About five round values within the values."""
    span = max(values) - min(values)
    if not span:
        return [round(values[0], 2)]
    power = 10.0 ** math.floor(math.log10(span / 4))
    step = next(power * one for one in (1, 2, 5, 10) if span / (power * one) <= 6)
    first = math.ceil(min(values) / step)
    return [round(step * count, 10) for count in range(first, math.floor(max(values) / step) + 1)]
