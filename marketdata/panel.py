"""Panel: the only data that passes between storage and engines.

A panel contains one market (or a shard of its instruments) over consecutive sessions. Its first `start` sessions
are history that recursive indicators need; the requested answers are those of `sessions[start:]`, K in number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Bools: TypeAlias = NDArray[np.bool_]

PRICE_FIELDS = ("open", "high", "low", "close")
MARKET_CAP = "market_cap"
FIELDS = (*PRICE_FIELDS, "volume", "amount", "raw_close", MARKET_CAP)

INVESTORS = ("foreign", "institution", "pension", "individual")
"""Kinds of investors that a source of flow may distinguish; pension funds are counted among the institutions too."""

FLOW_FIELDS = tuple(f"{who}_net_{what}" for who in INVESTORS for what in ("quantity", "value"))
"""Net buying of a session, in raw shares and in the market's currency: fields that are read where flow is requested."""

# Bits of `flags`: reasons that exclude an instrument from every scan on that session.
NOT_COMMON, MANAGED, CAUTION = 1, 2, 4


@dataclass(frozen=True, slots=True)
class Panel:
    """Daily bars as arrays, read-only.

    sessions  (T,) datetime64[D], the market's calendar, ascending
    start     index of the first requested session; K = T - start
    codes     (N,) str, ascending
    first     (N,) index of the instrument's first bar (0 where it has earlier bars; T where it has none)
    fields    name -> (R, N) float64, the requested ones, each with the requested number of sessions:
              R <= T, and the last row is the last session; NaN before the first bar, filled after it (no-trade
              bars); open, high, low, close and volume adjusted, amount and raw_close raw; market_cap as recorded or
              carried (`carried_caps`), NaN before the first; those of `FLOW_FIELDS` as recorded, NaN where none is
    segments  the names that `segment` counts
    segment   (K, N) int8, -1 where there is no bar
    flags     (K, N) uint8, bits NOT_COMMON, MANAGED, CAUTION
    suspect   (K, N) bool, within 252 sessions from a suspected corporate action on
    """

    market: str
    sessions: NDArray[np.datetime64]
    start: int
    codes: NDArray[np.str_]
    first: NDArray[np.int32]
    fields: Mapping[str, Floats]
    segments: tuple[str, ...]
    segment: NDArray[np.int8]
    flags: NDArray[np.uint8]
    suspect: Bools

    def __getitem__(self, name: str) -> Floats:
        """The field `name`, (T, N); KeyError lists the loaded fields."""
        try:
            return self.fields[name]
        except KeyError:
            loaded = ", ".join(self.fields)
            raise KeyError(f"{name} was not loaded into this panel (only {loaded})") from None

    @property
    def output_sessions(self) -> NDArray[np.datetime64]:
        """The requested sessions, (K,)."""
        return self.sessions[self.start :]

    @property
    def traded(self) -> Bools:
        """(K, N): a trade took place on that session."""
        return self.tail("volume", 0) > 0

    def tail(self, name: str, before: int) -> Floats:
        """The field's last K + `before` rows: the requested sessions and `before` more (fewer where history begins
        later), (<= K + before, N)."""
        rows = min(len(self.sessions) - self.start + before, len(self.sessions))
        array = self[name]
        if len(array) < rows:
            raise KeyError(f"{name} was loaded for {len(array)} sessions, {rows} are needed")
        return array[len(array) - rows :]

    def eligible(self, *, segments: tuple[str, ...], min_bars: int) -> Bools:
        """(K, N): common stock of one of the segments, neither managed nor under caution nor suspect, traded,
        with at least `min_bars` sessions since its first bar (that bar counts as one). Point in time."""
        wanted = np.array([name in segments for name in self.segments] + [False])
        bars = np.arange(self.start, len(self.sessions))[:, None] - self.first[None, :] + 1
        chosen: Bools = wanted[self.segment] & (self.flags == 0) & ~self.suspect & self.traded & (bars >= min_bars)
        return chosen
