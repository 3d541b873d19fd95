"""Pages of daily bars of one request, newest first: each ends on the day before the oldest row of the page before, or
with that row, which proves that the pages continue each other."""

from __future__ import annotations

from datetime import date, timedelta

from marketdata.sources.base import SourceChanged, SourceUnavailable
from marketdata.sources.daily import BarAnswer, BarRequest, DailyBar, Valuation
from marketdata.sources.kis.cells import BarPage

DAY = timedelta(days=1)


class BarPages:
    """The pages of one request. Add pages until `are_all`; `end` is the last day of the next page. A page with `size`
    rows, readable or not, is full. Bars of one session that differ between two pages, and days of a page without the
    rows it should have, are spoiled."""

    def __init__(self, request: BarRequest, size: int, *, overlap: bool = False) -> None:
        self._overlap = overlap
        self._start, self.end, self._size = request.start, request.end, size
        self._bars: dict[date, DailyBar] = {}
        self._spoiled: list[tuple[date, date]] = []
        self._partial: set[date] = set()
        self._read_at: float | None = None
        self._valuation: Valuation | None = None
        self.are_all = False

    def add(self, page: BarPage, read_at: float, what: str) -> None:
        """Add the page up to `end`, read at `read_at` by the clock of KIS. SourceError where there can be no next
        page."""
        start, end, oldest = self._start, self.end, page.oldest
        self._read_at = read_at if self._read_at is None else self._read_at
        self._valuation = self._valuation or page.valuation
        bars = {bar.session: bar for bar in page.bars if start <= bar.session <= end}
        different = {day for day, bar in bars.items() if self._bars.get(day, bar) != bar}
        self._spoiled += [(day, day) for day in different]
        self._bars = {day: bar for day, bar in (self._bars | bars).items() if day not in different}
        if any(bar.session > end for bar in page.bars):
            self._spoiled.append((max(bars, default=start - DAY) + DAY, end))
        self._partial |= {session for session in page.partial if start <= session <= end}
        self.are_all = page.received < self._size or (oldest is not None and oldest <= start)
        for first, last in page.spoiled:
            # Days before the oldest of a full page are in the next one.
            first = first or (start if self.are_all else oldest or start)
            span = max(first, start), min(last or end, end)
            if span[0] <= span[1]:
                self._spoiled.append(span)
        if self.are_all:
            return
        if oldest is None:
            raise SourceUnavailable(f"{what}: a whole page without a date.")
        if oldest > end or (self._overlap and oldest == end):
            raise SourceChanged(what, expected=f"bars up to {end}", actual=f"a full page up to {oldest}")
        self.end = oldest if self._overlap else oldest - DAY

    @property
    def answer(self) -> BarAnswer:
        """The bars of all pages."""
        bars = [self._bars[session] for session in sorted(self._bars)]
        return BarAnswer(bars, tuple(self._spoiled), tuple(sorted(self._partial)), self._read_at, self._valuation)
