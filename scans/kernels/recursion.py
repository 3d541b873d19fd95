"""Exponential recursions over the sessions, whole rows at a time.

`y[t] = y[t-1] + alpha (x[t] - y[t-1])`, started at the first bar with its value. In this form a constant series stays
exactly constant. Time goes down the rows, so a step is three operations on contiguous rows of N, into buffers that
stay in the cache; nothing is allocated per row and only requested rows are written. Levels of a chain
(an average of an average) advance together, so the input is read once.

An input is any iterable of rows, so inputs that are computed (gains, losses) need no array of their own.

One instrument alone has no rows worth a call each: `recurse_single` does the same operations in the same order on plain
numbers, so that its results are the same to the last bit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import nan
from typing import TypeAlias

import numpy as np

from scans.kernels.arrays import Floats, Places, first_bars

Starts: TypeAlias = Mapping[int, Places | slice]


def starts(x: Floats) -> Starts:
    """row -> the columns whose first bar it is."""
    first = first_bars(x)
    order = np.argsort(first, kind="stable")
    rows, begins = np.unique(first[order], return_index=True)
    if len(rows) == 1:
        return {int(rows[0]): slice(None)}
    groups = np.split(order, begins)[1:]
    return {int(row): group for row, group in zip(rows, groups, strict=True)}


def advance(
    rows: Iterable[Floats], begin: Starts, alphas: Sequence[float | Floats], width: tuple[int, ...]
) -> Iterator[Sequence[Floats]]:
    """After each row the state of all levels, one array of shape `width` each, updated in place.

    rows: broadcastable to `width`, whose last axis is the instruments; alphas: one for each level, a number or an array
    that broadcasts to `width`. Level k smooths level k - 1, level 0 the rows.

    A column is NaN until `begin` names it, because its rows are. Rows that are 0 up to the first bar, and at it, need
    no `begin`: all states are 0 until then.
    """
    levels = [np.zeros(width) for _ in alphas]
    step = np.empty(width)
    subtract, multiply, add = np.subtract, np.multiply, np.add
    pairs = list(zip(levels, alphas, strict=True))
    for session, row in enumerate(rows):
        columns = begin.get(session)
        if columns is not None:
            for level in levels:
                for part in level.reshape(-1, width[-1]):
                    part[columns] = row[columns]
        source = row
        for level, alpha in pairs:
            subtract(source, level, out=step)
            multiply(step, alpha, out=step)
            add(level, step, out=level)
            source = level
        yield levels


def last_states(x: Floats, alpha: float, levels: int, rows: int) -> Iterator[tuple[int, Sequence[Floats]]]:
    """For each of the last `rows` sessions its place among them and the levels of the recursion on x, (N,) each."""
    sessions, width = x.shape
    states = advance(x, starts(x), [alpha] * levels, (width,))
    for at, state in enumerate(states, rows - sessions):
        if at >= 0:
            yield at, state


def is_single(x: Floats) -> bool:
    """Whether `x` (T, N) is of one instrument."""
    return bool(x.shape[1] == 1)


def recurse_column(x: Floats, alpha: float, levels: int, rows: int) -> list[Floats]:
    """The levels of the recursion on one instrument's x, (T, 1): the last `rows` of each, (rows, 1)."""
    first = int(first_bars(x)[0])
    source = x[:, 0].tolist()
    states = []
    for _ in range(levels):
        source = recurse_single(source, alpha, first)
        states.append(np.array(source[len(source) - rows :]).reshape(rows, 1))
    return states


def recurse_single(values: Sequence[float], alpha: float, first: int) -> list[float]:
    """The recursion on plain numbers, started at place `first` with the value there; NaN before."""
    states = [nan] * min(first, len(values))
    if first < len(values):
        state = values[first]
        for value in values[first:]:
            state += alpha * (value - state)
            states.append(state)
    return states
