"""The rule behind a session's regime: its bounds and the index's figures (scanner definitions, section
1). Read from the index series beside a recorded regime, so nothing more than the regime's name is recorded.

1. `RegimeHistory` has the regimes and their measures for a whole index series, each computed once.
2. Its `rule` gives the `RegimeRule` of one session: which measures were compared with which bounds, and, of the trend,
   the state before, which decides the bounds (hysteresis).
3. `RegimeRule.sentence` is its English sentence; pages have their own words for the same parts.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import ClassVar, Protocol, runtime_checkable

import numpy as np

from marketdata.panel import Floats
from scans.engines import regimes
from scans.engines.base import MarketIndex
from scans.engines.regimes import BEAR, BULL, CRASH, DAILY, NAMES, NEUTRAL, TREND, Codes
from scans.kernels.compare import above

MOVE, RETURN_20, RETURN_5, MEAN_10 = "move", "return_20", "return_5", "mean_10"
ABOVE, BELOW, NOT_ABOVE, NOT_BELOW, BETWEEN = "above", "below", "not_above", "not_below", "between"
KEPT, ENTERED = "kept", "entered"
UNDEFINED, CHANGED, UNREADABLE = "undefined", "changed", "unreadable"

PHRASES = {
    MOVE: "the index moved {} on the day",
    RETURN_20: "{} over 20 sessions",
    RETURN_5: "{} over 5 sessions",
    MEAN_10: "mean of 10 sessions {}",
}
UNDEFINED_NOTES = {
    DAILY: "the index has no move of this session: it starts here or anew after a missing session, or own-cap has too "
    "few market caps",
    TREND: "20 sessions of the index in a row are not known yet",
}
NOTES = {
    CHANGED: "recorded data has changed since",
    UNREADABLE: "its numbers are not known: the index cannot be read now",
}


@runtime_checkable
class RegimeEngine(Protocol):
    """An engine that declares the kind of its sessions' regime: `DAILY` or `TREND`."""

    regime_kind: ClassVar[str]


def regime_kind(engine: object) -> str:
    """`DAILY` or `TREND`; "" where the engine has no regime."""
    return engine.regime_kind if isinstance(engine, RegimeEngine) else ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A measure that decided: its value and the bound it was compared with, both fractions. `BETWEEN` means from
    -limit to limit, ends included. No bound: the measure is named beside the one that decided."""

    measure: str
    value: float
    bound: str = ""
    limit: float = 0.0


@dataclass(frozen=True, slots=True)
class RegimeRule:
    """The rule behind a session's regime.

    kind `DAILY` or `TREND`; measures: name -> fraction, None where undefined, empty where `note` is `CHANGED` or
    `UNREADABLE`; before: the trend's state of the session before, where it decided the bounds, else ""; change: `KEPT`
    or `ENTERED` with respect to it; comparisons: what decided, in the order of the sentence; note: why there are none.
    """

    kind: str
    regime: str
    measures: Mapping[str, float | None] = field(default_factory=dict)
    before: str = ""
    change: str = ""
    comparisons: tuple[Comparison, ...] = ()
    note: str = ""

    @property
    def sentence(self) -> str:
        """trend: bull kept, +3.1 % over 20 sessions (above 2 %), mean of 10 sessions +0.12 % (above -0.05 %)"""
        head = f"{self.kind}: {self.regime}"
        if self.note:
            return f"{head}, {NOTES.get(self.note) or UNDEFINED_NOTES[self.kind]}"
        if self.change == KEPT:
            head += " kept"
        elif self.change == ENTERED:
            head += f" entered from {self.before}"
        return ", ".join([head, *map(_phrase, self.comparisons)])


def format_measure(comparison: Comparison) -> str:
    """The value as a signed percent: one decimal (of the mean two), more where the bound would look equal to it."""
    percent = 100 * comparison.value
    digits = 2 if comparison.measure == MEAN_10 else 1
    while digits < 5 and comparison.bound and _looks_equal(percent, 100 * comparison.limit, digits):
        digits += 1
    text = f"{percent:+.{digits}f}"
    return f"{text if float(text) else text[1:]} %"


def format_bound(value: float) -> str:
    """A bound as a percent: 4 %, -2.5 %, 0.05 %."""
    return f"{100 * value:.6g} %"


def _looks_equal(percent: float, bound: float, digits: int) -> bool:
    """Whether a value that is not at the bound (nor, of a range, at its other end) would be printed as if it were."""
    near = any(round(percent, digits) == round(end, digits) for end in (bound, -bound))
    return near and not any(math.isclose(percent, end, rel_tol=1e-9) for end in (bound, -bound))


def _phrase(comparison: Comparison) -> str:
    text = PHRASES[comparison.measure].format(format_measure(comparison))
    if not comparison.bound:
        return text
    if comparison.bound == BETWEEN:
        return f"{text} (between {format_bound(-comparison.limit)} and {format_bound(comparison.limit)})"
    return f"{text} ({comparison.bound.replace('_', ' ')} {format_bound(comparison.limit)})"


class RegimeHistory:
    """The regimes of an index series and their measures, each computed on first use."""

    def __init__(self, index: MarketIndex) -> None:
        self.index = index

    @cached_property
    def daily(self) -> Codes:
        return regimes.regime_daily(self.index)

    @cached_property
    def trend(self) -> Codes:
        return regimes.regime_trend(self.index)

    @cached_property
    def measures(self) -> Mapping[str, Floats]:
        """Measure -> (S,) fractions, NaN where undefined."""
        return {
            MOVE: self.index.m,
            RETURN_20: regimes.returns(self.index, 20),
            RETURN_5: regimes.returns(self.index, 5),
            MEAN_10: regimes.mean(self.index.m, 10),
        }

    def rule(self, kind: str, day: date, regime: str) -> RegimeRule:
        """The rule behind the recorded `regime` of the session `day`. Its numbers are left out where the series gives
        another regime now, or has no such session."""
        sessions = self.index.sessions
        row = int(np.searchsorted(sessions, np.datetime64(day)))
        if row == len(sessions) or sessions[row] != np.datetime64(day):
            return RegimeRule(kind, regime, note=CHANGED)
        codes = self.daily if kind == DAILY else self.trend
        if NAMES[codes[row]] != regime:
            return RegimeRule(kind, regime, note=CHANGED)
        return self._daily(row) if kind == DAILY else self._trend(row)

    def _values(self, row: int, *names: str) -> dict[str, float]:
        return {name: float(self.measures[name][row]) for name in names}

    def _daily(self, row: int) -> RegimeRule:
        code, move = int(self.daily[row]), float(self.index.m[row])
        measures = _defined({MOVE: move})
        if math.isnan(move):
            return RegimeRule(DAILY, NAMES[code], measures, note=UNDEFINED)
        bound, end = {
            BULL: (ABOVE, regimes.DAY_BULL),
            BEAR: (BELOW, regimes.DAY_BEAR),
            CRASH: (BELOW, regimes.DAY_CRASH),
            NEUTRAL: (BETWEEN, regimes.DAY_BULL),
        }[code]
        decided = (Comparison(MOVE, move, bound, end),)
        return RegimeRule(DAILY, NAMES[code], measures, comparisons=decided)

    def _trend(self, row: int) -> RegimeRule:
        code = int(self.trend[row])
        before = int(self.trend[row - 1]) if row else NEUTRAL
        values = self._values(row, RETURN_20, RETURN_5, MEAN_10)
        measures, name = _defined(values), NAMES[code]
        if code == CRASH:
            return RegimeRule(TREND, name, measures, comparisons=_crash(values))
        if math.isnan(values[RETURN_20]):
            return RegimeRule(TREND, name, measures, note=UNDEFINED)
        decided = _neutral(values, before) if code == NEUTRAL else _strong(values, code, before)
        change = KEPT if code == before else ENTERED
        return RegimeRule(TREND, name, measures, NAMES[before], change, decided)


def _defined(values: Mapping[str, float]) -> dict[str, float | None]:
    return {name: None if math.isnan(value) else value for name, value in values.items()}


def _crash(values: Mapping[str, float]) -> tuple[Comparison, ...]:
    """The falls that are beyond their bound."""
    bounds = ((RETURN_20, regimes.CRASH_20), (RETURN_5, regimes.CRASH_5))
    return tuple(Comparison(name, values[name], BELOW, end) for name, end in bounds if above(end, values[name]))


def _strong(values: Mapping[str, float], code: int, before: int) -> tuple[Comparison, ...]:
    """The comparisons of a bull or bear trend: both of its bounds hold."""
    sign = 1 if code == BULL else -1
    move, mean = _bounds(code, before)
    bound = ABOVE if code == BULL else BELOW
    return (
        Comparison(RETURN_20, values[RETURN_20], bound, sign * move),
        Comparison(MEAN_10, values[MEAN_10], bound, sign * mean),
    )


def _neutral(values: Mapping[str, float], before: int) -> tuple[Comparison, ...]:
    """The comparisons of a neutral trend: the bound that ended the bull or bear state before, else the bound that was
    not reached."""
    r20, m10 = values[RETURN_20], values[MEAN_10]
    plain = (Comparison(RETURN_20, r20), Comparison(MEAN_10, m10))
    if before in (BULL, BEAR):
        side = before
    else:
        enter, _ = _bounds(BULL, before)
        if not above(abs(r20), enter):
            return (Comparison(RETURN_20, r20, BETWEEN, enter), plain[1])
        side = BULL if r20 > 0 else BEAR
    sign, bound = (1, NOT_ABOVE) if side == BULL else (-1, NOT_BELOW)
    move, mean = _bounds(side, before)
    return tuple(
        comparison
        if above(sign * comparison.value, end)
        else Comparison(comparison.measure, comparison.value, bound, sign * end)
        for comparison, end in zip(plain, (move, mean), strict=True)
    )


def _bounds(code: int, before: int) -> tuple[float, float]:
    """What the return over 20 sessions and the mean of 10 must exceed for a bull trend; for a bear trend with the signs
    turned."""
    if code == before:
        return regimes.KEEP, regimes.KEEP_MEAN
    enter = regimes.ENTER_FROM_NEUTRAL if before == NEUTRAL else regimes.ENTER
    return enter, regimes.ENTER_MEAN
