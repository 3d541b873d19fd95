"""Breaks by hand, and against a walk in plain Python."""

from __future__ import annotations

import math

import numpy as np
import pytest

from marketdata import breaks
from marketdata.breaks import Break, Moves
from tests.reference import breaks as reference

SESSIONS = 40


def quiet(instruments: int = 8, seed: int = 0) -> dict[str, np.ndarray]:
    """Instruments that move about 1 % a day and trade about 1,000 shares."""
    rng = np.random.default_rng(seed)
    close = 100 * np.cumprod(1 + rng.normal(0, 0.01, (SESSIONS, instruments)), axis=0)
    opened = close * (1 + rng.normal(0, 0.003, close.shape))
    return {
        "open": opened,
        "high": np.maximum(opened, close) * 1.004,
        "low": np.minimum(opened, close) * 0.996,
        "close": close,
        "volume": rng.uniform(700, 1300, close.shape),
    }


def suspicions_of(bars: dict[str, np.ndarray], decided: tuple[tuple[int, int], ...] = ()) -> list[tuple[int, int, str]]:
    is_decided = np.zeros(bars["close"].shape, dtype=bool)
    for cell in decided:
        is_decided[cell] = True
    return breaks.find_suspicions(Moves(**bars, decided=is_decided), 22)


def scaled(bars: dict[str, np.ndarray], rows: slice, column: int, by: float, volume: float) -> None:
    for name in ("open", "high", "low", "close"):
        bars[name][rows, column] *= by
    bars["volume"][rows, column] *= volume


@pytest.mark.parametrize(
    ("by", "volume", "kind"),
    [
        (1 / 4, 4, "split"),  # 4:1, raw
        (2 / 3, 1.5, "split"),
        (1 / 2, 1, "split"),  # prices raw, volume adjusted
        (5, 0.2, "split"),  # 1:5
        (30, 1 / 30, "split"),
        (1 / 4, 60, ""),  # a crash: sixty times the usual volume
        (1 / 2, 12, ""),
        (2, 15, ""),  # a takeover
        (0.8, 1, ""),  # no split is so small
        (100, 1, "scale"),
        (1000, 1, "scale"),
        (1 / 100, 1, "scale"),
        (7.4, 1, "jump"),
        (400, 300, "jump"),  # whatever was traded
    ],
)
def test_a_move_that_lasts(by: float, volume: float, kind: str) -> None:
    bars = quiet()
    scaled(bars, slice(30, None), 2, by, volume)
    assert suspicions_of(bars) == ([(30, 2, kind)] if kind else [])
    if kind:
        assert suspicions_of(bars, decided=((30, 2),)) == []


def test_one_bar_off_by_a_hundred_is_suspected_there_and_back() -> None:
    bars = quiet()
    scaled(bars, slice(30, 31), 2, 100, 1)
    assert suspicions_of(bars) == [(30, 2, "scale"), (31, 2, "scale")]


def test_a_wide_day_is_a_real_one() -> None:
    """The price fell through the day: it did not jump."""
    bars = quiet()
    scaled(bars, slice(30, None), 2, 1 / 2, 1)
    bars["open"][30, 2] = bars["close"][29, 2]
    bars["high"][30, 2] = bars["close"][29, 2] * 1.01
    assert suspicions_of(bars) == []


def test_one_field_that_is_wrong() -> None:
    bars = quiet()
    bars["high"][30, 1] *= 100
    bars["low"][33, 2] /= 10
    assert suspicions_of(bars) == [(30, 1, "range"), (33, 2, "range")]


def test_a_seam_between_two_downloads() -> None:
    """Three of eight jump on one day, by no simple ratio: alone each would pass."""
    bars = quiet()
    for column, by in ((1, 1.77), (2, 0.565), (5, 3.44)):
        scaled(bars, slice(30, None), column, by, 1)
    assert suspicions_of(bars) == [(30, 1, "seam"), (30, 2, "seam"), (30, 5, "seam")]
    alone = quiet()
    scaled(alone, slice(30, None), 1, 1.77, 1)
    assert suspicions_of(alone) == []


def test_nothing_depends_on_later_bars() -> None:
    bars = quiet(12, seed=3)
    for n, by in enumerate((0.25, 100, 5, 0.5)):
        scaled(bars, slice(26 + 3 * n, None), n, by, 1)
    whole = suspicions_of(bars)
    assert len(whole) == 4
    for end in range(23, SESSIONS):
        cut = {name: array[:end] for name, array in bars.items()}
        assert suspicions_of(cut) == [cell for cell in whole if cell[0] < end]


@pytest.mark.parametrize("seed", range(6))
def test_against_a_walk_in_plain_python(seed: int) -> None:
    rng = np.random.default_rng(seed)
    bars = quiet(20, seed)
    for _ in range(14):
        row, column = int(rng.integers(22, SESSIONS)), int(rng.integers(20))
        rows = slice(row, None if rng.random() < 0.6 else row + 1)
        by = float(rng.choice([0.25, 0.5, 2 / 3, 1.9, 2.5, 10, 0.1, 100, 60, 0.31, 1.37]))
        scaled(
            bars,
            rows,
            column,
            by * float(rng.uniform(0.95, 1.05)),
            float(rng.choice([1, 1 / by, 20])),
        )
    idle = rng.random(bars["close"].shape) < 0.05
    bars["volume"][idle] = 0
    for column in range(3):
        first = int(rng.integers(1, 35))
        for name in ("open", "high", "low", "close"):
            bars[name][:first, column] = np.nan
        bars["volume"][:first, column] = 0
    days = [
        [
            None if math.isnan(bars["close"][t, n]) else tuple(float(bars[name][t, n]) for name in bars)
            for t in range(SESSIONS)
        ]
        for n in range(20)
    ]
    expected = []
    for t in range(22, SESSIONS):
        trading = int((bars["volume"][t] > 0).sum())
        jumping = sum(reference.is_jump(days[n], t) for n in range(20))  # type: ignore[arg-type]
        many = jumping >= max(3, 0.02 * trading)
        kinds = [reference.kind(own_days, t, many=many) for own_days in days]  # type: ignore[arg-type]
        expected += [(t, n, what) for n, what in enumerate(kinds) if what]
    assert len(expected) > 5
    assert suspicions_of(bars) == expected


@pytest.mark.parametrize(
    ("move", "ratio", "limit", "wrong"),
    [
        (30.1, 30, 0.31, False),
        (30.1, 1 / 30, 0.31, True),  # inverted
        (30.1, 1, 0.31, False),  # 1 says that the move was real
        (0.5, 0.385, 0.31, False),  # limit up on the day without rights
        (0.77, 1.3, 0.31, True),  # inverted, though the move was within the limit
        (0.667, 1.5, 0.31, True),
        (0.974, 0.5, 0.31, False),  # an auction after a reopening may double the base price
        (1.0, 0.3, 0.31, True),  # but not triple it
        (30.1, 10, 0.31, True),  # another ratio than happened
        (1.137, 0.8755, 0.31, False),  # limit up without rights
        (0.25, 0.25, None, False),
        (0.25, 4, None, True),
        (0.2, 0.25, None, False),
        (1.0, 0.5, None, True),
        (1.9, 0.9, None, False),  # a takeover on the day of a stock dividend
    ],
)
def test_events_that_contradict_the_bars(move: float, ratio: float, limit: float | None, wrong: bool) -> None:
    assert breaks.contradicts(move, ratio, limit) is wrong


@pytest.mark.parametrize(("ratio", "split"), [(0.2536, 0.25), (30.4, 30), (1.45, 1.5), (0.06, 1 / 16), (0.82, None)])
def test_the_nearest_split(ratio: float, split: float | None) -> None:
    assert breaks.nearest_split(ratio) == split


def test_sentences_have_the_numbers() -> None:
    split = Break("2024-02-20", "SPLT", breaks.SPLIT, 332.84, 84.39)
    assert split.sentence() == "332.84 -> 84.39 without an event, near 4:1: a split?"
    wrong = Break("2025-12-26", "900310", breaks.EVENT, 915.0, 27552.0, 1 / 30)
    assert wrong.sentence() == (
        "the event's ratio 0.0333333 leaves a move of 903.3 times, 30.11 times without it (915 -> 27552): is it "
        "inverted (30)?"
    )
