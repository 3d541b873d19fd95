"""What a bar, an event or a flow must be to be let in, by whole columns; the first reason that holds is a row's."""

from __future__ import annotations

import re
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from marketdata import codes
from marketdata.errors import DataProblem
from marketdata.markets import Market
from marketdata.sources.batches import BarBatch, EventBatch, FlowBatch

LARGEST_VOLUME = 2.0**53
"""Beyond it float64 no longer counts every share."""
MOST_CODES = 50_000
"""More than any market has; the keys of a file are remembered, so that their number is bounded."""


class TooManyCodes(DataProblem):
    """A file whose codes cannot be those of a market."""


class Reason(StrEnum):
    """Why a row is kept out."""

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
    """The checks of one file for one market. It remembers the keys it has let in, since a later row of the same
    file with the same key is a duplicate."""

    def __init__(self, market: Market, sessions: NDArray[np.datetime64], as_of: datetime) -> None:
        self._market = market
        self._sessions = sessions
        self._today = np.datetime64(as_of.astimezone(ZoneInfo(market.timezone)).date())
        self._seen = _Seen(sessions)

    def bars(self, batch: BarBatch) -> NDArray[np.int8]:
        """For each row the index of its reason in `REASONS`, or FINE, (R,)."""
        v = batch.values
        o, h, low, c, volume = (v[name] for name in ("open", "high", "low", "close", "volume"))
        found = self._key(batch)
        _flag(found, Reason.OTHER_MARKET, batch.foreign)
        _flag(found, Reason.NOT_A_NUMBER, batch.unreadable)
        _flag(found, Reason.BAD_PRICE, ~((o >= 0) & (h >= 0) & (low >= 0) & (c > 0)))
        traded_range = (h > 0) & (low > 0)
        _flag(found, Reason.HIGH_BELOW_LOW, traded_range & (h < low))
        slack = self._market.tick(c) * (1 + 1e-9)
        outside = ((h > 0) & (c > h + slack)) | ((low > 0) & (c < low - slack))
        _flag(found, Reason.CLOSE_OUTSIDE, outside)
        _flag(found, Reason.BAD_VOLUME, ~(volume >= 0))
        _flag(found, Reason.OVERFLOW, volume > LARGEST_VOLUME)
        for name in ("amount", "base_price", "market_cap", "shares"):
            _flag(found, Reason.NEGATIVE, v[name] < 0)
        self._duplicates(found, batch)
        return found

    def events(self, batch: EventBatch) -> NDArray[np.int8]:
        """The same for factor events."""
        found = self._key(batch)
        _flag(found, Reason.BAD_RATIO, ~(batch.ratio > 0))
        self._duplicates(found, batch)
        return found

    def flows(self, batch: FlowBatch) -> NDArray[np.int8]:
        """The same for investor flow; against the bars, `flow_door.against_bars` checks it."""
        found = self._key(batch)
        _flag(found, Reason.NOT_A_NUMBER, batch.unreadable)
        self._duplicates(found, batch)
        return found

    def _key(self, batch: BarBatch | EventBatch | FlowBatch) -> NDArray[np.int8]:
        found = np.full(len(batch), FINE, dtype=np.int8)
        is_code = np.array([*map(self._is_code, batch.codes.tolist()), False])
        _flag(found, Reason.NO_CODE, ~is_code[batch.code])
        _flag(found, Reason.NO_DATE, np.isnat(batch.date))
        _flag(found, Reason.NON_SESSION, self._position(batch.date) < 0)
        _flag(found, Reason.FUTURE, batch.date > self._today)
        return found

    def _is_code(self, code: str) -> bool:
        """Whether the market spells codes so, or spelled one so before: never with a slash or a blank."""
        return bool(codes.spell_code(self._market.name, code)) and not re.search(r"[/\s]", code)

    def _duplicates(self, found: NDArray[np.int8], batch: BarBatch | EventBatch | FlowBatch) -> None:
        fine = np.flatnonzero(found == FINE)
        if not len(fine):
            return
        again = self._seen.again(batch.codes, batch.code[fine], self._position(batch.date[fine]))
        found[fine[again]] = REASONS.index(Reason.DUPLICATE)

    def _position(self, date: NDArray[np.datetime64]) -> NDArray[np.int64]:
        """The session's number, -1 where the day is none."""
        at = np.minimum(np.searchsorted(self._sessions, date), len(self._sessions) - 1)
        return np.where(self._sessions[at] == date, at, -1)


class _Seen:
    """The (code, session) pairs let in so far: one bit each, in blocks of sessions and codes made when needed."""

    SESSIONS = 256

    def __init__(self, sessions: NDArray[np.datetime64]) -> None:
        self._ids: dict[str, int] = {}
        self._blocks: dict[int, NDArray[np.bool_]] = {}

    def again(
        self,
        codes: NDArray[np.str_],
        code: NDArray[np.int32],
        session: NDArray[np.int64],
    ) -> NDArray[np.bool_]:
        """Which of these pairs were seen before, in earlier calls or earlier in this one, (R,); they all are now."""
        ids = np.full(len(codes), -1, dtype=np.int64)
        for one in np.flatnonzero(np.bincount(code, minlength=len(codes))).tolist():
            ids[one] = self._ids.setdefault(str(codes[one]), len(self._ids))
        if len(self._ids) > MOST_CODES:
            raise TooManyCodes(
                f"more than {MOST_CODES:,} codes have a bar: no market has as many, and the column of codes is another."
            )
        number = ids[code]
        order = np.lexsort((session, number))
        same = np.zeros(len(order), dtype=bool)
        same[1:] = (np.diff(number[order]) == 0) & (np.diff(session[order]) == 0)
        found = np.zeros(len(order), dtype=bool)
        found[order] = same
        block, place = np.divmod(session, self.SESSIONS)
        for key in np.unique(block).tolist():
            rows = np.flatnonzero(block == key)
            grid = self._grid(key)
            found[rows] |= grid[number[rows], place[rows]]
            grid[number[rows], place[rows]] = True
        return found

    def _grid(self, key: int) -> NDArray[np.bool_]:
        """The block of `SESSIONS` sessions, (codes, SESSIONS), with room for every code known."""
        grid = self._blocks.get(key)
        if grid is None or len(grid) < len(self._ids):
            larger = np.zeros((2 * len(self._ids), self.SESSIONS), dtype=bool)
            if grid is not None:
                larger[: len(grid)] = grid
            self._blocks[key] = grid = larger
        return grid


def _flag(found: NDArray[np.int8], reason: Reason, holds: NDArray[np.bool_]) -> None:
    found[(found == FINE) & holds] = REASONS.index(reason)
