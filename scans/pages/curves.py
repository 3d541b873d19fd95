"""Curves drawn on the server as SVG: several series over the same sessions, with round values on the axis."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

WIDTH, HEIGHT = 960, 300


@dataclass(frozen=True, slots=True)
class Curves:
    """The shapes of a drawing of `width` x `height`. lines: (name, points, last value); grid: (y, value); dates: (x,
    first session of a quarter)."""

    width: int
    height: int
    lines: Sequence[tuple[str, str, float]]
    grid: Sequence[tuple[float, float]]
    dates: Sequence[tuple[float, date]]


def draw_curves(sessions: Sequence[date], series: Mapping[str, Sequence[float] | None]) -> Curves:
    """The curves of `series`, fractions on each of `sessions`; a series that is None is left out."""
    present = {name: values for name, values in series.items() if values}
    low = min(0.0, *(min(values) for values in present.values()))
    high = max(0.0, *(max(values) for values in present.values()))
    pad = (high - low) * 0.04 or 0.01
    low, high = low - pad, high + pad
    step = WIDTH / max(len(sessions) - 1, 1)

    def y(value: float) -> float:
        return round((high - value) / (high - low) * HEIGHT, 1)

    lines = [
        (name, " ".join(f"{n * step:.1f},{y(value)}" for n, value in enumerate(values)), values[-1])
        for name, values in present.items()
    ]
    quarters = [
        (round(n * step, 1), day)
        for n, day in enumerate(sessions)
        if n and (day.year, (day.month - 1) // 3) != (sessions[n - 1].year, (sessions[n - 1].month - 1) // 3)
    ]
    thin = max(1, -(-len(quarters) // 8))
    return Curves(WIDTH, HEIGHT, lines, [(y(value), value) for value in _round_values(low, high)], quarters[::thin])


def _round_values(low: float, high: float) -> list[float]:
    """Four to eight round values between low and high."""
    raw = (high - low) / 5
    base = 10.0 ** math.floor(math.log10(raw))
    step = base * next(factor for factor in (1, 2, 5, 10) if raw <= factor * base)
    return [n * step for n in range(math.ceil(low / step), math.floor(high / step) + 1)]
