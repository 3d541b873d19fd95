"""Survey of a long collection for its forecast: where the market's history begins, and how densely it traded before.

A collection walks back from its end, so it meets a listing inside its range and a thinner past without a sign of them.
A few calls ahead show both; nothing of them is recorded:

1. Candles of the shortest timeframe whose page spans the whole range show the first one, and candles of a shorter
   timeframe within that one show it to the day.
2. One page in the middle of each of up to `MOST_SAMPLES` equal parts of the rest shows how many slots a page settles.
"""

from __future__ import annotations

from dataclasses import dataclass

from marketdata.candles.collector.cache import Series
from marketdata.candles.collector.forecast import Forecast, Sample
from marketdata.candles.collector.timeframes import Grid, Interval, slot_count
from marketdata.sources.base import CandlePage, CandleSource, SourceError

LEAST_CALLS = 50  # expected calls from which a survey is worth its own
CALLS_A_SAMPLE = 60
MOST_SAMPLES = 9
COARSE = ("1d", "1w", "1mo")


@dataclass(slots=True)
class Survey:
    """A survey of the part of a series that is still to be collected; counts its `calls`."""

    source: CandleSource
    series: Series
    calls: int = 0

    @staticmethod
    def is_due(forecast: Forecast) -> bool:
        """Whether it is to be made now: once, after the first calls, where the rest is long enough to be worth it."""
        if not forecast.awaits_survey or not forecast.has_calls:
            return False
        forecast.awaits_survey = forecast.rough_calls() >= LEAST_CALLS
        return forecast.awaits_survey

    def run(self, forecast: Forecast, *, is_listing_known: bool) -> None:
        """Give `forecast` the listing and the samples. A source that does not answer leaves it as it is."""
        forecast.awaits_survey = False
        if not forecast.missing:
            return
        rest = Interval(forecast.missing[0].start, forecast.missing[-1].end)
        try:
            if not is_listing_known:
                forecast.listed = self._listing(rest)
            forecast.samples = self._samples(rest, forecast)
        except SourceError as error:
            self.calls += error.attempts

    def _listing(self, rest: Interval) -> int | None:
        """The beginning of the first candle in `rest` as far as longer candles show it; None where history begins
        before."""
        grids = [Grid.of(name, self.source.calendar) for name in COARSE if name in self.source.timeframes]
        slots = self.series.grid.timeframe.seconds or 1 << 62
        grids = [grid for grid in grids if (grid.timeframe.seconds or 1 << 62) > slots]
        within, listed = rest, None
        while usable := [grid for grid in grids if slot_count(grid, *within) < self.source.page_limit - 1]:
            grid = usable[0]
            page = self._page(grid, within.end, self.source.page_limit)
            if not page.received or int(page.candles.opened[0]) <= within.start:
                return listed
            listed = int(page.candles.opened[0])
            within = Interval(listed, grid.opening(grid.index(listed) + 1))
            grids = grids[: grids.index(grid)]
        return listed

    def _samples(self, rest: Interval, forecast: Forecast) -> list[Sample]:
        grid, limit = self.series.grid, self.source.page_limit
        first = grid.index(max(rest.start, forecast.listed or rest.start))
        last = grid.index(rest.end)
        calls = forecast.rough_calls() * min(1.0, (last - first) / max(forecast.slots_left, 1))
        number = min(MOST_SAMPLES, int(calls) // CALLS_A_SAMPLE)
        samples = []
        for part in range(number):
            position = first + (2 * part + 1) * (last - first) // (2 * number)
            page = self._page(grid, grid.opening(position), limit)
            if page.received == limit:
                oldest = grid.index(int(page.candles.opened[0]))
                samples.append(Sample((oldest + position) // 2, float(position - oldest)))
        return samples

    def _page(self, grid: Grid, to: int, count: int) -> CandlePage:
        page = self.source.candles(market=self.series.market, timeframe=grid.timeframe.name, to=to, count=count)
        self.calls += page.calls
        return page
