"""Bars of a session that still trades: in memory alone, never in the record or the lake."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marketdata.adjust import BASED, PRESENT, TRADED
from marketdata.panel import Floats
from marketdata.sorted_search import positions_in

FIELDS = ("open", "high", "low", "close", "volume", "amount", "base_price")


@dataclass(frozen=True, slots=True)
class FormingBars:
    """The bars of `session` so far: `codes` (N,) ascending; `values`: each of `FIELDS` -> (N,), raw, NaN where missing;
    `segment` (N,) counts `segments`, -1 unknown; `flags` (N,) as in a panel."""

    session: np.datetime64
    codes: NDArray[np.bytes_]
    values: Mapping[str, Floats]
    segments: tuple[str, ...]
    segment: NDArray[np.int8]
    flags: NDArray[np.uint8]

    @property
    def traded(self) -> NDArray[np.bool_]:
        """(N,): a trade took place."""
        return self.values["volume"] > 0

    @property
    def state(self) -> NDArray[np.uint8]:
        """(N,) the state of each bar (`adjust`)."""
        based = self.values["base_price"] > 0
        state: NDArray[np.uint8] = (PRESENT + TRADED * self.traded + BASED * based).astype(np.uint8)
        return state

    def places(self, codes: NDArray[np.bytes_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """The places in `codes`, ascending, of the bars whose codes are there, and the rows of these bars."""
        at = positions_in(codes, self.codes)
        rows = np.flatnonzero(at >= 0)
        return at[rows], rows
