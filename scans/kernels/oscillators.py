"""Oscillators: macd and three forms of rsi (scanner definitions, section 0).

    macd      line = ema(fast) - ema(slow), signal = ema(line, 9), osc = line - signal
    rsi       100 U / (U + D), U and D the gains and losses smoothed; 50 where U + D = 0
              on wilder (`rsi`), or on tema and dema, each floored at 0 (`rsi_tema_dema`)

A change of close that is a tie counts as 0, as it does at the first bar, and so does a smoothed gain or loss that
is a tie with 0 (its positive part with its negative part). Recursions start at the first bar, so results
need a warm-up; see `arrays` for `keep`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from scans.kernels.arrays import Bools, Floats, blank, check_window_length, chunks, kept_rows, tail
from scans.kernels.averages import alpha, double, triple
from scans.kernels.compare import TIE, above
from scans.kernels.recursion import advance, is_single, recurse_single, starts


class Macd(NamedTuple):
    """line, signal and osc = line - signal, (K, N) each, in units of price."""

    line: Floats
    signal: Floats
    osc: Floats


class OscSides(NamedTuple):
    """The macd's osc as up - down, (K, N) each, both of the size of a price: what its ties are judged by."""

    up: Floats
    down: Floats


def macd(close: Floats, fast: int = 12, slow: int = 26, signal: int = 9, *, keep: int | None = None) -> Macd:
    """Moving average convergence / divergence, (K, N) each."""
    rows = kept_rows(len(close), keep)
    out = Macd(blank(close, rows), blank(close, rows), blank(close, rows))
    for at, (pair, smooth) in _pairs(close, fast, slow, signal, rows):
        np.subtract(pair[0], pair[1], out=out.line[at])
        np.subtract(smooth[0], smooth[1], out=out.signal[at])
    np.subtract(out.line, out.signal, out=out.osc)
    return out


def osc_sides(close: Floats, fast: int = 12, slow: int = 26, signal: int = 9, *, keep: int | None = None) -> OscSides:
    """up = ema(fast) + ema(ema(slow), signal), down = ema(slow) + ema(ema(fast), signal), (K, N) each.

    osc itself is up - down; near 0 it has no scale of its own.
    """
    rows = kept_rows(len(close), keep)
    out = OscSides(blank(close, rows), blank(close, rows))
    for at, (pair, smooth) in _pairs(close, fast, slow, signal, rows):
        np.add(pair[0], smooth[1], out=out.up[at])
        np.add(pair[1], smooth[0], out=out.down[at])
    return out


def _pairs(close: Floats, fast: int, slow: int, signal: int, rows: int) -> Iterator[tuple[int, Sequence[Floats]]]:
    """For each of the last `rows` sessions its place, the fast and the slow average, (2, N), and the two smoothed.

    Averages are linear: the signal is the difference of the two smoothed.
    """
    sessions, width = close.shape
    weights = np.array([[alpha(fast)], [alpha(slow)]])
    states = advance(close, starts(close), [weights, alpha(signal)], (2, width))
    for at, state in enumerate(states, rows - sessions):
        if at >= 0:
            yield at, state


def osc_positive(sides: OscSides) -> Bools:
    """osc > 0, (K, N)."""
    return above(sides.up, sides.down)


def osc_rises(sides: OscSides) -> Bools:
    """osc above that of the session before, (K, N); the first row is False, so keep one session more."""
    up, down = sides
    rising = np.zeros(up.shape, dtype=np.bool_)
    rising[1:] = above(up[1:] + down[:-1], down[1:] + up[:-1])
    return rising


def rsi(close: Floats, n: int = 14, *, keep: int | None = None) -> Floats:
    """Relative strength index on Wilder's average, (K, N), 0..100."""
    check_window_length(n)
    out = blank(close, kept_rows(len(close), keep))
    if is_single(close):
        return _rsi_alone(close, 1.0 / n, out)
    both = np.empty((2, close.shape[1]))
    for at, (state,) in _smoothed_moves(close, 1.0 / n, 1, len(out)):
        np.copyto(both, state)
        _strength(both, out[at])
    _hide_missing(out, close)
    return out


def _rsi_alone(close: Floats, weight: float, out: Floats) -> Floats:
    """The same of one instrument, (T, 1), into `out`."""
    nothing = np.zeros((1, 2))  # the averages begin at 0, a row before the first
    both = np.concatenate([nothing, *(chunk[:, :, 0] for chunk in _moved(close))])
    sides = [recurse_single(side, weight, 0)[len(side) - len(out) :] for side in both.T.tolist()]
    _strength(np.array(sides), out[:, 0])
    _hide_missing(out, close)
    return out


def rsi_tema_dema(close: Floats, n: int = 14, *, keep: int | None = None) -> tuple[Floats, Floats]:
    """rsi_tema and rsi_dema over n, (K, N) each, 0..100: one pass, since the two share their averages."""
    rows = kept_rows(len(close), keep)
    of_tema, of_dema = blank(close, rows), blank(close, rows)
    both, plus = np.empty((2, close.shape[1])), np.empty((2, close.shape[1]))
    for at, (e1, e2, e3) in _smoothed_moves(close, alpha(n), 3, rows):
        triple(e1, e2, e3, out=both)
        np.multiply(e1, 3.0, out=plus)
        np.add(plus, e3, out=plus)
        _floor(both, plus)
        _strength(both, of_tema[at])
        double(e1, e2, out=both)
        np.multiply(e1, 2.0, out=plus)
        _floor(both, plus)
        _strength(both, of_dema[at])
    _hide_missing(of_tema, close)
    _hide_missing(of_dema, close)
    return of_tema, of_dema


def _smoothed_moves(close: Floats, weight: float, levels: int, rows: int) -> Iterator[tuple[int, Sequence[Floats]]]:
    """For each of the last `rows` sessions its place among them and the averages of gains and losses, (2, N) a level;
    0 before the first bar."""
    sessions, width = close.shape
    states = advance(moves(close), {}, [weight] * levels, (2, width))
    for at, state in enumerate(states, rows - sessions):
        if at >= 0:
            yield at, state


def moves(close: Floats) -> Iterator[Floats]:
    """Session by session gains and losses, (2, N), both 0 or more, in buffers that are used again.

    0 at the first bar, before it, and where the change is a tie.
    """
    for both in _moved(close):
        yield from both


def _moved(close: Floats) -> Iterator[Floats]:
    """The same of many sessions at once, (C, 2, N)."""
    sessions, width = close.shape
    before = np.full((1, width), np.nan)
    for start, stop in chunks(sessions, width):
        now = close[start:stop]
        before = np.concatenate([before[-1:], now])
        change = now - before[:-1]
        tie = np.maximum(now, before[:-1])  # prices are positive: this is max(|a|, |b|)
        tie *= TIE
        change[np.abs(change) <= tie] = 0.0
        both = np.empty((stop - start, 2, width))
        np.fmax(change, 0.0, out=both[:, 0])
        np.negative(change, out=change)
        np.fmax(change, 0.0, out=both[:, 1])
        yield both


def _floor(both: Floats, plus: Floats) -> None:
    """0 where `both`, a difference whose positive part is `plus` (spent), is below 0 or a tie with it.

    A tema or dema of a single gain passes through exactly 0; what rounding leaves there must not become a strength.
    """
    np.multiply(plus, TIE, out=plus)
    np.copyto(both, 0.0, where=both <= plus)


def _strength(both: Floats, out: Floats) -> None:
    """100 U / (U + D) of `both` (spent), (2, N), 0 or more; 50 where the sum is 0."""
    up, down = both
    np.add(up, down, out=down)
    still = down == 0.0
    np.copyto(up, 0.5, where=still)
    np.copyto(down, 1.0, where=still)
    np.divide(up, down, out=out)
    np.multiply(out, 100.0, out=out)


def _hide_missing(out: Floats, close: Floats) -> None:
    out[np.isnan(tail(close, len(out)))] = np.nan
