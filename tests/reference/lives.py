"""The life of a pick with a plan, bar by bar (scanner definitions, section 7, "Lives").

Fills and exits by the daily limits: an open can be bought unless the session's low lies at the upper limit, and nothing
is sold on a session whose high lies at the lower limit. Frames are those of `fills.with_limits`; levels are adjusted
prices, NaN where the plan has none.

Choices where the definitions are silent
- The limits of a session do not depend on what comes later, so there is no liquidation here.
- A bar that reaches both levels counts as the stop; an open at or through a level of an open position fills there.
- The entry is waited for five sessions, twenty with a buy stop.
- On a session that cannot be sold nothing is tested; the holding limit then ends on the next that can.
- A high beyond the target in the bar that filled a buy stop does not count.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd

from tests.reference.fills import limits


@dataclass
class Life:
    """The course of one pick: rows count from its own session, which is 0."""

    status: str = "waiting"
    entered: int = -1
    entry: float = math.nan
    left: int = -1
    exit: float = math.nan
    bound: float = math.nan


def fills(frame: pd.DataFrame, row: int) -> tuple[bool, bool]:
    """Whether the session can be bought, and sold."""
    traded = bool(frame["traded"].iloc[row])
    if not traded or not row:
        return traded, traded
    base = float(frame["rawC"].iloc[row - 1] * frame["factor"].iloc[row])
    lower, upper = limits(base, frame.index[row], str(frame["segment"].iloc[row]))
    tie = 1e-9
    return (
        not float(frame["rawL"].iloc[row]) >= upper * (1 - tie),
        not float(frame["rawH"].iloc[row]) <= lower * (1 + tie),
    )


def life(frame: pd.DataFrame, start: int, entry: float, target: float, stop: float, holding: int) -> Life:
    """The life of the pick of the session number `start`. `holding` 0: no limit."""
    course = Life()
    for row in range(start + 1, len(frame)):
        bar = frame.iloc[row]
        buys, sells = fills(frame, row)
        if bar["suspected"]:
            course.status, course.left = "suspect", row - start
            return course
        if course.entered < 0:
            inside = buys and _enter(course, bar, row - start, entry, target, stop)
            if course.status == "lapsed":
                return course
            if course.entered < 0:
                if row - start >= (5 if math.isnan(entry) else 20):
                    course.status = "lapsed"
                    return course
                continue
        else:
            inside = False
        if sells and _leave(course, bar, row - start, target, stop, holding, inside=inside):
            return course
    return course


def _enter(course: Life, bar: pd.Series[float], row: int, entry: float, target: float, stop: float) -> bool:
    """Whether a buy stop is filled inside the bar."""
    opened, high = float(bar["O"]), float(bar["H"])
    if math.isnan(entry) or opened >= entry * (1 - 1e-9):
        if opened >= target * (1 - 1e-9) or opened <= stop * (1 + 1e-9):
            course.status = "lapsed"
        else:
            course.status, course.entered, course.entry = "open", row, opened
        return False
    if high >= entry * (1 - 1e-9):
        course.status, course.entered, course.entry = "open", row, entry
        return True
    return False


def _leave(
    course: Life, bar: pd.Series[float], row: int, target: float, stop: float, holding: int, *, inside: bool
) -> bool:
    opened, high, low, close = (float(bar[name]) for name in "OHLC")
    end = ("", math.nan)
    if inside:
        if close <= stop * (1 + 1e-9):
            end = ("stop", stop)
        elif low <= stop * (1 + 1e-9):
            course.bound = stop
    elif opened <= stop * (1 + 1e-9):
        end = ("stop", opened)
    elif opened >= target * (1 - 1e-9):
        end = ("target", opened)
    elif low <= stop * (1 + 1e-9):
        end = ("stop", stop)
    elif high >= target * (1 - 1e-9):
        end = ("target", target)
    if not end[0] and holding and row - course.entered + 1 >= holding:
        end = ("expired", close)
    if not end[0]:
        return False
    course.status, course.exit, course.left = end[0], end[1], row
    return True
