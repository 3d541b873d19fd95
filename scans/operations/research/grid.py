"""Variants of an engine: every combination of the values of some parameters, or a random sample of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from random import Random
from typing import Any

import numpy as np

from marketdata.errors import DataProblem
from scans.engines import engine_params
from scans.engines.base import Engine

MAX_VARIANTS = 5_000
MAX_VALUES = 1_000
"""Of one parameter."""


class GridProblem(DataProblem):
    """The grid names no variants, or too many, or values that the engine refuses."""


@dataclass(frozen=True, slots=True, eq=False)
class Variant:
    """`number` from 1 in the order of the whole grid, the grid's values, and all parameters."""

    number: int
    values: Mapping[str, Any]
    params: Any


def parse_values(text: str) -> tuple[str, list[str]]:
    """(name, values) of `name=2:4:0.25` (both ends included) or `name=2,3,5`; GridProblem if it is neither."""
    name, equals, values = text.partition("=")
    if not equals or not name.strip() or not values.strip():
        raise GridProblem(f"{text!r} names no values: write vol_mult=2:4:0.25 or vol_mult=2,2.5,3.")
    parts = values.split(":")
    if len(parts) != 3:
        return name.strip(), _split(values)
    try:
        low, high, step = (Decimal(part.strip()) for part in parts)
    except InvalidOperation:
        raise GridProblem(f"{text!r} is no range of numbers: write low:high:step as vol_mult=2:4:0.25.") from None
    if not all(part.is_finite() for part in (low, high, step)) or step <= 0 or high < low:
        raise GridProblem(f"{text!r} has no values: write low:high:step with a step above 0, as vol_mult=2:4:0.25.")
    count = int((high - low) / step) + 1
    if count > MAX_VALUES:
        raise GridProblem(f"{text!r} has {count} values, more than {MAX_VALUES}: choose a wider step.")
    return name.strip(), [format((low + n * step).normalize(), "f") for n in range(count)]


def _split(values: str) -> list[str]:
    """Values with commas between them; those of a formula's arguments are none: `change(close, 5),rsi(14)` are two."""
    parts, depth = [""], 0
    for character in values:
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts]


def variants(
    engine: Engine,
    grid: Mapping[str, Sequence[Any]],
    base: Mapping[str, Any],
    market: str,
    *,
    sample: int | None = None,
    seed: int = 0,
) -> list[Variant]:
    """The variants of `grid` over the parameters `base`, all of them or `sample` drawn with `seed`, without doubles.
    GridProblem if there are none or too many; ParamError for a wrong name or value."""
    count = int(np.prod([len(values) for values in grid.values()], dtype=object)) if grid else 0
    if not count:
        raise GridProblem("No parameter varies: name at least one with --set vol_mult=2:4:0.25.")
    if (sample or count) > MAX_VARIANTS:
        raise GridProblem(f"These are {count} variants, more than {MAX_VARIANTS}: use wider steps or --random N.")
    numbers: Sequence[int] = range(count)
    if sample is not None and sample < count:
        numbers = sorted(Random(seed).sample(range(count), sample))  # noqa: S311 - reproducible, no secret
    shape = tuple(len(values) for values in grid.values())
    result: dict[str, Variant] = {}
    for number in numbers:
        places = np.unravel_index(number, shape)
        values = {name: options[int(place)] for (name, options), place in zip(grid.items(), places, strict=True)}
        params = engine_params.read(engine.Params, {**base, **values}, market)
        exact = {name: engine_params.dump(params)[name] for name in values}
        result.setdefault(engine_params.digest(params), Variant(number + 1, exact, params))
    return list(result.values())
