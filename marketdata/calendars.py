"""The sessions of a market: exchange_calendars with an override table over it.

Building a calendar costs seconds and its library half a second to import, so the sessions of a calendar are
kept as one small file per library version; only where that is missing is the library imported at all.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Collection, Mapping
from datetime import date
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FIRST, LAST = date(1990, 1, 1), date(2035, 12, 31)
EPOCH = date(1970, 1, 1).toordinal()

Sessions = NDArray[np.datetime64]


def days(dates: Collection[date | str]) -> Sessions:
    """Dates as an array, (D,) datetime64[D]: thirty times as fast as NumPy takes them itself. ISO text, which SQLite
    gives, it takes quickly."""
    known = [one for one in dates if isinstance(one, date)]
    if len(known) < len(dates):
        return np.array(list(dates), dtype="datetime64[D]")
    numbers = np.fromiter(map(date.toordinal, known), np.int64, len(known))
    return (numbers - EPOCH).view("datetime64[D]")


def sessions(calendar: str, *, cache: Path, overrides: Mapping[date, bool]) -> Sessions:
    """Every session of `calendar` from 1990 to 2035, (S,) datetime64[D], ascending; an override adds the day where
    it is True and takes it out where it is False. ValueError for a calendar the library does not have."""
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
    file = cache / f"{calendar.replace('/', '-')}-{version('exchange_calendars')}-{LAST.year}.npy"
    try:
        kept: Sessions = np.load(file)
    except (OSError, ValueError, EOFError):
        kept = _built(calendar)
        _keep(kept, file)
    kept.flags.writeable = False
    return kept


def _built(calendar: str) -> Sessions:
    import exchange_calendars  # half a second, needed once per library version

    try:
        built = exchange_calendars.get_calendar(calendar, start=str(FIRST), end=str(LAST))
    except exchange_calendars.errors.InvalidCalendarName as error:
        raise ValueError(f"exchange_calendars knows no calendar {calendar!r}.") from error
    days: Sessions = built.sessions.to_numpy().astype("datetime64[D]")
    return days


def _keep(days: Sessions, file: Path) -> None:
    """Write to a temporary file beside and rename, so that a reader sees all of it or none."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=file.parent, suffix=".tmp")
    with os.fdopen(handle, "wb") as stream:
        np.save(stream, days)
    Path(name).replace(file)
