"""Point-in-time membership: an instrument's segment and flags on a day, from the statements of sources.

Attribute by attribute the latest statement up to the day is valid, on one day the preferred source's; a statement
is valid until another one replaces it, and never backward (no look-ahead).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marketdata.panel import CAUTION, MANAGED, NOT_COMMON

_DAYS = 1 << 20
"""Room for the day in a key instrument * _DAYS + day since 1970; a day fits until the year 4840."""


@dataclass(frozen=True, slots=True)
class Statements:
    """Statements of sources, (S,) each, in no order.

    code index of the instrument, day of the statement (datetime64[D]), preference of its source (0 is best), and the
    attributes: segment an index into `segments` or -1, common / managed / caution 1, 0, or -1 where not stated.
    """

    code: NDArray[np.int64]
    day: NDArray[np.datetime64]
    preference: NDArray[np.int64]
    segments: tuple[str, ...]
    segment: NDArray[np.int8]
    common: NDArray[np.int8]
    managed: NDArray[np.int8]
    caution: NDArray[np.int8]

    def at(self, code: NDArray[np.int64], day: NDArray[np.datetime64]) -> tuple[NDArray[np.int8], NDArray[np.uint8]]:
        """Segment (an index, -1 unknown) and flags of each (code, day) pair, (R,) each. An instrument without
        statements is common stock in good standing of unknown segment."""
        order = np.lexsort((-self.preference, self.day, self.code))
        keys = (self.code * _DAYS + self.day.astype(np.int64))[order]
        wanted = code * _DAYS + day.astype(np.int64)
        floor = code * _DAYS

        def latest(attribute: NDArray[np.int8], unknown: int) -> NDArray[np.int8]:
            stated = attribute[order]
            valid = stated >= 0
            stated, when = stated[valid], keys[valid]
            if not len(stated):
                return np.full(len(code), unknown, dtype=np.int8)
            at = np.searchsorted(when, wanted, side="right") - 1
            has_statement = (at >= 0) & (when[np.maximum(at, 0)] >= floor)
            return np.where(has_statement, stated[np.maximum(at, 0)], np.int8(unknown))

        flags = (
            NOT_COMMON * (latest(self.common, 1) == 0)
            + MANAGED * (latest(self.managed, 0) == 1)
            + CAUTION * (latest(self.caution, 0) == 1)
        )
        return latest(self.segment, -1), flags.astype(np.uint8)


def rank_sources(sources: Sequence[str], order: Sequence[str]) -> dict[str, int]:
    """A rank for each source, 0 the best: those of `order` first, then the others by name."""
    ranked = [name for name in order if name in sources] + sorted(set(sources) - set(order))
    return {name: rank for rank, name in enumerate(ranked)}
