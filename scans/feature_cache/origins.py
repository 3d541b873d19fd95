"""Origins of features: digests of what each instrument's were computed from, and what a correction leaves of an entry.

An instrument's features depend on its own bars and breaks in the window, whose digests are kept one by one, and on what
it shares with all others: the sessions of the window and the record before it, from which closes are carried forward.
When ten bars are corrected, ten digests differ: ten instruments are computed, by the same kernels on the same rows,
and put among the others (`refreshed`). Where bars before the window changed, or the window is another one, all are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marketdata.queries.instrument_digests import InstrumentDigests
from marketdata.sorted_search import positions_in
from scans.engines.base import Features, Universe
from scans.execution.shards import unite_universes
from scans.feature_cache.entries import FACTS, Entry

MOST_CHANGED = 0.5
"""The largest share of the instruments that is computed by itself: beyond it one read of all is about as quick."""

Codes = NDArray[np.str_]


@dataclass(frozen=True, slots=True)
class Origins:
    """What the features of a window are computed from: `window` is the digest of what all instruments share."""

    window: str
    instruments: InstrumentDigests

    @classmethod
    def of(cls, instruments: InstrumentDigests, before: str) -> Origins:
        """Those of a window with these `instruments`; `before` is the digest of what is recorded up to its first
        session."""
        return cls(instruments.window_digest(before), instruments)

    def choose(self, stale: Sequence[Entry]) -> Codes | None:
        """The codes, ascending, to compute so that all `stale` entries can be refreshed; None: all instruments."""
        changed = np.zeros(len(self.instruments.codes), dtype=bool)
        for entry in stale:
            if entry.origins is None or entry.window != self.window:
                return None
            unchanged = np.zeros(len(changed), dtype=bool)
            unchanged[self.instruments.positions(entry.universe.codes)[self._unchanged(entry)]] = True
            changed |= ~unchanged
        if not stale or changed.mean() > MOST_CHANGED:
            return None
        if not changed.any():
            changed[:1] = True  # what differs is of no instrument: there is still one to read
        return self.instruments.codes[changed]

    def refreshed(self, entry: Entry, universe: Universe, features: Features) -> tuple[Universe, Features]:
        """The universe and features of `entry` with those of the instruments just computed in place of its own."""
        kept = np.flatnonzero(self._unchanged(entry) & (positions_in(universe.codes, entry.universe.codes) < 0))
        whole = unite_universes([_columns(entry.universe, kept), universe])
        eligible = np.concatenate([entry.universe.eligible[:, kept], universe.eligible], axis=1)
        order = np.argsort(whole.codes, kind="stable")  # the columns of one code, its lives, keep their order
        joined = {
            name: np.concatenate([entry.features[name][:, kept], array], axis=1)[:, order]
            for name, array in features.items()
        }
        return _columns(replace(whole, eligible=eligible), order), joined

    def marked(self, entry: Entry, data: str) -> Entry:
        """`entry` with its origins; `data` is the digest of all that it was computed from."""
        return replace(entry, data=data, window=self.window, origins=self._digests(entry))

    def _unchanged(self, entry: Entry) -> NDArray[np.bool_]:
        """The columns of `entry` that are of the same bars now, (N,)."""
        return np.equal(entry.origins, self._digests(entry))  # type: ignore[arg-type]

    def _digests(self, entry: Entry) -> NDArray[np.uint64]:
        """The digest now of each column of `entry`, 0 where its code is none of the window's."""
        at = self.instruments.positions(entry.universe.codes)
        return np.where(at < 0, np.uint64(0), self.instruments.digests[at])


def _columns(universe: Universe, at: NDArray[np.intp]) -> Universe:
    facts: Mapping[str, Any] = {fact: getattr(universe, fact)[:, at] for fact in FACTS}
    return replace(universe, codes=universe.codes[at], **facts)
