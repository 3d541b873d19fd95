"""Oscillators: macd and three forms of rsi (scanner definitions, section 0).

    macd      line = ema(fast) - ema(slow), signal = ema(line, 9), osc = line - signal
    rsi       100 U / (U + D), U and D the gains and losses smoothed; 50 where U + D = 0
              on wilder (`rsi`), or on tema and dema, each floored at 0 (`rsi_tema_dema`)

A change of close that is a tie counts as 0, as it does at the first bar. Recursions start at the first bar, so results
need a warm-up; see `arrays` for `keep`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from scans.kernels.arrays import Bools, Floats, blank, kept, need_length
from scans.kernels.averages import alpha
from scans.kernels.compare import TIE, above
from scans.kernels.recursion import advance, starts


class Macd(NamedTuple):
    """line, signal, osc and the two price-sized halves of osc = up - down, (K, N) each."""

    line: Floats
    signal: Floats
    osc: Floats
    up: Floats
    down: Floats


def macd(
    close: Floats, fast: int = 12, slow: int = 26, signal: int = 9, *, keep: int | None = None
) -> Macd:
    """Moving average convergence / divergence, (K, N) each.

    Averages are linear, so signal = ema(ema(fast), 9) - ema(ema(slow), 9), and osc = up - down with
    up = ema(fast) + ema(ema(slow), 9) and down = ema(slow) + ema(ema(fast), 9): what ties are judged by.
    """
    sessions, width = close.shape
    rows = kept(sessions, keep)
    out = Macd(*(blank(close, rows) for _ in range(5)))
    pair = np.array([[alpha(fast)], [alpha(slow)]])
    states = advance(close, starts(close), [pair, alpha(signal)], (2, width))
    for at, ((quick, calm), (quick_signal, calm_signal)) in enumerate(states, rows - sessions):
        if at >= 0:
            np.subtract(quick, calm, out=out.line[at])
            np.subtract(quick_signal, calm_signal, out=out.signal[at])
            np.add(quick, calm_signal, out=out.up[at])
            np.add(calm, quick_signal, out=out.down[at])
    np.subtract(out.line, out.signal, out=out.osc)
    return out


def osc_positive(value: Macd) -> Bools:
    """osc > 0, (K, N): up above down, ties judged on the scale of the price."""
    return above(value.up, value.down)


def osc_rises(value: Macd) -> Bools:
    """osc above that of the session before, (K, N), ties on the scale of the price; the first row is False, so keep
    one session more."""
    rising = np.zeros(value.osc.shape, dtype=np.bool_)
    up, down = value.up, value.down
    rising[1:] = above(up[1:] + down[:-1], down[1:] + up[:-1])
    return rising


def rsi(close: Floats, n: int = 14, *, keep: int | None = None) -> Floats:
    """Relative strength index on Wilder's average, (K, N), 0..100."""
    need_length(n)
    out = blank(close, kept(len(close), keep))
    scratch = np.empty(close.shape[1])
    for at, (state,) in _smoothed_moves(close, 1.0 / n, 1, len(out)):
        _strength(state, out[at], scratch)
    return out


def rsi_tema_dema(close: Floats, n: int = 14, *, keep: int | None = None) -> tuple[Floats, Floats]:
    """rsi_tema and rsi_dema over n, (K, N) each, 0..100: one pass, since the two share their averages."""
    rows, width = kept(len(close), keep), close.shape[1]
    of_tema, of_dema = blank(close, rows), blank(close, rows)
    smooth, apart, scratch = np.empty((2, width)), np.empty((2, width)), np.empty(width)
    for at, (e1, e2, e3) in _smoothed_moves(close, alpha(n), 3, rows):
        np.subtract(e1, e2, out=apart)
        np.add(e1, apart, out=smooth)
        _strength(smooth, of_dema[at], scratch)
        np.multiply(apart, 3.0, out=apart)
        np.add(apart, e3, out=smooth)
        _strength(smooth, of_tema[at], scratch)
    return of_tema, of_dema


def _smoothed_moves(
    close: Floats, weight: float, levels: int, rows: int
) -> Iterator[tuple[int, list[Floats]]]:
    """For each of the last `rows` sessions its place among them and the levels of the averages of gains and losses."""
    sessions, width = close.shape
    states = advance(moves(close), starts(close), [weight] * levels, (2, width))
    for at, state in enumerate(states, rows - sessions):
        if at >= 0:
            yield at, list(state)


def moves(close: Floats) -> Iterator[Floats]:
    """Session by session gains and losses, (2, N), both 0 or more; the same buffer every time.

    0 at the first bar, before it, and where the change is a tie.
    """
    width = close.shape[1]
    both = np.zeros((2, width))
    gain, loss = both
    change, tie, still = np.empty(width), np.empty(width), np.empty(width, dtype=np.bool_)
    before = np.full(width, np.nan)
    for row in close:
        np.subtract(row, before, out=change)
        np.maximum(row, before, out=tie)  # prices are positive: this is max(|a|, |b|)
        np.multiply(tie, TIE, out=tie)
        np.abs(change, out=gain)
        np.less_equal(gain, tie, out=still)
        np.copyto(change, 0.0, where=still)
        np.fmax(change, 0.0, out=gain)
        np.fmin(change, 0.0, out=loss)
        np.negative(loss, out=loss)
        before = row
        yield both


def _strength(both: Floats, out: Floats, scratch: Floats) -> None:
    """100 U / (U + D) of `both`, (2, N), each floored at 0 (in place); 50 where the sum is 0, NaN where both are."""
    np.maximum(both, 0.0, out=both)
    up, down = both
    np.add(up, down, out=scratch)
    still = scratch == 0.0
    if still.any():
        up[still], scratch[still] = 0.5, 1.0
    np.divide(up, scratch, out=out)
    np.multiply(out, 100.0, out=out)
