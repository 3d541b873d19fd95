"""The sessions of a market and their hours: exchange_calendars with dated corrections and overrides over it.

Building a calendar costs seconds and its library half a second to import, so the sessions of a calendar and their
hours are kept as two small files per library version. Those of the pinned version come with the program
(`calendar_files`, recorded by `python -m tests.answers.record_calendars`); the library is imported only for another.
"""

from __future__ import annotations

import os
import tempfile
import zlib
from collections.abc import Collection, Mapping
from datetime import date
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from marketdata.calendar_table import CLOSED_DAYS

FIRST_DAY, LAST_DAY = date(1990, 1, 1), date(2035, 12, 31)
EPOCH = date(1970, 1, 1).toordinal()

Sessions = NDArray[np.datetime64]
Minutes = NDArray[np.int16]


def to_days(dates: Collection[date | str]) -> Sessions:
    """Dates as an array, (D,) datetime64[D]: thirty times as fast as NumPy's own conversion of dates; ISO text, as
    SQLite returns it, NumPy converts quickly."""
    dated = [day for day in dates if isinstance(day, date)]
    if len(dated) < len(dates):
        return np.array(list(dates), dtype="datetime64[D]")
    numbers = np.fromiter(map(date.toordinal, dated), np.int64, len(dated))
    return (numbers - EPOCH).view("datetime64[D]")


def get_calendar_sessions(calendar: str, *, cache: Path, overrides: Mapping[date, bool]) -> Sessions:
    """Every session of `calendar` from 1990 to 2035 as the library and the dated table have them, (S,) datetime64[D],
    ascending; an override adds the day where it is True and takes it out where it is False. ValueError for a calendar
    that the library does not have."""
    sessions = _corrected_sessions(calendar, cache)
    return _overridden(calendar, cache, tuple(sorted(overrides.items()))) if overrides else sessions


@lru_cache(maxsize=16)
def _overridden(calendar: str, cache: Path, overrides: tuple[tuple[date, bool], ...]) -> Sessions:
    """`get_calendar_sessions` with overrides; read-only."""
    sessions = _corrected_sessions(calendar, cache)
    days = np.array([day for day, _ in overrides], dtype="datetime64[D]")
    is_open = np.array([is_open for _, is_open in overrides], dtype=bool)
    others = sessions[~np.isin(sessions, days)]
    joined: Sessions = np.sort(np.concatenate([others, days[is_open]]))
    joined.flags.writeable = False
    return joined


@lru_cache(maxsize=16)
def _corrected_sessions(calendar: str, cache: Path) -> Sessions:
    """Sessions with the dated table, read once a process (reading the library's version takes milliseconds);
    read-only."""
    sessions: Sessions = _file(calendar, cache, "")
    closed = CLOSED_DAYS.get(calendar)
    if closed:
        sessions = sessions[~np.isin(sessions, to_days(sorted(closed)))]
    sessions.flags.writeable = False
    return sessions


@lru_cache(maxsize=16)
def get_calendar_hours(calendar: str, *, cache: Path) -> tuple[Sessions, Minutes]:
    """The sessions that the library has (S,) and their hours (S, 2): opening and closing in minutes after midnight of
    the calendar's own clock, 1440 for the midnight that ends the session; read-only. ValueError as in
    `get_calendar_sessions`."""
    sessions, minutes = _file(calendar, cache, ""), _file(calendar, cache, "-hours")
    if len(sessions) != len(minutes):  # of two builds
        sessions, minutes = _build(calendar, cache)
    sessions.flags.writeable = minutes.flags.writeable = False
    return sessions, minutes


def _file(calendar: str, cache: Path, part: str) -> NDArray[Any]:
    """The cached array of a calendar, built where it is missing or damaged."""
    try:
        array: NDArray[Any] = np.load(_path(calendar, cache, part))
    except (OSError, ValueError, EOFError):
        sessions, minutes = _build(calendar, cache)
        return minutes if part else sessions
    return array


def _path(calendar: str, cache: Path, part: str) -> Path:
    release = version("exchange_calendars")
    return cache / f"{calendar.replace('/', '-')}-{release}-{LAST_DAY.year}{part}.npy"


def _build(calendar: str, cache: Path) -> tuple[Sessions, Minutes]:
    """The sessions and hours of the library, written to the cache."""
    sessions, minutes = read_bundled(calendar) or build_by_library(calendar)
    _save(sessions, _path(calendar, cache, ""))
    _save(minutes, _path(calendar, cache, "-hours"))
    return sessions, minutes


def bundled_path(calendar: str) -> Path:
    """The file of the calendar's sessions and hours that comes with the program, of the library's version."""
    return _path(calendar, Path(__file__).with_name("calendar_files"), "").with_suffix(".npz")


def read_bundled(calendar: str) -> tuple[Sessions, Minutes] | None:
    """The sessions (S,) and hours (S, 2) that come with the program; None where they are not of the library's version,
    or of a calendar that is built quickly."""
    try:
        with np.load(bundled_path(calendar)) as file:
            days: NDArray[np.int64] = np.cumsum(file["steps"], dtype=np.int64)
            return days.astype("datetime64[D]"), file["minutes"]
    except (OSError, EOFError, ValueError, KeyError, BadZipFile, zlib.error):
        return None


def build_by_library(calendar: str) -> tuple[Sessions, Minutes]:
    """The sessions (S,) and hours (S, 2) of the library."""
    import exchange_calendars  # half a second, needed once per library version

    try:
        built = exchange_calendars.get_calendar(calendar, start=str(FIRST_DAY), end=str(LAST_DAY))
    except exchange_calendars.errors.InvalidCalendarName as error:
        raise ValueError(f"exchange_calendars has no calendar {calendar!r}.") from error
    sessions: Sessions = built.sessions.to_numpy().astype("datetime64[D]")
    minutes = np.empty((len(sessions), 2), dtype=np.int16)
    for place, name in enumerate(("open", "close")):
        local = built.schedule[name].dt.tz_convert(built.tz).dt.tz_localize(None).to_numpy()
        minutes[:, place] = (local - sessions).astype("timedelta64[m]").astype(np.int64)
    return sessions, minutes


def _save(array: NDArray[Any], file: Path) -> None:
    """Write the file atomically, by a temporary file beside it and a rename."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=file.parent, suffix=".tmp")
    with os.fdopen(handle, "wb") as stream:
        np.save(stream, array)
    Path(name).replace(file)
