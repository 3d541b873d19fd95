"""The best of many variants against luck: White's reality check and Hansen's test of superior predictive ability.

Of many variants without skill the best one still looks good. Both tests ask how often the best of them would be as good
as the one that was found if none had skill, and keep the dependence between variants and between sessions: whole blocks
of sessions are drawn, with every variant on them.

    statistic:  max over k of d_k        draw:  max over k of (d*_k - g_k)

d_k is the mean of variant k, d*_k that of a draw. The reality check takes g_k = d_k for all; the test of superior
ability takes g_k = 0 where d_k lies below -w_k sqrt(2 ln ln S / S), w_k / sqrt(S) its error, since a variant that is
clearly bad says nothing about the best one. Means are not divided by their errors: over as few blocks as there are,
errors are themselves uncertain, and the smallest of them would decide. Draws are widened as `bootstrap.widening` says,
for the same reason. The returns of sessions are not those of holdings: these overlap.

A variant that dropped out early (successive halving) has returns on the first n of S sessions. It counts: its draws are
those of its mean over n sessions times sqrt(n / S), as if it had been judged to the end. The best one is sought among
those that were.

Source: White, A reality check for data snooping, Econometrica 68, 2000; Hansen, A test for superior predictive ability,
Journal of Business and Economic Statistics 23, 2005 (the consistent p-value).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from marketdata.panel import Floats
from scans.evaluation.bootstrap import LEAST_BLOCK, LEAST_BLOCKS, SEED, draw_weights, widening

DRAWS = 2_000
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class SnoopingTest:
    """p-values of the best of several variants, NaN where the sessions hold fewer than five blocks."""

    reality_check: float
    superior_ability: float


def snooping_test(returns: Floats, block: int = LEAST_BLOCK, *, draws: int = DRAWS, seed: int = SEED) -> SnoopingTest:
    """The tests of `returns` (S, V): what each variant made over its benchmark on each session, fractions; NaN after a
    variant dropped out."""
    sessions, variants = returns.shape
    if sessions < LEAST_BLOCKS * block or not variants:
        return SnoopingTest(float("nan"), float("nan"))
    judged = np.isfinite(returns).sum(axis=0)
    away = np.nan_to_num(returns - np.nanmean(returns, axis=0))
    weights = draw_weights(sessions, block, draws, np.random.default_rng(seed))
    drawn = np.concatenate([weight @ away for weight in weights]) / np.sqrt(judged * sessions)
    drawn -= drawn.mean(axis=0)  # blocks hold the first and the last sessions less often
    drawn *= widening(LEVEL, sessions, 1)
    mean = np.nanmean(returns, axis=0) * np.sqrt(judged / sessions)
    clearly_bad = mean < -drawn.std(axis=0) * np.sqrt(2 * np.log(np.log(sessions)))
    best = float(mean[judged == sessions].max())
    return SnoopingTest(
        reality_check=_share_at_least(drawn.max(axis=1), best),
        superior_ability=_share_at_least((drawn + np.where(clearly_bad, mean, 0.0)).max(axis=1), best),
    )


def _share_at_least(drawn: Floats, value: float) -> float:
    return float((1 + (drawn >= value).sum()) / (1 + len(drawn)))
