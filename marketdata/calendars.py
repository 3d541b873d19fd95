"""The sessions of a market and their hours: exchange_calendars with dated corrections and overrides over it.

Building a calendar costs seconds and its library half a second to import, so the sessions of a calendar and their
hours are kept as two small files per library version; only where one is missing is the library imported at all.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Collection, Mapping
from datetime import date
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marketdata.calendar_table import CLOSED_DAYS

FIRST_DAY, LAST_DAY = date(1990, 1, 1), date(2035, 12, 31)
EPOCH = date(1970, 1, 1).toordinal()

Sessions = NDArray[np.datetime64]
Minutes = NDArray[np.int16]


def to_days(dates: Collection[date | str]) -> Sessions:
    """Dates as an array, (D,) datetime64[D]: thirty times as fast as NumPy takes them itself. ISO text, which SQLite
    gives, it takes quickly."""
    known = [one for one in dates if isinstance(one, date)]
    if len(known) < len(dates):
        return np.array(list(dates), dtype="datetime64[D]")
    numbers = np.fromiter(map(date.toordinal, known), np.int64, len(known))
    return (numbers - EPOCH).view("datetime64[D]")


def get_calendar_sessions(calendar: str, *, cache: Path, overrides: Mapping[date, bool]) -> Sessions:
    """Every session of `calendar` from 1990 to 2035 as the library and the dated table have them, (S,) datetime64[D],
    ascending; an override adds the day where it is True and takes it out where it is False. ValueError for a calendar
    the library does not have."""
    known = _kept(calendar, cache)
    return _overridden(calendar, cache, tuple(sorted(overrides.items()))) if overrides else known


@lru_cache(maxsize=16)
def _overridden(calendar: str, cache: Path, overrides: tuple[tuple[date, bool], ...]) -> Sessions:
    """The same; never to be written to."""
    known = _kept(calendar, cache)
    days = np.array([day for day, _ in overrides], dtype="datetime64[D]")
    is_open = np.array([is_open for _, is_open in overrides], dtype=bool)
    kept = known[~np.isin(known, days)]
    found: Sessions = np.sort(np.concatenate([kept, np.unique(days[is_open])]))
    found.flags.writeable = False
    return found


@lru_cache(maxsize=16)
def _kept(calendar: str, cache: Path) -> Sessions:
    """Read once a process, since asking for the library's version alone takes milliseconds; never to be written to."""
    known: Sessions = _file(calendar, cache, "")
    closed = CLOSED_DAYS.get(calendar)
    if closed:
        known = known[~np.isin(known, to_days(sorted(closed)))]
    known.flags.writeable = False
    return known


@lru_cache(maxsize=16)
def get_calendar_hours(calendar: str, *, cache: Path) -> tuple[Sessions, Minutes]:
    """The sessions that the library has (S,) and their hours (S, 2): opening and closing in minutes after midnight of
    the calendar's own clock, 1440 for the midnight that ends the session; never to be written to. ValueError as in
    `get_calendar_sessions`."""
    known, found = _file(calendar, cache, ""), _file(calendar, cache, "-hours")
    if len(known) != len(found):  # of two builds
        known, found = _build(calendar, cache)
    known.flags.writeable = found.flags.writeable = False
    return known, found


def _file(calendar: str, cache: Path, part: str) -> NDArray[Any]:
    """The kept array of a calendar, built where it is missing or damaged."""
    try:
        kept: NDArray[Any] = np.load(_path(calendar, cache, part))
    except (OSError, ValueError, EOFError):
        known, found = _build(calendar, cache)
        return found if part else known
    return kept


def _path(calendar: str, cache: Path, part: str) -> Path:
    release = version("exchange_calendars")
    return cache / f"{calendar.replace('/', '-')}-{release}-{LAST_DAY.year}{part}.npy"


def _build(calendar: str, cache: Path) -> tuple[Sessions, Minutes]:
    """The sessions and hours of the library, written to the cache."""
    import exchange_calendars  # half a second, needed once per library version

    try:
        built = exchange_calendars.get_calendar(calendar, start=str(FIRST_DAY), end=str(LAST_DAY))
    except exchange_calendars.errors.InvalidCalendarName as error:
        raise ValueError(f"exchange_calendars knows no calendar {calendar!r}.") from error
    known: Sessions = built.sessions.to_numpy().astype("datetime64[D]")
    found = np.empty((len(known), 2), dtype=np.int16)
    for place, name in enumerate(("open", "close")):
        local = built.schedule[name].dt.tz_convert(built.tz).dt.tz_localize(None).to_numpy()
        found[:, place] = (local - known).astype("timedelta64[m]").astype(np.int64)
    _keep(known, _path(calendar, cache, ""))
    _keep(found, _path(calendar, cache, "-hours"))
    return known, found


def _keep(array: NDArray[Any], file: Path) -> None:
    """Write to a temporary file beside and rename, so that a reader sees all of it or none."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=file.parent, suffix=".tmp")
    with os.fdopen(handle, "wb") as stream:
        np.save(stream, array)
    Path(name).replace(file)
