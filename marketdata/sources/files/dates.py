"""Parser of dates: the notations of files -> datetime64[D].

A timestamp with a zone is a moment: its day is that of the market's clock. A timestamp without one keeps its day.
01/02/2024 is read only in a file that proves its order (`Clock.order`), without guessing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from marketdata.normalization import excerpt
from marketdata.sources.files.errors import PriceFileError
from marketdata.sources.files.words import Column, is_text, words

NO_DAY = np.datetime64("NaT", "D")
EXCEL_ZERO = date(1899, 12, 30)
EXCEL_DAYS = range(32_874, 49_675)
"""1990 to 2035 in Excel's count of days; counts of days from 1970 are outside."""
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
DAY_FIRST, MONTH_FIRST = "day first", "month first"


@dataclass(frozen=True, slots=True)
class Clock:
    """Rules for the days of a file: the market's zone, and the order of day and month in dates such as 01/02/2024
    ("" where the file has not proved one)."""

    timezone: str = "UTC"
    order: str = ""


class _Rest(NamedTuple):
    """The part after the day: minutes since midnight, and the offset of its zone where it has one."""

    minutes: int
    offset: timedelta | None


_YEAR_FIRST = re.compile(r"(\d{4})\s*[-./]\s*(\d{1,2})\s*[-./]\s*(\d{1,2})\.?(?!\d)(.*)")
_KOREAN = re.compile(r"(\d{4})\s*년\s*(\d{1,2})\s*월\s*(\d{1,2})\s*일(.*)")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:\.0+)?(?!\d)(.*)")
_MONTH_NAME = re.compile(r"(?P<m>[A-Za-z]{3,9})\.?\s+(?P<d>\d{1,2}),?\s+(?P<y>\d{4})(?P<rest>.*)")
_DAY_NAME = re.compile(
    r"(?:[A-Za-z]{3},\s*)?(?P<d>\d{1,2})[\s\-]+(?P<m>[A-Za-z]{3,9})\.?,?[\s\-]+(?P<y>\d{4})(?P<rest>.*)"
)
_YEAR_LAST = re.compile(r"(\d{1,2})\s*[-./]\s*(\d{1,2})\s*[-./]\s*(\d{4})(?!\d)(.*)")
_EXCEL = re.compile(r"(\d{5})(?:\.\d+)?")
_REST = re.compile(
    r"(?:\s*\(?[월화수목금토일](?:요일)?\)?)?"
    r"(?:[T\s]\s*(?P<half>오전|오후)?\s*(?P<h>\d{1,2}):(?P<min>\d{2})(?::\d{2}(?:[.,]\d+)?)?\s*(?P<ampm>[AaPp][Mm])?"
    r"\s*(?P<zone>Z|z|UTC|GMT|KST|[+-]\d{2}:?\d{2}|[+-]\d{2})?(?:\[[\w/+\-]+\])?)?\s*"
)


def days(column: Column, clock: Clock) -> NDArray[np.datetime64]:
    """The days of a column of dates, timestamps, or text and numbers in the notations above; NaT for anything else.
    PriceFileError where the days of timestamps with a zone are ambiguous."""
    kind = column.type
    if pa.types.is_timestamp(kind):
        return _of_stamps(column, clock)
    if pa.types.is_date(kind):
        dates: NDArray[np.datetime64] = _numpy(column).astype("datetime64[D]")
        return dates
    texts, index = _texts(column)
    zoned: list[tuple[date, date, bool]] = []
    read = [_day(text, clock, zoned) for text in texts.tolist()]
    if zoned and all(midnight for _, _, midnight in zoned):
        for own, local, _ in zoned:
            if own != local:
                raise _two_clocks(own, local, clock)
    return np.array([*read, NO_DAY], dtype="datetime64[D]")[index]


def orders(column: Column) -> set[str]:
    """The orders of day and month that the dates of a column prove, where they end with the year: DAY_FIRST,
    MONTH_FIRST, "" for dates such as 01/02/2024 that prove none. Empty where there are no such dates."""
    if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
        return set()
    proofs = set()
    for text in _texts(column)[0].tolist():
        match = _YEAR_LAST.fullmatch(text)
        if match:
            first, second = int(match[1]), int(match[2])
            proofs.add(DAY_FIRST if first > 12 else MONTH_FIRST if second > 12 else "")
    return proofs


def sample(column: Column) -> str:
    """The first date of the column that ends with the year, for a message."""
    texts = _texts(column)[0].tolist()
    ambiguous = (text for text in texts if _YEAR_LAST.fullmatch(text))
    return excerpt(next(ambiguous, ""))


def is_day(text: str) -> bool:
    """Whether a cell is a day by itself, without the rest of the file."""
    return not np.isnat(_day(text.strip(), Clock(), []))


def _of_stamps(column: Column, clock: Clock) -> NDArray[np.datetime64]:
    kind = column.type
    if kind.tz is None:
        plain: NDArray[np.datetime64] = _numpy(pc.cast(column, pa.date32(), safe=False))
        return plain.astype("datetime64[D]")
    there: Any = pc.cast(column, pa.timestamp(kind.unit, tz=clock.timezone))
    own, local = pc.local_timestamp(column), pc.local_timestamp(there)
    own_days, local_days = (
        _numpy(pc.cast(stamps, pa.date32(), safe=False)).astype("datetime64[D]") for stamps in (own, local)
    )
    differ = np.flatnonzero((own_days != local_days) & ~np.isnat(own_days))
    if len(differ):
        stamps = _numpy(own).astype("datetime64[ns]")
        if (stamps == stamps.astype("datetime64[D]"))[~np.isnat(stamps)].all():
            raise _two_clocks(own_days[differ[0]].item(), local_days[differ[0]].item(), clock)
    return local_days


def _two_clocks(own: date, local: date, clock: Clock) -> PriceFileError:
    return PriceFileError(
        f"every timestamp is midnight of its own zone, and {own} there is {local} in {clock.timezone}, on the market's "
        "clock: write the days without a zone."
    )


def _texts(column: Column) -> tuple[NDArray[np.str_], NDArray[np.int32]]:
    kind: Any = column.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or is_text(kind):
        if pa.types.is_floating(kind):
            column = pc.if_else(pc.is_finite(column), column, pa.scalar(None, kind))
            with suppress(pa.ArrowInvalid):
                column = pc.cast(column, pa.int64())
        return words(column)
    return np.empty(0, dtype=np.str_), np.full(len(column), -1, dtype=np.int32)


def _day(text: str, clock: Clock, zoned: list[tuple[date, date, bool]]) -> np.datetime64:
    """The day of one text. For a text with a zone, its day on its own clock, its day on the market's, and whether it is
    midnight are appended to `zoned`."""
    for pattern, parts in _PATTERNS:
        match = pattern.fullmatch(text)
        if match is None:
            continue
        fields = parts(match, clock)
        if fields is None:
            return NO_DAY
        year, month, day, tail = fields
        rest = _rest(tail)
        if rest is None:
            return NO_DAY
        try:
            own = date(year, month, day)
        except ValueError:
            return NO_DAY
        if rest.offset is None:
            return np.datetime64(own, "D")
        moment = datetime(year, month, day, tzinfo=timezone(rest.offset))
        moment += timedelta(minutes=rest.minutes)
        local = moment.astimezone(ZoneInfo(clock.timezone)).date()
        zoned.append((own, local, rest.minutes == 0))
        return np.datetime64(local, "D")
    excel = _EXCEL.fullmatch(text)
    if excel and int(excel[1]) in EXCEL_DAYS:
        return np.datetime64(EXCEL_ZERO + timedelta(days=int(excel[1])), "D")
    return NO_DAY


Parts = tuple[int, int, int, str]


def _ascending(match: re.Match[str], _: Clock) -> Parts | None:
    return int(match[1]), int(match[2]), int(match[3]), match[4]


def _month_name(match: re.Match[str], _: Clock) -> Parts | None:
    month = match["m"].lower()[:3]
    if month not in MONTHS:
        return None
    return int(match["y"]), MONTHS.index(month) + 1, int(match["d"]), match["rest"]


def _year_last(match: re.Match[str], clock: Clock) -> Parts | None:
    if not clock.order:
        return None
    first, second = int(match[1]), int(match[2])
    month, day = (second, first) if clock.order == DAY_FIRST else (first, second)
    return int(match[3]), month, day, match[4]


_PATTERNS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], Clock], Parts | None]], ...] = (
    (_YEAR_FIRST, _ascending),
    (_COMPACT, _ascending),
    (_KOREAN, _ascending),
    (_YEAR_LAST, _year_last),
    (_MONTH_NAME, _month_name),
    (_DAY_NAME, _month_name),
)


def _rest(text: str) -> _Rest | None:
    """The part after a day; None where it is neither empty nor a time."""
    if not text:
        return _Rest(0, None)
    match = _REST.fullmatch(text)
    if match is None:
        return None
    if match["h"] is None:
        return _Rest(0, None)
    hour, minute = int(match["h"]), int(match["min"])
    half = (match["ampm"] or "").upper() or {"오전": "AM", "오후": "PM"}.get(match["half"] or "", "")
    if half:
        hour = hour % 12 + (12 if half == "PM" else 0)
    if hour > 23 or minute > 59:
        return None
    return _Rest(hour * 60 + minute, _offset(match["zone"]))


def _offset(zone: str | None) -> timedelta | None:
    if zone is None:
        return None
    if zone.upper() in ("Z", "UTC", "GMT"):
        return timedelta(0)
    if zone == "KST":
        return timedelta(hours=9)
    sign, digits = (-1 if zone[0] == "-" else 1), zone[1:].replace(":", "")
    return sign * timedelta(hours=int(digits[:2]), minutes=int(digits[2:] or 0))


def _numpy(column: Column) -> NDArray[Any]:
    array: NDArray[Any] = (
        column.to_numpy() if isinstance(column, pa.ChunkedArray) else column.to_numpy(zero_copy_only=False)
    )
    return array
