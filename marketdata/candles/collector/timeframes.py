"""Timeframes, and the slots into which they divide time.

A slot is a half-open interval [opening, next opening) in UTC. Every moment is an integer, seconds since 1970-01-01 UTC,
so that naive and aware times cannot mix; `moment` and `as_datetime` convert. All other code counts slots with one pair
of functions, which handle weeks (from Monday), months and years:

    grid = Grid(get_timeframe("1w"))
    slot_count(grid, start, end)    the number of slots that open in [start, end)
    shift(grid, when, slots)        the opening `slots` slots after the one that contains `when`

The beginning of a day depends on the source: `Grid.offset` is how far the source's clock is ahead of UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from marketdata.nearest_name import did_you_mean
from marketdata.sources.base import SourceCalendar

DAY = 86_400
MONDAY = 4 * DAY  # 1970-01-05, the first Monday after the epoch


class TimeframeError(ValueError):
    """A timeframe, moment or interval that does not exist; the message says what is valid."""


class Unit(StrEnum):
    SECOND = "second"
    MINUTE = "minute"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


LENGTHS = {Unit.SECOND: 1, Unit.MINUTE: 60, Unit.DAY: DAY, Unit.WEEK: 7 * DAY}


@dataclass(frozen=True, slots=True)
class Timeframe:
    """`size` units make one slot. Names differ in more than their case, since tables and file systems may fold it."""

    name: str
    unit: Unit
    size: int = 1

    @property
    def seconds(self) -> int | None:
        """Length of a slot; None where it varies (months, years)."""
        return LENGTHS[self.unit] * self.size if self.unit in LENGTHS else None

    @property
    def is_intraday(self) -> bool:
        return self.unit in (Unit.SECOND, Unit.MINUTE)


TIMEFRAMES: dict[str, Timeframe] = {
    each.name: each
    for each in (
        Timeframe("1s", Unit.SECOND),
        *(Timeframe(f"{size}m", Unit.MINUTE, size) for size in (1, 3, 5, 10, 15, 30, 60, 240)),
        Timeframe("1d", Unit.DAY),
        Timeframe("1w", Unit.WEEK),
        Timeframe("1mo", Unit.MONTH),
        Timeframe("1y", Unit.YEAR),
    )
}


def get_timeframe(name: str) -> Timeframe:
    """The timeframe of that name; TimeframeError lists the valid ones."""
    try:
        return TIMEFRAMES[name]
    except KeyError:
        names = ", ".join(TIMEFRAMES)
        raise TimeframeError(
            f"Unknown timeframe {name!r}: use one of {names}.{did_you_mean(name, TIMEFRAMES)}"
        ) from None


class Interval(NamedTuple):
    """[start, end), seconds since 1970-01-01 UTC."""

    start: int
    end: int

    def __str__(self) -> str:
        start, end = (f"{as_datetime(each):%Y-%m-%d %H:%M:%S}" for each in self)
        return f"[{start}, {end}) UTC"


def moment(when: datetime) -> int:
    """Seconds since 1970 UTC of an aware time, rounded down; a naive one is an error."""
    if when.tzinfo is None:
        raise TimeframeError(f"The time {when.isoformat()} has no time zone: add one, such as +00:00.")
    return int(when.timestamp() // 1)


def as_datetime(when: int) -> datetime:
    """The aware UTC time of a moment."""
    return datetime.fromtimestamp(when, UTC)


@dataclass(frozen=True, slots=True)
class Grid:
    """A timeframe on the clock of a source; `offset`: seconds that clock is ahead of UTC."""

    timeframe: Timeframe
    offset: int = 0

    @classmethod
    def of(cls, name: str, calendar: SourceCalendar) -> Grid:
        timeframe = get_timeframe(name)
        ahead = calendar.intraday_offset if timeframe.is_intraday else calendar.day_offset
        return cls(timeframe, int(ahead.total_seconds()))

    def index(self, when: int) -> int:
        """Number of the slot that contains `when`; consecutive slots have consecutive numbers."""
        local = when + self.offset
        length = self.timeframe.seconds
        if length is not None:
            return (local - self._anchor()) // length
        day = as_datetime(local)
        return day.year if self.timeframe.unit is Unit.YEAR else day.year * 12 + day.month - 1

    def opening(self, index: int) -> int:
        """Opening of slot number `index`."""
        length = self.timeframe.seconds
        if length is not None:
            return index * length + self._anchor() - self.offset
        year, month = (index, 0) if self.timeframe.unit is Unit.YEAR else divmod(index, 12)
        return moment(datetime(year, month + 1, 1, tzinfo=UTC)) - self.offset

    def floor(self, when: int) -> int:
        """Opening of the slot that contains `when`."""
        return self.opening(self.index(when))

    def ceil(self, when: int) -> int:
        """The first opening at or after `when`."""
        below = self.floor(when)
        return when if below == when else self.opening(self.index(when) + 1)

    def indices(self, opened: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """`index` for a whole array of moments, shape (n,)."""
        local = opened + self.offset
        length = self.timeframe.seconds
        if length is not None:
            return (local - self._anchor()) // length
        step = "Y" if self.timeframe.unit is Unit.YEAR else "M"
        since_1970 = local.astype("datetime64[s]").astype(f"datetime64[{step}]").astype(np.int64)
        return since_1970 + (1970 if step == "Y" else 1970 * 12)

    def on_grid(self, opened: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Whether a slot opens at each of these moments, shape (n,)."""
        length = self.timeframe.seconds
        if length is not None:
            fits: npt.NDArray[np.bool_] = (opened + self.offset - self._anchor()) % length == 0
            return fits
        return np.array([self.floor(each) == each for each in opened.tolist()], bool)

    def openings(self, interval: Interval) -> npt.NDArray[np.int64]:
        """Openings of all slots that open in `interval`, ascending."""
        first, last = self.index(self.ceil(interval.start)), self.index(self.ceil(interval.end))
        length = self.timeframe.seconds
        if length is not None:
            return np.arange(first, last, dtype=np.int64) * length + self._anchor() - self.offset
        return np.array([self.opening(index) for index in range(first, last)], np.int64)

    def _anchor(self) -> int:
        return MONDAY if self.timeframe.unit is Unit.WEEK else 0


def slot_count(grid: Grid, start: int, end: int) -> int:
    """The number of slots that open in [start, end); 0 where end <= start."""
    if end <= start:
        return 0
    return grid.index(grid.ceil(end)) - grid.index(grid.ceil(start))


def shift(grid: Grid, when: int, slots: int) -> int:
    """The opening of the slot `slots` after (before, if negative) the one that contains `when`."""
    return grid.opening(grid.index(when) + slots)
