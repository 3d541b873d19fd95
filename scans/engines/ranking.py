"""From matches to picks: one order for every engine, all sessions at once.

Score descending, then turnover of the session descending, then code ascending; ranks start at 1. Scores that differ
by no more than the ties rule allows are equal, so that rescaling an instrument cannot swap two picks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from marketdata.panel import Bools, Floats
from scans.engines.base import Check, Universe
from scans.kernels.compare import above


@dataclass(frozen=True, slots=True)
class Picks:
    """Picks as columns, (P,) each, in the order of their ranks session by session; `day` and `column` are indices
    into the universe."""

    day: NDArray[np.int32]
    column: NDArray[np.int32]
    score: Floats

    def __len__(self) -> int:
        return len(self.day)

    @property
    def rank(self) -> NDArray[np.int32]:
        """The place within the session, from 1."""
        return group_positions(self.day)

    def where(self, kept: Bools) -> Self:
        """The picks of the mask `kept` (P,), in the same order."""
        return type(self)(self.day[kept], self.column[kept], self.score[kept])

    def best(self, limit: int) -> Self:
        """The first `limit` picks of each session; all where `limit` is 0."""
        return self.where(self.rank <= limit) if limit else self

    def check(self, column: int, rule: str) -> Check:
        """The place of instrument `column` in a single session, as a condition."""
        place = self.rank[self.column == column]
        is_pick = len(place) > 0
        return Check("rank", "rank", float(place[0]) if is_pick else float("nan"), rule, is_pick)

    def of(self, values: NDArray[Any]) -> NDArray[Any]:
        """The values of a (K, N) array at each pick, (P,)."""
        return values[self.day, self.column]


def rank_rule(limit: int) -> str:
    """The rule of `Picks.best` as a sentence."""
    return f"within the best {limit}" if limit else "all matches are ranked"


def order_picks(universe: Universe, matched: Bools, score: NDArray[Any], part: NDArray[Any] | None = None) -> Picks:
    """The matches, (K, N), in order; where `part` (K, N) is given, a lower part ranks before a higher one."""
    day, column = (at.astype(np.int32) for at in np.nonzero(matched))
    value = score[day, column].astype(np.float64)
    first = np.zeros(len(day), dtype=np.int8) if part is None else part[day, column]
    by_score = np.lexsort((-value, first, day))
    day, column, value, first = day[by_score], column[by_score], value[by_score], first[by_score]
    apart = (np.diff(day) != 0) | (np.diff(first) != 0) | above(value[:-1], value[1:])
    tie = np.concatenate([[0], np.cumsum(apart)]) if len(day) else day
    chosen = np.lexsort((column, -universe.amount[day, column], tie))
    return Picks(day[chosen], column[chosen], value[chosen])


def join_picks(first: Picks, second: Picks) -> Picks:
    """Both as one list: in each session all of `first`, then the others of `second`."""
    width = int(max(first.column.max(initial=0), second.column.max(initial=0))) + 1
    double = np.isin(second.day * np.int64(width) + second.column, first.day * np.int64(width) + first.column)
    second = second.where(~double)
    day = np.concatenate([first.day, second.day])
    order = np.argsort(day, kind="stable")
    return Picks(
        day[order],
        np.concatenate([first.column, second.column])[order],
        np.concatenate([first.score, second.score])[order],
    )


def group_positions(*keys: NDArray[Any]) -> NDArray[np.int32]:
    """The place of each row among the rows with equal keys, from 1, in their order, (P,)."""
    count = len(keys[0])
    order = np.lexsort((np.arange(count), *keys))
    changed = np.zeros(count, dtype=bool)
    for key in keys:
        sorted_key = key[order]
        changed[1:] |= sorted_key[1:] != sorted_key[:-1]
    since = np.maximum.accumulate(np.where(changed, np.arange(count), 0))
    places = np.empty(count, dtype=np.int32)
    places[order] = np.arange(count) - since + 1
    return places
