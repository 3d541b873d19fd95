"""Detection of prices that are adjusted otherwise than the recorded ones of the same source.

A download of the last months whose prices are adjusted for a dividend overlaps recorded bars with closes that differ by
one constant ratio; the recorded bars before the overlap stay on the old basis, and a seam of that ratio is left between
the two. Each batch is compared as it is recorded; the notice is for all batches together, so that an import of the
whole history, which leaves no bar on the old basis, has none.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
from django.db.models import Min

from marketdata.models import StockPrice
from marketdata.number_format import count_of, format_number
from marketdata.operations import bulk
from marketdata.operations.record.corrections import Comparison

FEWEST_BARS = 3
"""Bars of an instrument whose closes must differ by the ratio."""
SPREAD = 5e-4
"""Largest relative difference between the ratios of an instrument: prices are rounded."""
SMALLEST, LARGEST = 0.002, 0.3
"""Distances of the ratio from 1. Closer to 1 is rounding; farther away is a split, which is an event."""
EXAMPLES = 3
CODES_PER_QUERY = 500


@dataclass(slots=True)
class Overlap:
    """Overlapping bars of one instrument: `first` day of all, and of those with another close the number, the lowest
    and highest ratio (new / recorded), the first and last day, and how many have a volume scaled by the inverse
    ratio."""

    first: date
    bars: int = 0
    low: float = np.inf
    high: float = -np.inf
    since: date = date.max
    until: date = date.min
    scaled: int = 0

    @property
    def is_adjusted(self) -> bool:
        """Whether the closes differ by one small ratio from the first overlapping bar on, and the volumes do not."""
        if self.bars < FEWEST_BARS or self.since != self.first or 2 * self.scaled > self.bars:
            return False
        return self.high / self.low - 1 <= SPREAD and SMALLEST < abs(self.high - 1) <= LARGEST


class PriceBasis:
    """The overlaps of one source's batches with its recorded bars."""

    def __init__(self) -> None:
        self._overlaps: dict[str, Overlap] = {}
        self._began: datetime | None = None

    def add(self, batch: bulk.WriteBatch, comparison: Comparison, at: datetime) -> None:
        """Add a batch, sorted by (code, date), before its rows are written; `at` is its time of record."""
        self._began = self._began or at
        rows, corrected = comparison.overlap, comparison.corrected
        if not len(rows):
            return
        ratio, volume = np.ones(len(batch)), np.ones(len(batch))
        with np.errstate(divide="ignore", invalid="ignore"):
            for name, target in (("close", ratio), ("volume", volume)):
                target[corrected] = batch.values[name][corrected] / comparison.recorded[name]
            scaled = np.abs(volume * ratio - 1) < np.abs(ratio - 1) / 4
        ratio, scaled, code, day = ratio[rows], scaled[rows], batch.code[rows], batch.date[rows]
        starts = np.flatnonzero(np.diff(code, prepend=-1))
        stops = [*starts[1:].tolist(), len(rows)]
        for start, stop in zip(starts.tolist(), stops, strict=True):
            overlap = self._overlap(str(batch.codes[code[start]]), day[start].item())
            places = start + np.flatnonzero(ratio[start:stop] != 1)
            if len(places):
                overlap.bars += len(places)
                overlap.low = min(overlap.low, float(ratio[places].min()))
                overlap.high = max(overlap.high, float(ratio[places].max()))
                overlap.since = min(overlap.since, day[places[0]].item())
                overlap.until = max(overlap.until, day[places[-1]].item())
                overlap.scaled += int(scaled[places].sum())

    def notices(self, market: str, source: str) -> tuple[str, ...]:
        """One sentence where instruments have bars before an overlap on another basis, else nothing."""
        adjusted = {code: overlap for code, overlap in self._overlaps.items() if overlap.is_adjusted}
        codes = self._with_older_bars(market, source, sorted(adjusted))
        if not codes:
            return ()
        examples = [
            f"{code} x {format_number(adjusted[code].low)} from {adjusted[code].since} to {adjusted[code].until}"
            for code in codes[:EXAMPLES]
        ]
        more = f" and {len(codes) - EXAMPLES:,} more" if len(codes) > EXAMPLES else ""
        return (
            f"The closes of {count_of(len(codes), 'instrument')} differ from the recorded ones by a constant ratio "
            f"({', '.join(examples)}{more}): these prices are adjusted otherwise than the recorded ones, and the bars "
            "before them are on the old basis. Import the whole history again, or collect it with --refetch.",
        )

    def _overlap(self, code: str, day: date) -> Overlap:
        overlap = self._overlaps.setdefault(code, Overlap(day))
        overlap.first = min(overlap.first, day)
        return overlap

    def _with_older_bars(self, market: str, source: str, codes: list[str]) -> list[str]:
        """The codes with bars of the source before their overlap that were recorded before the first batch."""
        older = []
        for start in range(0, len(codes), CODES_PER_QUERY):
            part = codes[start : start + CODES_PER_QUERY]
            bars = StockPrice.objects.filter(
                market=market, source=source, stock_code__in=part, created_at__lt=self._began
            )
            first_days = dict(bars.values_list("stock_code").annotate(Min("date")).order_by())
            older += [code for code in part if first_days.get(code, date.max) < self._overlaps[code].first]
        return older
