"""The market beside a pick (scanner definitions, section 7): the mean of the same open-to-close return, over the same
sessions, of all eligible instruments.

For a pick of day t, bought on e, over h sessions: the mean of C[e + h - 1] / O[e] - 1 over the instruments eligible at
t by the version's own rule (the pick included), filled bars where one did not trade. Nearly all picks are bought on
t + 1, so there are hardly more pairs (t, e) than days; each pair is one row of whole-array work, in blocks of rows that
stay in the cache.

Choices where the definitions are silent: instruments with a suspected corporate action inside are left out; weights
are the market caps at t, equal where fewer than half of the instruments have one; the benchmark pays no costs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from marketdata.panel import Bools, Floats
from scans.evaluation.holdings import Holdings, Paths
from scans.evaluation.prices import Prices, Rows

BLOCK = 32


@dataclass(frozen=True, slots=True)
class Benchmarks:
    """Means of the eligible instruments for each pair (day, entry) that picks need, (Q, H) fractions; NaN where the
    horizon ends past the record. `pair` (P,) is the row of each pick's pair, -1 where it was never bought."""

    horizons: tuple[int, ...]
    pair: Rows
    cap: Floats
    equal: Floats

    def beside(self, holdings: Holdings) -> tuple[Floats, Floats]:
        """The cap- and equal-weighted excess of each holding's net return, (P,) each; NaN where it was not judged."""
        at = self.horizons.index(holdings.horizon)
        if not len(self.cap):
            return holdings.net.copy(), holdings.net.copy()
        return holdings.net - self.cap[self.pair, at], holdings.net - self.equal[self.pair, at]


def compute_benchmarks(prices: Prices, paths: Paths, eligible: Bools) -> Benchmarks:
    """The benchmarks of all picks and horizons of `paths`. `eligible` (D, N): the eligible instruments of the first D
    sessions of `prices`, D beyond the last pick."""
    bought = paths.entry >= 0
    width = len(prices.sessions)
    keys, place = np.unique(paths.picks.day[bought] * width + paths.entry[bought], return_inverse=True)
    pair = np.full(len(paths.entry), -1)
    pair[bought] = place
    day, entry = np.divmod(keys, width)
    cap = np.full((len(keys), len(paths.horizons)), np.nan)
    equal = cap.copy()
    for low in range(0, len(keys), BLOCK):
        block = slice(low, low + BLOCK)
        _fill(prices, paths.horizons, day[block], entry[block], eligible, cap[block], equal[block])
    return Benchmarks(paths.horizons, pair, cap, equal)


def _fill(
    prices: Prices,
    horizons: tuple[int, ...],
    day: Rows,
    entry: Rows,
    eligible: Bools,
    cap: Floats,
    equal: Floats,
) -> None:
    chosen = eligible[day]
    with np.errstate(invalid="ignore"):
        weighted_mask = chosen & (prices.market_cap[day] > 0)
    weight = np.where(weighted_mask, prices.market_cap[day], 0.0)
    paid, actions = prices.open[entry], prices.actions[entry]
    for n, horizon in enumerate(horizons):
        inside = entry + horizon - 1 < len(prices.sessions)
        last = np.minimum(entry + horizon - 1, len(prices.sessions) - 1)
        clean = chosen & (prices.actions[last] == actions)
        rise = np.where(clean, prices.close[last] / paid - 1, 0.0)
        count, heavy = clean.sum(axis=1), (weighted_mask & clean).sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            plain = rise.sum(axis=1) / count
            weighted = np.einsum("pi,pi->p", weight, rise) / (weight * clean).sum(axis=1)
        equal[:, n] = np.where(inside, plain, np.nan)
        cap[:, n] = np.where(inside, np.where(2 * heavy < count, plain, weighted), np.nan)
