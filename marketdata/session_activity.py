"""Activity of a session, by its bars and those of the session before: whether the market traded. One rule for files,
quotes and collected bars.

A session on which the market did not trade is no session, until its bars are replaced or an operator says that it was
open (calendar override). It is recognised by either of

- no volume at all in at least `MIN_INSTRUMENTS` instruments, when at least as many traded on the session before;
- at least `COPY_SHARE` of at least `MIN_INSTRUMENTS` instruments that traded repeat the session before, price by
  price and to the last share: a source's stale copy.

A session is in doubt, until a person decides, where nothing traded (of however few), where half of what traded repeats
the session before, or where far fewer instruments traded than on the session before.

Measured: over 760 sessions of KRX and 503 of the United States never fewer than 97.5 % of the session before traded;
over those of the United States never more than 0.4 % of the traded bars repeat those before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

COMPARED_FIELDS = ("open", "high", "low", "close", "volume")
"""Fields that are equal in a bar and its copy."""
MIN_INSTRUMENTS = 10
COPY_SHARE = 0.9
DOUBT_SHARE = 0.5
MIN_FEWER = 5
"""The least number of instruments by which a thin session falls short of the one before."""
COMPLETE_SHARE = 0.9
"""The share of the session before that must have a bar and trade, among common stock in good standing: the instruments
of a scan. (A source with more kinds of instruments must not make another look thin.)"""


@dataclass(frozen=True, slots=True)
class Activity:
    """How many instruments have a bar, traded, and traded exactly as on the session before; `before`: how many traded
    on the session before, None where there is none."""

    bars: int
    traded: int
    repeated: int
    before: int | None

    def closure(self) -> str:
        """Why the market was closed by the rule, "" where it was not."""
        if self.before is None or self.before < MIN_INSTRUMENTS:
            return ""
        if not self.traded and self.bars >= MIN_INSTRUMENTS:
            return f"none of {self.bars} instruments traded"
        if self.traded >= MIN_INSTRUMENTS and is_copy(self.traded, self.repeated, COPY_SHARE):
            return f"{self.repeated} of {self.traded} bars repeat the session before"
        return ""

    def doubt(self) -> str:
        """Why the session's bars cannot be its own, "" where they can."""
        if self.before is None:
            return ""
        if not self.traded and self.before:
            return f"none of {self.bars} instruments traded"
        if self.traded >= MIN_INSTRUMENTS and is_copy(self.traded, self.repeated, DOUBT_SHARE):
            return f"{self.repeated} of {self.traded} bars repeat the session before"
        return ""


class SessionCounts(NamedTuple):
    """The lake's counts of a session: bars, those of common stock in good standing, how many of these traded, how
    many of all did, and how many of these repeat the session before; -1 is unknown."""

    bars: int = 0
    good: int = 0
    trading: int = 0
    traded: int = 0
    repeated: int = 0

    @classmethod
    def of(cls, row: Sequence[Any] | None) -> SessionCounts:
        """From a value of `Partition.sessions`, which has a digest in the second place; None has no bar."""
        if row is None:
            return cls()
        bars, _, good, *more = row
        return cls(bars, good, *more[:3]) if more else cls(bars, good, -1, -1, 0)

    def doubt(self, before: SessionCounts) -> str:
        """Why the session is in doubt beside the one before it, "" where it is not."""
        if self.good < COMPLETE_SHARE * before.good:
            return f"only {self.good} instruments have a bar, {before.good} had one the session before"
        if self.traded < 0 or before.traded < 0:
            return ""
        if why := Activity(self.bars, self.traded, self.repeated, before.traded).doubt():
            return why
        if is_thin(self.trading, before.trading):
            return f"only {self.trading} of {self.good} instruments traded, {before.trading} did the session before"
        return ""


def is_copy(traded: int, repeated: int, share: float = DOUBT_SHARE) -> bool:
    """Whether so many of the bars that traded repeat the session before that its source gave that session again."""
    return traded > 0 and repeated >= share * traded


def is_thin(traded: int, before: int) -> bool:
    """Whether far fewer instruments traded than on the session before."""
    return traded < COMPLETE_SHARE * before and before - traded >= MIN_FEWER


@dataclass(slots=True)
class ActivityTracker:
    """The sessions of one market, one after the other, each compared with the one before. `instruments` is how many
    codes there are; `bars` (N, 5) those of the session before (`COMPARED_FIELDS`), NaN where there is none."""

    instruments: int
    before: int | None = None
    bars: Floats = field(default_factory=lambda: np.empty((0, len(COMPARED_FIELDS))))

    def activity(self, code: NDArray[np.integer], values: Floats) -> Activity:
        """Of a session with bars of the instruments `code` (R,), `values` (R, 5)."""
        volume = values[:, COMPARED_FIELDS.index("volume")]
        traded = volume > 0
        repeated = np.zeros(len(code), dtype=bool)
        if len(self.bars):
            repeated = traded & (values == self.bars[code]).all(axis=1)
        return Activity(len(code), int(traded.sum()), int(repeated.sum()), self.before)

    def accept(self, code: NDArray[np.integer], values: Floats, activity: Activity) -> None:
        """Take this session as the one before the next."""
        self.bars = np.full((self.instruments, len(COMPARED_FIELDS)), np.nan)
        self.bars[code] = values
        self.before = activity.traded
