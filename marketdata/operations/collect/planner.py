"""The planner of a collection of daily bars: its requests, computed from the record before any call is made.

1. The sessions an instrument should have: from the last recorded one on; with `since`, all from that day on; for an
   instrument without bars, from the market's first recorded session on. Up to the last session that has closed, and
   only while it was listed.
2. Less the sessions with a bar of any source and those that this source has answered for (`BarCoverage`); plus those
   whose answers lacked values.
3. The sessions left become requests: neighbours that fit into one answer share it, and each request that continues a
   series begins a few recorded sessions earlier, so that a change of the recorded history shows.
4. Where only today's session is missing, it has closed and the source quotes many instruments in one call, a quote is
   enough; but the bars of each instrument in turn are requested once every `check_every` sessions all the same.
5. Where bars of the same day follow trades after hours (`same_day`), the last session is left out at other hours, and
   the last `READ_AGAIN` recorded sessions of each instrument are read again once, on a later day, where one of them is
   provisional (`SessionReading`): not where the exchange's own list has settled them.

With `refetch` every session of the named instruments is requested again, also where it is recorded or was answered.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from marketdata.errors import DataProblem
from marketdata.market_time import market_date
from marketdata.markets import Market, get_market
from marketdata.models import StockPrice
from marketdata.operations.collect import coverage
from marketdata.operations.collect.plan import READ_AGAIN, CollectionOptions, CollectionPlan
from marketdata.operations.collect.same_day import ReadingHours
from marketdata.operations.collect.series import Series, recorded_series
from marketdata.queries.market_calendar import get_hours, get_sessions, has_session
from marketdata.queries.readings import get_unsettled
from marketdata.sources.base import Capability
from marketdata.sources.daily import BarRequest, DailyBarSource, QuoteSource


def make_plan(source: DailyBarSource, *, market: str, options: CollectionOptions, as_of: datetime) -> CollectionPlan:
    """The plan as of a moment. DataProblem where the source has no bars of the market, or no instrument is recorded."""
    rules = get_market(market)
    if source.daily_market not in rules.family:
        raise DataProblem(
            f"{source.title} has daily bars of market {source.daily_market}, not of {market}: name another --source."
        )
    calendar, reading = (get_sessions(rules.name), ReadingHours(get_hours(rules.name), source.same_day))
    end, note = reading.hours.last_closed(calendar, as_of), ""
    if not reading.allows(calendar[end].item(), as_of):
        note = reading.refusal(calendar[end].item(), as_of, source.title)
        end -= 1
    series = recorded_series(rules.name, options.codes, calendar[end].item())
    coverage_by_code = coverage.read(rules.name, source.name, options.codes)
    first_session = min((item.first for item in series if item.first), default=None)
    series = [item for item in series if options.has(item.code)]
    builder = _PlanBuilder(rules.name, source, calendar, end, options, first_session, reading, as_of)
    today = market_date(as_of, rules)
    quotable = (
        isinstance(source, QuoteSource)
        and Capability.QUOTES in source.capabilities
        and calendar[end].item() == today
        and not options.refetch
    )
    unknown = []
    for item in series:
        item_coverage = coverage_by_code.get(item.code, coverage.Coverage())
        if item_coverage.unknown and not options.codes:
            unknown.append(item.code)
        else:
            builder.add(rules.name, item, item_coverage, quotable=quotable)
    return builder.plan(rules, len(series), tuple(unknown), note)


class _PlanBuilder:
    """Collects the requests of a plan, instrument by instrument."""

    def __init__(
        self,
        market: str,
        source: DailyBarSource,
        calendar: NDArray[np.datetime64],
        end: int,
        options: CollectionOptions,
        first_session: date | None,
        reading: ReadingHours,
        as_of: datetime,
    ) -> None:
        self._source, self._calendar, self._end = source, calendar, end
        self._options, self._reading = options, reading
        self._settled = self._last_settled(market, as_of)
        start = options.since or first_session
        self._start = self._position(start) if start else end + 1 - options.history
        self._missing = 0
        self._requests: list[BarRequest] = []
        self._settle: list[BarRequest] = []
        self._quoted: list[str] = []

    def add(self, market: str, series: Series, recorded_coverage: coverage.Coverage, *, quotable: bool) -> None:
        """Plan for one instrument."""
        low, high = self._bounds(series)
        wanted = np.ones(max(high - low + 1, 0), dtype=bool)
        if not self._options.refetch:
            for span in recorded_coverage.spans:
                first, last = self._position(span[0]), self._position(span[1], side="right")
                wanted[max(first - low, 0) : max(last - low, 0)] = False
            wanted[self._have(market, series, low, high)] = False
        missing = low + np.flatnonzero(wanted)
        if recorded_coverage.open and not self._options.refetch:
            still_open, in_vain = self._open(recorded_coverage.open)
            missing = np.setdiff1d(np.union1d(missing, still_open), in_vain)
        requests: list[BarRequest] = []
        if len(missing):
            self._missing += len(missing)
            alone = len(missing) == 1 and missing[0] == self._end and series.last is not None
            if quotable and alone and not self._is_turn(series.code):
                self._quoted.append(series.code)
            else:
                requests = self._windows(series, missing)
        self._requests += requests
        self._add_settling(series, recorded_coverage, requests)

    def _open(self, spans: Iterable[coverage.OpenSpan]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """The positions of sessions whose answers lacked values: those to request again, and those requested too often
        without values."""
        positions: tuple[list[int], list[int]] = [], []
        for span in spans:
            places = coverage.span_positions((span.first, span.last), self._calendar)
            positions[span.tries >= coverage.TRIES].extend(position for position in places if position <= self._end)
        again, in_vain = (np.array(places, dtype=np.intp) for places in positions)
        return again, in_vain

    def _last_settled(self, market: str, as_of: datetime) -> int:
        """The position of the last session whose bars no longer change; -1 where no bars are read again."""
        rule, last = self._reading.same_day, self._calendar[self._end].item()
        first: date = self._calendar[max(self._end - READ_AGAIN + 1, 0)].item()
        if rule is None or not any(has_session(self._calendar, day) for day in get_unsettled(market, first, last)):
            return -1
        for position in range(self._end, max(self._end - READ_AGAIN, -1), -1):
            session: date = self._calendar[position].item()
            if session < rule.since:
                return -1
            if self._reading.settles(session) <= as_of:
                return position
        return -1

    def _add_settling(
        self, series: Series, recorded_coverage: coverage.Coverage, requests: Sequence[BarRequest]
    ) -> None:
        """Request the last recorded sessions again, where they were not read since they are settled."""
        if self._settled < 0 or series.last is None or not recorded_coverage.spans:
            return
        last = min(
            self._settled,
            self._position(series.last, "right") - 1,
            self._position(recorded_coverage.spans[-1][1], "right") - 1,
        )
        span = self._calendar[max(last - READ_AGAIN + 1, 0)].item(), self._calendar[last].item()
        rule = self._reading.same_day
        if rule is None or span[1] < rule.since or (recorded_coverage.settled or date.min) >= span[1]:
            return
        if not any(request.start <= span[0] and request.end >= span[1] for request in requests):
            self._settle.append(BarRequest(series.code, *span))

    def plan(self, market: Market, instruments: int, unknown: tuple[str, ...], note: str) -> CollectionPlan:
        """The plan of all instruments added."""
        size = self._source.quotes_a_call if isinstance(self._source, QuoteSource) else 1
        quotes = [tuple(self._quoted[at : at + size]) for at in range(0, len(self._quoted), size)]
        collection_plan = CollectionPlan(
            market=market,
            reading=self._reading,
            source=self._source.name,
            calendar=self._calendar,
            last=self._calendar[self._end].item(),
            instruments=instruments,
            missing=self._missing,
            requests=tuple(self._requests),
            quotes=tuple(quotes),
            settle=tuple(self._settle),
            unknown=unknown,
            calls=0,
            seconds=0.0,
            options=self._options,
            note=note,
        )
        calls = len(quotes) + sum(
            collection_plan.calls_of(request, self._source) for request in [*self._requests, *self._settle]
        )
        object.__setattr__(collection_plan, "calls", calls)
        object.__setattr__(collection_plan, "seconds", calls / self._source.calls_per_second)
        return collection_plan

    def _bounds(self, series: Series) -> tuple[int, int]:
        """The first and the last session that the instrument should have."""
        low, high = self._start, self._end
        if self._options.refetch and not self._options.since:
            low = self._position(series.first) if series.first else self._start
        elif series.last and not self._options.since:
            low = self._position(series.last, "right")
        if series.listed_on:
            low = max(low, self._position(series.listed_on))
        if series.gone_on:
            high = min(high, self._position(series.gone_on) - 1)
        return max(low, 0), high

    def _have(self, market: str, series: Series, low: int, high: int) -> NDArray[np.intp]:
        """Positions of the sessions low..high that have a bar, relative to low."""
        first = self._position(series.first) if series.first else 0
        last = self._position(series.last, "right") - 1 if series.last else -1
        if last < low:
            return np.empty(0, np.intp)
        if series.bars == last - first + 1:
            return np.arange(max(first, low), min(last, high) + 1) - low
        days = StockPrice.objects.filter(
            market=market, stock_code=series.code, date__gte=self._calendar[low].item()
        ).values_list("date", flat=True)
        at = np.searchsorted(self._calendar, np.array(list(days), dtype="datetime64[D]"))
        return np.unique(at[at <= high]) - low

    def _windows(self, series: Series, missing: NDArray[np.intp]) -> list[BarRequest]:
        """Requests for the missing sessions, newest first; sessions of one answer are not requested twice."""
        size = self._source.bars_a_call
        overlap = 0 if self._options.refetch else self._options.overlap
        first = self._position(series.first) if series.first else self._end
        runs: list[tuple[int, int]] = []
        for position in missing[::-1].tolist():
            low, high = runs[-1] if runs else (self._end + 3, self._end + 3)
            page_start = high + 1 - size * -(-(high - low + 1) // size)  # where its last answer begins
            if position == low - 1 or (runs and position >= page_start):
                runs[-1:] = [(position, high)]
            else:
                runs.append((position, position))
        days = self._calendar
        return [
            BarRequest(series.code, days[max(low - overlap, first) if low > first else low].item(), days[high].item())
            for low, high in runs
        ]

    def _is_turn(self, code: str) -> bool:
        every = self._options.check_every
        return every > 0 and (self._end + crc32(code.encode())) % every == 0

    def _position(self, day: date, side: str = "left") -> int:
        return int(np.searchsorted(self._calendar, np.datetime64(day), side=side))  # type: ignore[call-overload]
