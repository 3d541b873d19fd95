"""What must not matter to a judgement: the scale of an instrument's prices, the order of the instruments, and whatever
happened after a holding ended."""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from scans.evaluation.benchmarks import compute_benchmarks
from scans.evaluation.holdings import JUDGED, OPEN, PENDING, PickSet, follow, hold
from scans.evaluation.prices import Prices
from scans.evaluation.statistics import Figures, compute_figures
from tests.reference.made_markets import frames
from tests.scans.evaluation.markets import arrays, random_picks, random_rows

SESSIONS, INSTRUMENTS = 40, 8
HORIZONS = (1, 5, 12)
SEEDS = range(4)
FIELDS = ("open", "high", "low", "close")


def made(seed: int) -> tuple[Prices, PickSet, NDArray[np.bool_]]:
    result = frames(random_rows(seed, SESSIONS, INSTRUMENTS), SESSIONS)
    prices = arrays(result, SESSIONS)
    listed, eligible = random_picks(seed, result, SESSIONS)
    days = np.array([np.datetime64(day, "D") for day, _ in listed])
    codes = np.array([code for _, code in listed])
    picks = PickSet(np.searchsorted(prices.sessions, days), np.searchsorted(prices.codes, codes))
    return prices, picks, eligible


def figured(prices: Prices, picks: PickSet, eligible: NDArray[np.bool_]) -> list[Figures]:
    paths = follow(prices, picks, HORIZONS)
    beside = compute_benchmarks(prices, paths, eligible)
    result = [hold(paths, horizon, costs=0.003) for horizon in HORIZONS]
    return [compute_figures(one, beside.beside(one)) for one in result]


def same(one: list[Figures], other: list[Figures]) -> None:
    for own, yours in zip(one, other, strict=True):
        assert asdict(own) == pytest.approx(asdict(yours), rel=1e-9, abs=1e-12, nan_ok=True)


@pytest.mark.parametrize("seed", SEEDS)
def test_rescaling_an_instrument_changes_nothing(seed: int) -> None:
    prices, picks, eligible = made(seed)
    scale = np.random.default_rng(seed).choice([0.02, 0.5, 1.0, 7.0, 300.0], INSTRUMENTS)
    scaled = replace(prices, **{name: getattr(prices, name) * scale for name in FIELDS})
    same(figured(scaled, picks, eligible), figured(prices, picks, eligible))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_order_of_instruments_changes_nothing(seed: int) -> None:
    prices, picks, eligible = made(seed)
    order = np.random.default_rng(seed).permutation(INSTRUMENTS)
    fields = (*FIELDS, "traded", "actions", "market_cap")
    turned = replace(
        prices,
        codes=prices.codes[order],
        **{name: np.ascontiguousarray(getattr(prices, name)[:, order]) for name in fields},
    )
    moved = PickSet(picks.day, np.argsort(order)[picks.column])
    same(figured(turned, moved, eligible[:, order]), figured(prices, picks, eligible))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("end", [18, 25, 39])
def test_later_data_change_no_closed_holding(seed: int, end: int) -> None:
    prices, picks, eligible = made(seed)
    fields = ("sessions", *FIELDS, "traded", "actions", "market_cap")
    early = replace(prices, **{name: getattr(prices, name)[:end] for name in fields})
    judged = picks.day < end
    first = PickSet(picks.day[judged], picks.column[judged])
    before, after = follow(early, first, HORIZONS), follow(prices, first, HORIZONS)
    then, now = compute_benchmarks(early, before, eligible[:end]), compute_benchmarks(prices, after, eligible)
    for horizon in HORIZONS:
        old, new = hold(before, horizon), hold(after, horizon)
        closed = old.state != OPEN
        assert closed.any()
        for name in ("state", "entry", "exit", "gross", "net", "best", "worst", "hit"):
            np.testing.assert_array_equal(getattr(old, name)[closed], getattr(new, name)[closed])
        for own, yours in zip(then.beside(old), now.beside(new), strict=True):
            np.testing.assert_allclose(own[closed], yours[closed], rtol=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_day_of_the_scan_is_never_paid(seed: int) -> None:
    """Other prices on the day of the pick, the same judgement."""
    prices, picks, _ = made(seed)
    day = int(picks.day[len(picks) // 2])
    own = PickSet(picks.day[picks.day == day], picks.column[picks.day == day])
    other = {name: getattr(prices, name).copy() for name in FIELDS}
    for field in other.values():
        field[: day + 1] *= np.pi
    result, changed = (hold(follow(over, own, (5,)), 5) for over in (prices, replace(prices, **other)))
    assert ((result.entry > day) | (result.entry < 0)).all()
    np.testing.assert_array_equal(result.gross, changed.gross)


def test_last_session_has_no_outcome() -> None:
    prices, _, _ = made(0)
    last = PickSet(np.full(INSTRUMENTS, SESSIONS - 1), np.arange(INSTRUMENTS))
    paths = follow(prices, last, (1,))
    assert (paths.entry == PENDING).all()
    assert JUDGED not in hold(paths, 1).state
