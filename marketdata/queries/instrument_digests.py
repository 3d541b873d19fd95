"""Digests of what each instrument's features are computed from, so that a correction leaves those of the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marketdata.breaks import Break
from marketdata.lake import digest
from marketdata.lake.footers import Survey, positions
from marketdata.record import Days
from marketdata.sorted_search import positions_in


@dataclass(frozen=True, slots=True)
class InstrumentDigests:
    """Of a window its `sessions`, the `codes` (N,) ascending, and of each the digest of its bars, market caps, events
    and breaks in the months of the window, `digests` (N,)."""

    sessions: Days
    codes: NDArray[np.str_]
    digests: NDArray[np.uint64]

    @classmethod
    def of(cls, sessions: Days, survey: Survey, breaks: Sequence[Break]) -> InstrumentDigests:
        """Those of the window `sessions`, whose months have the footers `survey`."""
        codes = np.char.decode(survey.codes, "utf-8") if len(survey.codes) else np.empty(0, "U1")
        digests = np.zeros(len(codes), dtype=np.uint64)
        for part, roster in zip(survey.parts, survey.rosters, strict=True):
            at = positions(survey.codes, roster.codes)
            month = np.full(len(at), part.month.toordinal(), dtype=np.uint64)
            digests[at] = digest.rows(digests[at], [month, roster.digests])
        first, last = str(sessions[0]), str(sessions[-1])
        inside = sorted(one for one in breaks if first <= one.session <= last)
        places = positions_in(codes, np.array([one.code for one in inside], dtype=np.str_))
        for one, place in zip(inside, places.tolist(), strict=True):
            if place >= 0:
                digests[place] = digest.rows(digests[[place]], [digest.words([repr(one)])])[0]
        return cls(sessions, codes, digests)

    def window_digest(self, before: str) -> str:
        """The digest of what all instruments share: the sessions, and `before`, that of the record before them."""
        return digest.text([before.encode(), self.sessions.astype(np.int64).tobytes()])

    def positions(self, codes: NDArray[np.str_]) -> NDArray[np.intp]:
        """The position of each of `codes` (M,), -1 where it is none of the window's."""
        return positions_in(self.codes, codes)
