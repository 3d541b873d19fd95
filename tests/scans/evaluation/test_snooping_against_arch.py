"""The reality check and the test of superior ability against those of the library arch, on the same returns.

arch draws blocks of its own, in a circle, which holds every session as often as any other, as ours do once they are
centred. So p-values differ by the error of 4,000 draws, and of the limit below which a variant is clearly bad.
"""

from __future__ import annotations

import numpy as np
import pytest
from arch.bootstrap import SPA

from marketdata.panel import Floats
from scans.evaluation import data_snooping
from scans.evaluation.data_snooping import snooping_test

pytestmark = pytest.mark.slow

BLOCK, DRAWS, ERROR = 20, 4_000, 0.06
WIDER = 0.16
"""What the widening for few blocks adds at most: 12 blocks here."""
MARKETS = [(seed, sessions, count) for seed in range(6) for sessions, count in ((250, 40), (400, 12))]


def returns_of_variants(seed: int, sessions: int, count: int) -> Floats:
    """Returns with a memory of some sessions that all variants share; every third seed plants skill in one variant,
    every second has some that are clearly bad."""
    random = np.random.default_rng(seed)
    common = np.convolve(random.standard_normal(sessions + 9), np.full(10, 0.1), "valid")
    returns = 0.02 * random.standard_normal((sessions, count)) * random.uniform(0.5, 2, count) + 0.01 * common[:, None]
    returns[:, 1] += 0.003 * (seed % 3 == 0)
    returns[:, count // 2 :] -= 0.008 * (seed % 2)
    return np.asarray(returns)


def p_values_of_arch(returns: Floats, seed: int) -> tuple[float, float]:
    """The consistent p-value and that of the reality check, without division by errors, as ours are."""
    benchmark, losses = np.zeros(len(returns)), -returns
    spa = SPA(benchmark, losses, BLOCK, DRAWS, bootstrap="circular", studentize=False, seed=seed)
    spa.compute()
    return float(spa.pvalues["consistent"]), float(spa.pvalues["upper"])


@pytest.mark.parametrize(("seed", "sessions", "count"), MARKETS)
def test_p_values_are_those_of_arch(seed: int, sessions: int, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the widening for few blocks, which arch does not have, equal; with it larger, never smaller."""
    returns = returns_of_variants(seed, sessions, count)
    theirs = p_values_of_arch(returns, seed)
    shipped = snooping_test(returns, BLOCK, draws=DRAWS)
    monkeypatch.setattr(data_snooping, "widening", lambda *_: 1.0)
    plain = snooping_test(returns, BLOCK, draws=DRAWS)
    for test, expected in zip(("superior_ability", "reality_check"), theirs, strict=True):
        assert getattr(plain, test) == pytest.approx(expected, abs=ERROR)
        assert expected - ERROR < getattr(shipped, test) < expected + WIDER
