"""A made-up market of any size, one month at a time, the same for the same seed.

A random walk in ticks with a common factor and volumes that cluster; halts (open = high = low = 0, volume 0, the close
repeated) and days without a bar; late listings; splits and reverse splits with the exchange's base price; base prices,
turnover, shares and market cap on every bar, as KRX files have them. Nothing in it stands for anything real.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from marketdata.lake.writer import Bars
from marketdata.ticks import KRX_GRID

SEGMENTS = ("KOSDAQ", "KOSPI")
LIMIT = 0.295  # below the exchange's 30 %, whatever rounding to a tick adds
SPLITS = np.array([0.1, 0.2, 0.5, 2.0, 5.0, 10.0])

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Month:
    """Bars of one month: sessions (D,), `present` (D, N), and fields name -> (D, N)."""

    first: date
    sessions: NDArray[np.datetime64]
    present: NDArray[np.bool_]
    fields: dict[str, Floats]


class Generated:
    """`instruments` over `sessions` (T,) with the rules of KRX."""

    def __init__(self, seed: int, instruments: int, sessions: NDArray[np.datetime64]) -> None:
        self.rng = np.random.default_rng(seed)
        self.sessions, size = sessions, instruments
        self.codes = np.array([f"{n * 10:06d}" for n in range(size)])
        self.segment = (np.arange(size) % 5 == 0).astype(np.int32)
        rng = self.rng
        late = rng.random(size) < 0.25
        self.listed = np.where(late, rng.integers(0, len(sessions), size), 0)
        self.close = self._ticks(np.exp(rng.normal(9.0, 1.0, size)))
        self.shares = np.exp(rng.normal(16.5, 1.0, size)).round()
        self.wild = rng.uniform(0.01, 0.035, size)
        self.busy = rng.normal(11.5, 1.5, size)
        self.heat = np.zeros(size)
        self.halted = np.zeros(size, dtype=np.int64)

    def months(self) -> Iterator[Month]:
        """Every month that has sessions, ascending."""
        of_month = self.sessions.astype("datetime64[M]")
        for month in np.unique(of_month):
            rows = np.flatnonzero(of_month == month)
            days = [self._day(int(row)) for row in rows]
            yield Month(
                first=month.astype("datetime64[D]").item(),
                sessions=self.sessions[rows],
                present=np.array([present for present, _ in days]),
                fields={name: np.array([bar[name] for _, bar in days]) for name in days[0][1]},
            )

    def _day(self, row: int) -> tuple[NDArray[np.bool_], dict[str, Floats]]:
        rng, size = self.rng, len(self.codes)
        base = self.close.copy()
        split = np.flatnonzero(rng.random(size) < 1 / 2_000)
        factor = rng.choice(SPLITS, len(split))
        factor = np.where((base[split] < 2_000) & (factor < 1), 1 / factor, factor)
        factor = np.where((base[split] > 200_000) & (factor > 1), 1 / factor, factor)
        base[split] = self._ticks(base[split] * factor)
        self.shares[split] = np.maximum((self.shares[split] / factor).round(), 1)

        stopped = rng.random(size) < 1 / 1_500
        self.halted = np.where(stopped, rng.integers(1, 30, size), np.maximum(self.halted - 1, 0))
        trades = self.halted == 0
        move = 0.0003 + 0.004 * rng.normal() + self.wild * rng.normal(size=size)
        moved = self._ticks(base * (1 + np.clip(move, -LIMIT, LIMIT)))
        close = np.where(trades, moved, base)
        reach = self.wild * base
        opened = self._ticks(base + 0.3 * reach * rng.normal(size=size))
        high = np.maximum(self._ticks(base + reach * rng.random(size)), np.maximum(opened, close))
        low = np.minimum(self._ticks(base - reach * rng.random(size)), np.minimum(opened, close))
        self.heat = 0.7 * self.heat + 0.5 * rng.normal(size=size)
        volume = np.where(trades, np.exp(self.busy + self.heat).round() + 1, 0.0)
        bar = {name: np.where(trades, x, 0.0) for name, x in zip(_OHL, (opened, high, low), strict=True)}
        bar |= {"close": close, "volume": volume, "amount": volume * close, "base_price": base}
        bar |= {"shares": self.shares.copy(), "market_cap": self.shares * close}
        self.close = close
        # One halted day in ten leaves no bar at all; on a split's day there is one.
        silent = ~trades & (rng.random(size) < 0.1)
        silent[split] = False
        return (row >= self.listed) & ~silent, bar

    def _ticks(self, price: Floats) -> Floats:
        """Prices the exchange would quote, 100 won at least."""
        price = np.maximum(price, 100.0)
        tick = KRX_GRID.ticks(price)
        return np.round(price / tick) * tick

    def bars(self, month: Month) -> Bars:
        """The month as a lake partition's rows, sorted by (code, date)."""
        seen = month.present.any(axis=0)
        present = month.present.T[seen]
        code, day = np.nonzero(present)
        size = len(code)
        values = {name: x.T[seen][present] for name, x in month.fields.items()}
        values["ratio"] = np.full(size, np.nan)
        none = np.empty(0)
        return Bars(
            codes=self.codes[seen],
            segments=SEGMENTS,
            code=code.astype(np.int32),
            date=month.sessions[day],
            values=values,
            segment=self.segment[seen][code],
            flags=np.zeros(size, dtype=np.uint8),
            events=(none.astype(np.int32), none.astype("datetime64[D]"), none),
        )


_OHL = ("open", "high", "low")
