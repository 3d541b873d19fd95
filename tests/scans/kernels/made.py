"""Made bars for the kernels' tests: prices on ticks with ties, still stretches, halts, late listings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Self

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Bars:
    """(T, N) arrays, read-only; NaN from the top of a column down to its first bar."""

    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats

    def each(self, change: Callable[[Floats], Floats]) -> Self:
        """The bars with every array replaced by `change` of it."""
        return replace(self, **{one.name: frozen(change(getattr(self, one.name))) for one in fields(self)})

    def columns(self, chosen: Sequence[int] | slice | NDArray[np.intp]) -> Self:
        return self.each(lambda x: x[:, chosen])

    def rows(self, chosen: slice) -> Self:
        return self.each(lambda x: x[chosen])

    def rescaled(self, factors: Floats) -> Self:
        """Each instrument's prices times its factor, its volume divided by it."""
        prices = {name: frozen(getattr(self, name) * factors) for name in ("open", "high", "low", "close")}
        return replace(self, **prices, volume=frozen(self.volume / factors))


def frozen(x: Floats) -> Floats:
    x = np.array(x, dtype=np.float64, order="C")
    x.flags.writeable = False
    return x


def bars(sessions: int, instruments: int, seed: int = 0, *, late: bool = True, still: float = 0.25) -> Bars:
    """Bars on ticks of 5; `still` is the share of sessions without a change. With `late`, about a third of the columns
    begin late and now and then one has no bar at all."""
    rng = np.random.default_rng(seed)
    shape = (sessions, instruments)
    steps = np.where(rng.random(shape) < still, 0, rng.integers(-8, 9, shape))
    close = 5.0 * np.maximum(np.cumsum(steps, axis=0) + rng.integers(100, 2000, instruments), 20)
    before = np.vstack([close[:1], close[:-1]])
    high = np.maximum(close, before) + 5.0 * rng.integers(0, 4, shape)
    low = np.minimum(close, before) - 5.0 * rng.integers(0, 4, shape)
    volume = np.floor(rng.lognormal(9, 1, shape))
    halted = rng.random(shape) < 0.05
    volume[halted] = 0.0
    high[halted], low[halted] = close[halted], close[halted]
    made = Bars(before, high, low, close, volume)
    if not late:
        return made.each(np.asarray)
    first = np.where(rng.random(instruments) < 1 / 3, rng.integers(0, sessions + 1, instruments), 0)
    unlisted = np.arange(sessions)[:, None] < first
    return made.each(lambda x: np.where(unlisted, np.nan, x))


@st.composite
def some_bars(draw: st.DrawFn, most_sessions: int = 70, most_instruments: int = 6) -> Bars:
    """Bars of any small shape, T < n, T = 1 and N = 1 among them."""
    sessions = draw(st.integers(1, most_sessions))
    instruments = draw(st.integers(1, most_instruments))
    still = draw(st.sampled_from([0.0, 0.25, 0.9]))
    return bars(sessions, instruments, draw(st.integers(0, 2**32)), still=still)


def per_column(naive: Callable[..., Sequence[float]], *arrays: Floats) -> Floats:
    """A function of one instrument's values from its first bar on, for every column; NaN before the first bar."""
    answer = np.full(arrays[0].shape, np.nan)
    for column in range(arrays[0].shape[1]):
        first = int(np.isnan(arrays[0][:, column]).sum())
        if first < len(answer):
            answer[first:, column] = naive(*(x[first:, column].tolist() for x in arrays))
    return answer


def same(a: NDArray[np.generic], b: NDArray[np.generic]) -> bool:
    """Equal shapes and values, bit for bit but for the kind of NaN."""
    return a.shape == b.shape and a.dtype == b.dtype and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
