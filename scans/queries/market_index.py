"""The market's index session by session: each series with its regimes, their rules and their measures.

The two series of the market's own index always, and the external one that regimes depend on where one is chosen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from marketdata.markets import OWN_CAP, OWN_EQUAL, OWN_INDEX, OWN_NAMES
from marketdata.panel import Floats
from marketdata.queries import index_series
from scans.engines import regimes
from scans.engines.regime_rules import RegimeHistory, RegimeRule
from scans.engines.regimes import DAILY, NAMES, TREND
from scans.queries.regime_rules import series_history


@dataclass(frozen=True, slots=True)
class IndexSession:
    """A session of a series: `m` its return and `range` the mean range, fractions, None where undefined; `level` from 1
    where the series starts or starts anew; `daily` and `trend`: its regimes with the rule and the measures behind each;
    `short_risk` 0..3."""

    date: date
    m: float | None
    range: float | None
    level: float | None
    daily: RegimeRule
    trend: RegimeRule
    short_risk: int


@dataclass(frozen=True, slots=True)
class IndexHistory:
    """A series of the market's index: its `name` (own-equal, own-cap or that of an external series), whether regimes
    depend on it (`chosen`), the `revision` of its definition (None: external), and its sessions, ascending."""

    name: str
    chosen: bool
    revision: int | None
    sessions: Sequence[IndexSession]


def get_index_histories(market: str, first: date, last: date) -> list[IndexHistory]:
    """The series of `market` from `first` to `last`, both included: own-equal, own-cap, and the external one that is
    chosen. LakeError where the market has no index yet, DataProblem where the external series is missing or ends before
    `last`."""
    choice = index_series.get_index_name(market)
    chosen = OWN_EQUAL if choice == OWN_INDEX else choice
    histories = []
    for name in dict.fromkeys((OWN_EQUAL, OWN_CAP, chosen)):
        series = index_series.get_index_for_display(market, name, last)
        own = name in OWN_NAMES
        histories.append(
            IndexHistory(
                name=name,
                chosen=name == chosen,
                revision=index_series.REVISION if own else None,
                sessions=_sessions(series_history(series), first, last),
            )
        )
    return histories


def _sessions(history: RegimeHistory, first: date, last: date) -> list[IndexSession]:
    index = history.index
    low = int(np.searchsorted(index.sessions, np.datetime64(first)))
    high = int(np.searchsorted(index.sessions, np.datetime64(last), side="right"))
    level, risk = index_level(index.m), regimes.short_risk(index)
    rows = []
    for row in range(low, high):
        day = index.sessions[row].item()
        rows.append(
            IndexSession(
                date=day,
                m=_defined(index.m[row]),
                range=_defined(index.range[row]),
                level=_defined(level[row]),
                daily=history.rule(DAILY, day, NAMES[history.daily[row]]),
                trend=history.rule(TREND, day, NAMES[history.trend[row]]),
                short_risk=int(risk[row]),
            )
        )
    return rows


def index_level(m: Floats) -> Floats:
    """The product of 1 + m since m was last unknown, (S,), NaN where it is."""
    level, now = np.full(len(m), np.nan), 1.0
    for row, move in enumerate(m.tolist()):
        now = 1.0 if np.isnan(move) else now * (1.0 + move)
        level[row] = np.nan if np.isnan(move) else now
    return level


def _defined(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
