"""Walk-forward choice among variants: chosen on the sessions before a fold, judged on the fold.

The sessions are cut into folds. Before each, the variant with the highest Sharpe ratio over the sessions until `gap`
sessions before the fold is chosen. `span` None: over all of them from the first on (expanding), else over the last
`span` (rolling).

Source: López de Prado, Advances in Financial Machine Learning, 2018, chapter 7 (purging and embargo).
"""

from __future__ import annotations

from dataclasses import dataclass

from marketdata.panel import Floats
from scans.evaluation.deflated_sharpe import sharpe_ratios


@dataclass(frozen=True, slots=True)
class Fold:
    """One choice: made on the sessions [first, last) of a study, for its sessions [start, end)."""

    first: int
    last: int
    start: int
    end: int
    variant: int


def walk_forward(returns: Floats, *, start: int, length: int, gap: int, span: int | None = None) -> list[Fold]:
    """The folds of `length` sessions from session `start` on of `returns` (S, V), each with its variant. Nothing of a
    fold, nor of the `gap` sessions before it, enters its choice. ValueError if nothing lies before the first fold."""
    if start - gap < 2:
        raise ValueError("nothing lies before the first fold")
    folds = []
    for begin in range(start, len(returns), length):
        last = begin - gap
        first = 0 if span is None else max(0, last - span)
        variant = int(sharpe_ratios(returns[first:last]).argmax())
        folds.append(Fold(first, last, begin, min(begin + length, len(returns)), variant))
    return folds
