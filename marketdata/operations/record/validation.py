"""Validation of bars, events and flows by whole columns; a row has the first reason that applies."""

from __future__ import annotations

import re
from datetime import datetime
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from marketdata import codes
from marketdata.errors import DataProblem
from marketdata.market_time import market_date
from marketdata.markets import Market
from marketdata.sorted_search import positions_in
from marketdata.sources.batches import BarBatch, EventBatch, FlowBatch

LARGEST_VOLUME = 2.0**53
"""Beyond it float64 no longer counts every share."""
MOST_CODES = 50_000
"""More than any market has: a limit on memory, since the keys of a file are kept."""


class TooManyCodes(DataProblem):
    """A file whose codes cannot be those of a market."""


class Reason(StrEnum):
    """Why a row is rejected."""

    NO_CODE = "not a code of this market"
    OTHER_MARKET = "unknown market or segment"
    NO_DATE = "no date"
    NON_SESSION = "not a session"
    FUTURE = "date in the future"
    NOT_A_NUMBER = "not a number"
    BAD_PRICE = "negative or missing price"
    HIGH_BELOW_LOW = "high below low"
    CLOSE_OUTSIDE = "close outside low..high"
    BAD_VOLUME = "negative or missing volume"
    OVERFLOW = "volume overflow"
    NEGATIVE = "negative amount, base price, market cap or shares"
    BAD_RATIO = "ratio not above 0"
    BEYOND_TRADED = "net buying beyond what was traded"
    OTHER_UNIT = "net value far from close x net quantity"
    DUPLICATE = "duplicate key in the file"
    BROKEN_LINE = "wrong number of fields"


REASONS = tuple(Reason)
FINE = -1


class Validator:
    """The checks of one file for one market. It keeps the keys of valid rows, since a later row of the same file with
    the same key is a duplicate."""

    def __init__(self, market: Market, sessions: NDArray[np.datetime64], as_of: datetime) -> None:
        self._market = market
        self._sessions = sessions
        self._today = np.datetime64(market_date(as_of, market))
        self._keys = _RecordedKeys(sessions)

    def bars(self, batch: BarBatch) -> NDArray[np.int8]:
        """For each row the index of its reason in `REASONS`, or FINE, (R,)."""
        v = batch.values
        o, h, low, c, volume = (v[name] for name in ("open", "high", "low", "close", "volume"))
        reasons = self._key(batch)
        _flag(reasons, Reason.OTHER_MARKET, batch.foreign)
        _flag(reasons, Reason.NOT_A_NUMBER, batch.unreadable)
        _flag(reasons, Reason.BAD_PRICE, ~((o >= 0) & (h >= 0) & (low >= 0) & (c > 0)))
        traded_range = (h > 0) & (low > 0)
        _flag(reasons, Reason.HIGH_BELOW_LOW, traded_range & (h < low))
        slack = self._market.tick(c) * (1 + 1e-9)
        outside = ((h > 0) & (c > h + slack)) | ((low > 0) & (c < low - slack))
        _flag(reasons, Reason.CLOSE_OUTSIDE, outside)
        _flag(reasons, Reason.BAD_VOLUME, ~(volume >= 0))
        _flag(reasons, Reason.OVERFLOW, volume > LARGEST_VOLUME)
        for name in ("amount", "base_price", "market_cap", "shares"):
            _flag(reasons, Reason.NEGATIVE, v[name] < 0)
        self._duplicates(reasons, batch)
        return reasons

    def events(self, batch: EventBatch) -> NDArray[np.int8]:
        """The same for factor events."""
        reasons = self._key(batch)
        _flag(reasons, Reason.BAD_RATIO, ~(batch.ratio > 0))
        self._duplicates(reasons, batch)
        return reasons

    def flows(self, batch: FlowBatch) -> NDArray[np.int8]:
        """The same for investor flow; `flows.against_bars` compares with the bars."""
        reasons = self._key(batch)
        _flag(reasons, Reason.NOT_A_NUMBER, batch.unreadable)
        self._duplicates(reasons, batch)
        return reasons

    def _key(self, batch: BarBatch | EventBatch | FlowBatch) -> NDArray[np.int8]:
        reasons = np.full(len(batch), FINE, dtype=np.int8)
        is_code = np.array([*map(self._is_code, batch.codes.tolist()), False])
        _flag(reasons, Reason.NO_CODE, ~is_code[batch.code])
        _flag(reasons, Reason.NO_DATE, np.isnat(batch.date))
        _flag(reasons, Reason.NON_SESSION, self._position(batch.date) < 0)
        _flag(reasons, Reason.FUTURE, batch.date > self._today)
        return reasons

    def _is_code(self, code: str) -> bool:
        """Whether the market has or had codes of this spelling: never with a slash or a blank."""
        return bool(codes.spell_code(self._market.name, code)) and not re.search(r"[/\s]", code)

    def _duplicates(self, reasons: NDArray[np.int8], batch: BarBatch | EventBatch | FlowBatch) -> None:
        valid = np.flatnonzero(reasons == FINE)
        if not len(valid):
            return
        repeated = self._keys.add_and_compare(batch.codes, batch.code[valid], self._position(batch.date[valid]))
        reasons[valid[repeated]] = REASONS.index(Reason.DUPLICATE)

    def _position(self, date: NDArray[np.datetime64]) -> NDArray[np.int64]:
        """The session's number, -1 where the day is none."""
        return positions_in(self._sessions, date)


class _RecordedKeys:
    """The (code, session) pairs of valid rows: one bit each, in blocks of sessions and codes allocated when needed."""

    SESSIONS = 256

    def __init__(self, sessions: NDArray[np.datetime64]) -> None:
        self._ids: dict[str, int] = {}
        self._blocks: dict[int, NDArray[np.bool_]] = {}

    def add_and_compare(
        self, codes: NDArray[np.str_], code: NDArray[np.int32], session: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Add these pairs; which of them were added before, in earlier calls or earlier in this one, (R,)."""
        ids = np.full(len(codes), -1, dtype=np.int64)
        for index in np.flatnonzero(np.bincount(code, minlength=len(codes))).tolist():
            ids[index] = self._ids.setdefault(str(codes[index]), len(self._ids))
        if len(self._ids) > MOST_CODES:
            raise TooManyCodes(
                f"more than {MOST_CODES:,} codes have a bar: no market has as many, and the column of codes is another."
            )
        number = ids[code]
        order = np.lexsort((session, number))
        same = np.zeros(len(order), dtype=bool)
        same[1:] = (np.diff(number[order]) == 0) & (np.diff(session[order]) == 0)
        repeated = np.zeros(len(order), dtype=bool)
        repeated[order] = same
        block, position = np.divmod(session, self.SESSIONS)
        for key in np.unique(block).tolist():
            rows = np.flatnonzero(block == key)
            grid = self._grid(key)
            repeated[rows] |= grid[number[rows], position[rows]]
            grid[number[rows], position[rows]] = True
        return repeated

    def _grid(self, key: int) -> NDArray[np.bool_]:
        """The block of `SESSIONS` sessions, (codes, SESSIONS), with room for every code."""
        grid = self._blocks.get(key)
        if grid is None or len(grid) < len(self._ids):
            larger = np.zeros((2 * len(self._ids), self.SESSIONS), dtype=bool)
            if grid is not None:
                larger[: len(grid)] = grid
            self._blocks[key] = grid = larger
        return grid


def _flag(reasons: NDArray[np.int8], reason: Reason, holds: NDArray[np.bool_]) -> None:
    reasons[(reasons == FINE) & holds] = REASONS.index(reason)
