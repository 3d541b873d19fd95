"""The ranks of a run as rows of JSON types, column by column: a backfill has tens of thousands."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marketdata.panel import Bools, Floats
from scans.engines.base import Ranks, Universe

DIGITS = 10
"""Significant digits of a number: further ones depend on the order of additions."""
MOST_DECIMALS = 22
"""The largest power of ten that a float64 is exactly."""
HALFWAY = 1e-4
"""How near to the middle of two decimals a scaled value is rounded by its text: the product has an error of 1e-6."""


def session_rows(
    universe: Universe, ranks: Ranks, names: Mapping[str, str], top: int | None
) -> list[list[dict[str, Any]]]:
    """The rows of each session of the universe, best first; the best `top` of each (None: all). `names`: code ->
    name."""
    kept = ranks.rank <= top if top is not None else np.ones(len(ranks.rank), dtype=np.bool_)
    rows = _rows(universe, ranks, kept, names)
    bounds = np.searchsorted(ranks.day[kept], np.arange(len(universe.sessions) + 1)).tolist()
    return [rows[low:high] for low, high in itertools.pairwise(bounds)]


def _rows(universe: Universe, ranks: Ranks, kept: Bools, names: Mapping[str, str]) -> list[dict[str, Any]]:
    day, column = ranks.day[kept], ranks.column[kept]
    codes = universe.codes[column].tolist()
    signals = _records(ranks.signals, kept, [fired[kept].tolist() for fired in ranks.signals.values()])
    components = _records(ranks.components, kept, [numbers(part[kept]) for part in ranks.components.values()])
    columns: dict[str, list[Any]] = {
        "rank": ranks.rank[kept].tolist(),
        "code": codes,
        "name": [names.get(code, "") for code in codes],
        "score": numbers(ranks.score[kept]),
        "strategy": ranks.strategy[kept].tolist(),
        "label": ranks.label[kept].tolist(),
        "segment": [universe.segments[number] for number in universe.segment[day, column].tolist()],
        "close": numbers(universe.close[day, column]),
        "change_pct": numbers(universe.change_pct[day, column]),
        "amount": numbers(universe.amount[day, column]),
        "entry": numbers(ranks.entry[kept]),
        "target": numbers(ranks.target[kept]),
        "stop": numbers(ranks.stop[kept]),
        "holding_min": ranks.holding_min[kept].tolist(),
        "holding_max": ranks.holding_max[kept].tolist(),
        "signals": [[name for name, fired in row.items() if fired] for row in signals],
        "components": components,
    }
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _records(names: Mapping[str, Any], kept: Bools, columns: list[list[Any]]) -> list[dict[str, Any]]:
    """A dict of each kept rank."""
    if not columns:
        return [{} for _ in range(int(kept.sum()))]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def numbers(values: NDArray[Any]) -> list[float | None]:
    """JSON numbers of `DIGITS` significant digits, as `float(f"{value:.10g}")` gives them; None where not finite.

    A value of that many digits is a whole number over a power of ten; where both are exact as float64, their quotient
    is the nearest float64 to the decimal. The others (very small, very large, or halfway between two decimals) are
    rounded by their text.
    """
    values = np.asarray(values, dtype=np.float64)
    finite = np.isfinite(values)
    with np.errstate(all="ignore"):
        decimals = DIGITS - 1 - np.floor(np.log10(np.abs(values)))
        is_exact = finite & (decimals >= 0) & (decimals <= MOST_DECIMALS)
        power = _powers()[np.where(is_exact, decimals, 0).astype(np.intp)]
        scaled = values * power
        whole = np.rint(scaled)
        is_exact &= (np.abs(np.abs(scaled - whole) - 0.5) > HALFWAY) & (np.abs(whole) < 10.0**DIGITS)
        is_exact &= np.abs(whole) >= 10.0 ** (DIGITS - 1)
        rounded: Floats = whole / power
    result: list[float | None] = rounded.tolist()
    for place in np.flatnonzero(~is_exact & finite).tolist():
        result[place] = float(f"{values[place]:.{DIGITS}g}")
    for place in np.flatnonzero(~finite).tolist():
        result[place] = None
    return result


def _powers() -> Floats:
    """1, 10, 100 and so on, each exact."""
    return np.array([float(10**power) for power in range(MOST_DECIMALS + 1)])
