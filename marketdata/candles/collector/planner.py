"""Planning of a collection: the interval of a request, and the chunks that collect it.

1. `resolve` turns a request (last count, count before `to`, [start, end), start to now) into an interval on the grid
   of the source, or says in one sentence what is wrong with it.
2. `next_chunk` is the next chunk before the cursor by the coverage. There is no list made at the start, so an answer
   that reaches further or less far than expected changes only later chunks.
3. `window_factor` widens chunks where the last answers were sparse.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from marketdata.candles.collector.coverage import Coverage, at_moment
from marketdata.candles.collector.overlap import Overlap, OverlapAnalysis, analyse
from marketdata.candles.collector.timeframes import (
    Grid,
    Interval,
    TimeframeError,
    as_datetime,
    moment,
    shift,
    slot_count,
)
from marketdata.sources.base import SourceCalendar

WIDEST = 5  # times the page in time
SPARSE = 0.5  # rows per slot below which an answer is sparse
RECENT_ANSWERS = 3  # answers that must be sparse before a chunk is widened


class RequestError(ValueError):
    """A request that cannot be collected; the message says what is wrong and what to do."""


@dataclass(frozen=True, slots=True)
class CandleRequest:
    """A request for candles: either `count` (with or without `before`), or `start` (with or without `end`).

    `before` and `end` are exclusive. A count is a count of slots, also of those without trades. `forming`: include the
    candle that is still open, where the request reaches to now.
    """

    market: str
    timeframe: str
    count: int | None = None
    before: datetime | None = None
    start: datetime | None = None
    end: datetime | None = None
    forming: bool = True


@dataclass(frozen=True, slots=True)
class ResolvedRequest:
    """The slots of a request. `closed_until`: the opening of the forming slot; no slot after it is verified."""

    interval: Interval
    closed_until: int
    by_count: bool

    def slots(self, grid: Grid) -> int:
        return slot_count(grid, self.interval.start, self.interval.end)


def grid_for(request: CandleRequest, calendar: SourceCalendar) -> Grid:
    """The slots of the request on the source's clock; RequestError for an unknown timeframe."""
    try:
        return Grid.of(request.timeframe, calendar)
    except TimeframeError as error:
        raise RequestError(str(error)) from None


def resolve(request: CandleRequest, *, calendar: SourceCalendar, as_of: datetime) -> ResolvedRequest:
    """The interval of a request as of a time; RequestError says what is wrong with the request."""
    grid = grid_for(request, calendar)
    now = moment(as_of)
    _check_shape(request)
    for name in ("before", "start", "end"):
        _check_time(name, getattr(request, name), now)
    _check_order(request)

    forming_opens = grid.floor(now)
    newest = grid.opening(grid.index(now) + 1) if request.forming else forming_opens
    last = request.before or request.end
    end = newest if last is None else grid.ceil(moment(last))
    if request.start is not None:
        start = grid.ceil(moment(request.start))
    else:
        start = _shift_back(grid, end, request.count or 0)
    start = max(start, _horizon(grid, calendar, now))
    return ResolvedRequest(Interval(start, max(start, end)), forming_opens, request.count is not None)


def _check_shape(request: CandleRequest) -> None:
    has_range = request.start is not None or request.end is not None
    if request.count is not None and has_range:
        raise RequestError("A count and a range were given together: give one of them.")
    if request.count is None and request.start is None:
        options = "An end without a start" if request.end is not None else "Neither a count nor a start"
        raise RequestError(f"{options} was given: give a count, or a start with or without an end.")
    if request.count is None and request.before is not None:
        raise RequestError("`before` goes with a count: for a range give start and end.")
    if request.count is not None and request.count < 1:
        raise RequestError(f"The count is {request.count}: request at least 1 candle.")


def _check_time(name: str, time: datetime | None, now: int) -> None:
    if time is None:
        return
    try:
        when = moment(time)
    except TimeframeError as error:
        raise RequestError(f"`{name}`: {error}") from None
    if when > now:
        raise RequestError(
            f"`{name}` is {as_datetime(when):%Y-%m-%d %H:%M:%S} UTC, which lies in the future: "
            f"it is {as_datetime(now):%Y-%m-%d %H:%M:%S} UTC."
        )


def _check_order(request: CandleRequest) -> None:
    if request.start is not None and request.end is not None and request.end <= request.start:
        raise RequestError(
            f"The end {request.end.isoformat()} does not lie after the start "
            f"{request.start.isoformat()}: swap or widen them."
        )


def _shift_back(grid: Grid, end: int, count: int) -> int:
    try:
        start = shift(grid, end, -count)
        as_datetime(start)
    except (ValueError, OverflowError):
        raise RequestError(f"{count} candles before that time begin before year 1.") from None
    return start


def _horizon(grid: Grid, calendar: SourceCalendar, now: int) -> int:
    back = calendar.seconds_horizon
    if back is None or grid.timeframe.name != "1s":
        return -(1 << 62)
    return now - int(back.total_seconds())


# --- chunks ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Chunk:
    """One step back: it settles `window` by a call for `rows` candles of `ask`.

    A chunk whose window is recorded has no `ask`; its window may span many pages, for it needs no call.
    """

    window: Interval
    label: Overlap
    ask: Interval | None
    slots: int
    rows: int


def next_chunk(
    grid: Grid, interval: Interval, cursor: int, coverage: Coverage, *, page: int, factor: int = 1
) -> Chunk | None:
    """The chunk of `interval` that ends at `cursor`, at most `page` rows and `page * factor` slots; None where none is
    left.

    `coverage` must have every verified interval that touches the window, whole: one that ends at the cursor is skipped
    in one step of any length.
    """
    if cursor <= interval.start:
        return None
    verified = at_moment(coverage, cursor - 1)
    window = window_before(grid, interval, cursor, page=page, factor=factor)
    if verified is not None and verified.start <= window.start:
        skipped = Interval(max(verified.start, interval.start), cursor)
        return Chunk(skipped, Overlap.COMPLETE, None, slot_count(grid, *skipped), 0)
    analysis: OverlapAnalysis = analyse(grid, window, coverage)
    return Chunk(window, analysis.label, analysis.ask, analysis.slots, min(page, analysis.slots))


def window_before(grid: Grid, interval: Interval, cursor: int, *, page: int, factor: int = 1) -> Interval:
    """The window of the chunk of `interval` that ends at `cursor`."""
    if grid.index(cursor) - page * factor <= grid.index(interval.start):
        return Interval(interval.start, cursor)
    return Interval(max(interval.start, shift(grid, cursor, -page * factor)), cursor)


def window_factor(densities: Sequence[float]) -> int:
    """The width of the next chunk in pages, 1..5, by the rows per slot of the answers so far (newest last).

    More than 1 only where each of the last three was sparse; then the width at which their average density fills one
    page. An empty answer has density 0 and leads to the widest.
    """
    recent = densities[-RECENT_ANSWERS:]
    if len(recent) < RECENT_ANSWERS or any(density >= SPARSE for density in recent):
        return 1
    mean = sum(recent) / len(recent)
    return WIDEST if mean * WIDEST <= 1 else max(1, int(1 / mean))


def preview(grid: Grid, request: ResolvedRequest, coverage: Coverage, *, page: int) -> Iterator[Chunk]:
    """The chunks of a collection if every answer is dense, for a person before any call.

    `coverage`: all verified intervals of the request. Chunks with an `ask` are the upper bound of calls.
    """
    cursor = request.interval.end
    while chunk := next_chunk(grid, request.interval, cursor, coverage, page=page):
        yield chunk
        cursor = chunk.window.start
