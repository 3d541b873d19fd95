"""Markets in which no pick can be better than another, and picks on them: the laboratory of errors.

Daily returns are those of the market times a share's own beta, of one style times the share's lasting exposure to it,
and of the share alone, with fat tails and its own size of moves. All have the same expected return whatever is known
before the open, so an excess of picks is luck. Market, style and the size of the market's moves differ from day to day.

Picks without skill
- independent: other names every session;
- permuted: a momentum screen's own pattern, its names exchanged, so that names return for weeks;
- lasting style: nearly the same names for the whole time, all exposed to the style.

Picks with skill: of two names at random the one with the better return over 20 sessions, some of the time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scans.evaluation.holding_periods import PickSet
from scans.evaluation.prices import Prices
from scans.evaluation.tradability import Tradability

Floats = NDArray[np.float64]

BEFORE, DAYS, AFTER = 60, 400, 61
"""Sessions before the first pick, with picks, and after the last."""
INSTRUMENTS, PICKS = 150, 8
SKILL_SPAN = 20
KINDS = ("independent", "permuted", "lasting style")


@dataclass(frozen=True, slots=True)
class World:
    """A market (T, N) and its caps (T, N), segments and lasting exposures to the style (N,)."""

    prices: Prices
    cap: Floats
    segment: NDArray[np.int8]
    style: Floats

    @property
    def tradability(self) -> Tradability:
        """Everything trades on every session."""
        everything = np.ones(self.prices.close.shape, dtype=bool)
        return Tradability(everything, everything, ~everything)


def make_world(seed: int) -> World:
    """The world of a seed."""
    random = np.random.default_rng(seed)
    sessions = BEFORE + DAYS + AFTER
    shape = sessions, INSTRUMENTS
    calm = np.exp(np.convolve(random.normal(0, 0.35, sessions + 40), np.ones(40) / np.sqrt(40), "valid")[:sessions])
    market = 0.011 * calm * random.normal(size=sessions)
    style = 0.006 * random.normal(size=sessions)
    exposure = random.normal(size=INSTRUMENTS)
    beta = random.normal(1, 0.3, INSTRUMENTS)
    own = 0.022 * np.exp(random.normal(0, 0.35, INSTRUMENTS)) * random.standard_t(4, shape) / np.sqrt(2)
    move = np.clip(0.0003 + np.outer(market, beta) + np.outer(style, exposure) + own, -0.29, 0.29)
    gap = 0.006 * random.normal(size=shape)
    close = 10_000 * np.cumprod(1 + move, axis=0)
    before = np.vstack([np.full(INSTRUMENTS, 10_000.0), close[:-1]])
    opened = before * (1 + gap)
    shares = np.exp(random.normal(16, 1.5, INSTRUMENTS))
    prices = Prices(
        sessions=np.datetime64("2020-01-01") + np.arange(sessions),
        codes=np.array([f"{n:03}" for n in range(INSTRUMENTS)]),
        open=opened,
        high=np.maximum(opened, close),
        low=np.minimum(opened, close),
        close=close,
        traded=np.ones(shape, dtype=bool),
        actions=np.zeros(shape, dtype=np.int16),
        market_cap=shares * close,
    )
    segment = (np.arange(INSTRUMENTS) % 2).astype(np.int8)
    return World(prices, prices.market_cap, segment, exposure)


def picks_without_skill(world: World, kind: str, seed: int) -> PickSet:
    """The picks of one of `KINDS`, on every session between `BEFORE` and `AFTER`."""
    random = np.random.default_rng([seed, KINDS.index(kind)])
    scores = random.normal(size=(DAYS, INSTRUMENTS))
    if kind == "permuted":
        close = world.prices.close
        rows = np.arange(BEFORE, BEFORE + DAYS)
        scores = (close[rows] / close[rows - 20])[:, random.permutation(INSTRUMENTS)]
    elif kind == "lasting style":
        scores = world.style + 0.3 * scores
    return _highest(scores)


def picks_with_skill(world: World, share: float, seed: int) -> PickSet:
    """Random picks, of which `share` are the better of two over the `SKILL_SPAN` sessions after the pick."""
    random = np.random.default_rng([seed, 99])
    rows = np.arange(BEFORE, BEFORE + DAYS)
    later = world.prices.close[rows + SKILL_SPAN] / world.prices.open[rows + 1] - 1
    pairs = np.argsort(random.random((DAYS, INSTRUMENTS)), axis=1)[:, : 2 * PICKS].reshape(DAYS, PICKS, 2)
    returns = np.take_along_axis(later, pairs.reshape(DAYS, -1), axis=1).reshape(pairs.shape)
    better = np.where(random.random((DAYS, PICKS)) < share, returns.argmax(axis=2), 0)
    column = np.take_along_axis(pairs, better[:, :, None], axis=2)
    return PickSet(np.repeat(rows, PICKS), column.ravel())


def _highest(scores: Floats) -> PickSet:
    column = np.argsort(-scores, axis=1, kind="stable")[:, :PICKS]
    return PickSet(np.repeat(np.arange(BEFORE, BEFORE + DAYS), PICKS), column.ravel())
