"""Generator of a market on a real calendar: made-up instruments with the features of real bars.

The same seed gives the same market; more instruments leave the first ones unchanged. The steps, for a block of
instruments at a time:

1. One market return a session: bull, flat and bear phases. The last phase is a bull market, so that the latest
   session of a demonstration has signals.
2. Each instrument's return: its share of the market's, a slowly turning drift of its own, noise, and now and then a
   day on which volume bursts and the price follows.
3. Session after session a base price (the close before, times what a split or reduction makes of it) and a close
   within the daily limit of it, both on the exchange's ticks.
4. Halts (open = high = low = 0, no volume), late listings, delistings, preferred shares, SPACs, REITs, administration
   and caution for a while.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from marketdata.ticks import KRX_GRID

SEED = 20260821
BLOCK = 256

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_WORDS = ("code", "name", "segment", "department")
_PRICES = ("open", "high", "low", "close")
_TYPES: dict[str, pa.DataType] = {
    "date": pa.date32(),
    **dict.fromkeys(_WORDS, pa.string()),
    **dict.fromkeys(_PRICES, pa.float64()),
    "volume": pa.int64(),
    **dict.fromkeys(("amount", "base_price", "market_cap"), pa.float64()),
    "shares": pa.int64(),
}
SCHEMA = pa.schema(_TYPES)

TRADES = ("전자", "화학", "바이오", "제약", "건설", "식품", "소재", "기계", "소프트", "에너지")
DEPARTMENTS = ("우량기업부", "벤처기업부", "중견기업부", "기술성장기업부")
MANAGED, CAUTION = "관리종목(소속부없음)", "투자주의환기종목(소속부없음)"
SPLITS = np.array([0.2, 0.1, 0.5, 5.0, 10.0])
"""New price / old price: splits 5 for 1, 10 for 1, 2 for 1; reductions 1 for 5 and 1 for 10."""
DAILY_LIMIT = 0.29
PHASES = {"bull": (0.0022, 0.006), "flat": (0.0002, 0.006), "bear": (-0.0016, 0.010)}
"""Mean and deviation of the market's daily return."""
FINALE = 60
"""Sessions of the last phase, a bull market."""


def generate(*, instruments: int, sessions: NDArray[np.datetime64], seed: int = SEED) -> pa.Table:
    """A tidy table of N instruments on these sessions (ascending, datetime64[D]), sorted by (code, date). ValueError
    below 1 instrument or 2 sessions."""
    parts = list(batches(instruments=instruments, sessions=sessions, seed=seed))
    return pa.Table.from_batches(parts, SCHEMA)


def batches(*, instruments: int, sessions: NDArray[np.datetime64], seed: int = SEED) -> Iterator[pa.RecordBatch]:
    """The table of `generate` a block of instruments at a time, for markets that do not fit into memory."""
    if instruments < 1 or len(sessions) < 2:
        raise ValueError("A market needs at least 1 instrument and 2 sessions.")
    market = _market_returns(np.random.default_rng([seed, 0]), len(sessions))
    for number, first in enumerate(range(0, instruments, BLOCK)):
        rng = np.random.default_rng([seed, 1, number])
        block = _Block(rng, first, market)
        yield block.rows(sessions, min(BLOCK, instruments - first))


def _market_returns(rng: np.random.Generator, count: int) -> Floats:
    """(S,) returns of the market, phase after phase."""
    names = list(PHASES)
    returns = np.empty(count)
    at, phase = 0, 1
    while at < count:
        length = int(rng.integers(25, 75))
        mean, deviation = PHASES[names[phase]]
        part = returns[at : at + length]
        part[:] = rng.normal(mean, deviation, length)[: len(part)]
        at += length
        phase = (phase + int(rng.integers(1, len(names)))) % len(names)
    finale = returns[max(count - FINALE, 0) :]
    mean, deviation = PHASES["bull"]
    finale[:] = rng.normal(mean, deviation, FINALE)[: len(finale)]
    return returns


@dataclass(slots=True)
class _Names:
    code: list[str]
    name: list[str]
    segment: list[str]
    department: list[str]


class _Block:
    """`BLOCK` instruments over S sessions; arrays are (BLOCK, S). A smaller market takes the first of them."""

    def __init__(self, rng: np.random.Generator, first: int, market: Floats) -> None:
        self.rng, self.first = rng, first
        self.shape = (BLOCK, len(market))
        self.listed = self._listed()
        self.halted = self._halted()
        self.burst = (rng.random(self.shape) < 0.03) & ~self.halted
        self.factor = self._factor()
        self.close, self.base = self._closes(market)
        self.open, self.high, self.low = self._ranges()
        self.volume = self._volumes()
        self.status = self._status()

    def _listed(self) -> Bools:
        """One in eight comes late, one in twenty goes early."""
        size, count = self.shape
        when = self.rng.integers(0, count, (size, 2))
        late, gone = self.rng.random(size) < 1 / 8, self.rng.random(size) < 1 / 20
        start = np.where(late, when[:, 0] * 9 // 10, 0)
        end = np.where(gone, np.maximum(when[:, 1], start + 1), count)
        day = np.arange(count)
        listed: Bools = (day >= start[:, None]) & (day < end[:, None])
        return listed

    def _halted(self) -> Bools:
        """One instrument in ten is halted once, for up to 15 sessions."""
        size, count = self.shape
        start, length = self.rng.integers(0, count, size), self.rng.integers(1, 16, size)
        ever = self.rng.random(size) < 0.1
        day = np.arange(count)
        halted: Bools = (day >= start[:, None]) & (day < (start + length)[:, None]) & ever[:, None]
        return halted

    def _factor(self) -> Floats:
        """New price / old price of the session: 1, or a split on one day of one instrument in twelve."""
        size, count = self.shape
        factor = np.ones(self.shape)
        split = np.flatnonzero(self.rng.random(size) < 1 / 12)
        when = self.rng.integers(1, count, size)
        factor[split, when[split]] = self.rng.choice(SPLITS, size)[split]
        return factor

    def _returns(self, market: Floats) -> Floats:
        size, count = self.shape
        beta = self.rng.normal(1.0, 0.3, (size, 1))
        swing = self.rng.normal(0.0, 0.0016, self.shape)
        for day in range(1, count):  # a drift that turns about once in a month
            swing[:, day] += 0.93 * swing[:, day - 1]
        noise = self.rng.normal(0.0, self.rng.uniform(0.006, 0.018, (size, 1)), self.shape)
        follow = self.burst * self.rng.uniform(0.0, 0.02, self.shape)
        returns = beta * market + swing + noise + follow
        returns[self.halted] = 0.0
        return np.clip(returns, -DAILY_LIMIT, DAILY_LIMIT)

    def _closes(self, market: Floats) -> tuple[Floats, Floats]:
        """Raw closes on ticks and base prices. A price near the bottom bounces, so that none falls to zero."""
        size, count = self.shape
        returns = self._returns(market)
        start = np.round(self.rng.lognormal(9.7, 0.9, size), -2) + 500
        close, base = np.empty(self.shape), np.empty(self.shape)
        last = start
        for day in range(count):
            base[:, day] = _on_tick(last * self.factor[:, day])
            moved = base[:, day] * (1 + returns[:, day])
            moved = np.where(moved < 400, base[:, day] * (1 + np.abs(returns[:, day])), moved)
            close[:, day] = np.where(self.halted[:, day], base[:, day], _on_tick(moved))
            last = close[:, day]
        return close, base

    def _ranges(self) -> tuple[Floats, Floats, Floats]:
        opening = _on_tick(self.base * (1 + self.rng.normal(0.0, 0.004, self.shape)))
        top, bottom = np.maximum(opening, self.close), np.minimum(opening, self.close)
        reach = np.abs(self.rng.normal(0.0, 0.006, (2, *self.shape)))
        high = np.maximum(_on_tick(top * (1 + reach[0])), top)
        low = np.minimum(_on_tick(bottom * (1 - reach[1])), bottom)
        for column in (opening, high, low):
            column[self.halted] = 0.0
        return opening, high, low

    def _volumes(self) -> Floats:
        """Shares: a turnover of each instrument's own size, more when it bursts."""
        size = self.shape[0]
        turnover = self.rng.lognormal(22.0, 1.3, (size, 1)) + 2e7
        busy = self.rng.lognormal(0.0, 0.35, self.shape)
        busy *= np.where(self.burst, self.rng.uniform(2.0, 4.5, self.shape), 1.0)
        volume = np.maximum(np.round(turnover * busy / self.close), 1.0)
        volume[self.halted] = 0.0
        return volume

    def _status(self) -> NDArray[np.int64]:
        """0, or 1 while under administration, 2 while under caution: one in thirty each, for a part of the time."""
        size, count = self.shape
        kind = self.rng.choice([0, 1, 2], size, p=[14 / 15, 1 / 30, 1 / 30])
        bounds = np.sort(self.rng.integers(0, count, (size, 2)), axis=1)
        day = np.arange(count)
        during = (day >= bounds[:, :1]) & (day <= bounds[:, 1:])
        return np.where(during, kind[:, None], 0)

    def _names(self) -> _Names:
        size = self.shape[0]
        draw = self.rng.random((3, size))
        names = _Names([], [], [], [])
        for place in range(size):
            number = self.first + place + 1
            code, name = f"{number * 10:06d}", f"데모{TRADES[number % len(TRADES)]}{number}"
            segment = "KOSPI" if draw[0, place] < 0.35 else "KOSDAQ"
            if draw[0, place] > 0.97:
                segment = "KONEX"
            department = "" if segment == "KOSPI" else DEPARTMENTS[int(draw[1, place] * 4)]
            if draw[2, place] < 0.04:
                code, name = f"{code[:-1]}5", f"{name}우"
            elif draw[2, place] < 0.06 and segment == "KOSDAQ":
                name, department = f"데모제{number}호스팩", "SPAC(소속부없음)"
            elif draw[2, place] < 0.08 and segment == "KOSPI":
                name = f"데모{number}리츠"
            names.code.append(code)
            names.name.append(name)
            names.segment.append(segment)
            names.department.append(department)
        return names

    def rows(self, sessions: NDArray[np.datetime64], count: int) -> pa.RecordBatch:
        """The first `count` instruments as rows, sorted by (code, date)."""
        names = self._names()
        order = np.array(sorted(range(count), key=names.code.__getitem__))
        which, day = np.nonzero(self.listed[order])
        which = order[which]
        kind = np.array([0 if segment == "KOSPI" else 1 for segment in names.segment])
        status = self.status[which, day] * kind[which]
        own = [*names.department, MANAGED, CAUTION]
        department = np.where(status > 0, BLOCK + status - 1, which)
        shares = np.round(self.rng.lognormal(17.0, 0.8, BLOCK))[:, None] / np.cumprod(self.factor, axis=1)
        close, volume = self.close[which, day], self.volume[which, day]
        shares_then = np.maximum(np.round(shares[which, day]), 1.0)
        columns = [
            pa.array(sessions[day], pa.date32()),
            _words(names.code, which),
            _words(names.name, which),
            _words(names.segment, which),
            _words(own, department),
            *(pa.array(column[which, day]) for column in (self.open, self.high, self.low)),
            pa.array(close),
            pa.array(volume.astype(np.int64)),
            pa.array(volume * close),
            pa.array(self.base[which, day]),
            pa.array(close * shares_then),
            pa.array(shares_then.astype(np.int64)),
        ]
        return pa.RecordBatch.from_arrays(columns, schema=SCHEMA)


def _on_tick(price: Floats) -> Floats:
    """The nearest price that the exchange quotes, at least one tick."""
    tick = KRX_GRID.ticks(price)
    rounded: Floats = np.maximum(np.round(price / tick), 1.0) * tick
    return rounded


def _words(words: list[str], index: NDArray[np.integer]) -> pa.Array[Any]:
    coded: Any = pa.DictionaryArray.from_arrays(index.astype(np.int32), pa.array(words))
    decoded: pa.Array[Any] = coded.dictionary_decode()
    return decoded
