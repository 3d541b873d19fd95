"""How the picks of one version did, pick by pick (scanner definitions, section 7).

Choices where the definitions are silent
- A pick whose t+1..t+5 reach past the record without a trade so far is open, not dropped.
- A horizon that ends past the record is open even where the instrument was delisted before.
- A holding spans a suspected action on s where entry < s <= exit: on the entry session itself the action lies before
  the open. Open goes before unjudged.
- The exit on a session without a trade is at the last traded close (adjusted), the filled C.
- The benchmark takes C[exit] / O[entry] - 1 of everything eligible at t by the version's own rule (the pick included),
  filled bars where one did not trade, without those that have a suspected action inside; weights are the caps at t, and
  equal where fewer than half have one. It pays no costs.
- `costs` is the share of a round trip, taken off each return; in the basket half on the first and half on the last
  session.
- The basket averages, on each session, the positions held then (first session open to close); 0 on a session without.
- The standard error is that of the mean, from the sums of deviations by date, times sqrt(G / (G - 1)).
- Turnover is, from one date with picks to the next, the share of names that were not there before; then the mean.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median
from typing import Any

import pandas as pd

from tests.reference.bars import Frames
from tests.reference.indicators import above

HORIZONS = (1, 5, 10, 20, 60)
Eligible = Callable[[pd.Timestamp], Iterable[str]]


@dataclass(frozen=True)
class Holding:
    """One pick over one horizon. `state` is judged, dropped, open or unjudged; the rest is of judged ones alone."""

    date: pd.Timestamp
    code: str
    state: str
    entry: pd.Timestamp | None = None
    exit: pd.Timestamp | None = None
    gross: float = math.nan
    best: float = math.nan
    worst: float = math.nan
    hit: bool = False
    net: float = math.nan
    excess_cap: float = math.nan
    excess_equal: float = math.nan


def mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values) if values else math.nan


def hold(frames: Frames, axis: pd.DatetimeIndex, date: Any, code: str, horizon: int, costs: float) -> Holding:
    """The holding itself, without its excess."""
    day, frame = pd.Timestamp(date), frames[code]
    t = axis.tolist().index(day)
    ahead = axis[t + 1 : t + 6]
    trades = [session for session in ahead if bool(frame.at[session, "traded"])]
    if not trades:
        return Holding(day, code, "dropped" if len(ahead) == 5 else "open")
    first = axis.tolist().index(trades[0])
    if first + horizon - 1 >= len(axis):
        return Holding(day, code, "open", entry=trades[0])
    last = axis[first + horizon - 1]
    body = frame.loc[trades[0] : last]
    if body["suspected"].iloc[1:].any():
        return Holding(day, code, "unjudged", trades[0], last)
    paid, got = float(body["O"].iloc[0]), float(body["C"].iloc[-1])
    net = got / paid - 1 - costs
    return Holding(
        date=day,
        code=code,
        state="judged",
        entry=trades[0],
        exit=last,
        gross=got / paid - 1,
        best=max(body["H"].tolist()) / paid - 1,
        worst=min(body["L"].tolist()) / paid - 1,
        hit=above(got, paid * (1 + costs)),
        net=net,
    )


def benchmark(frames: Frames, date: pd.Timestamp, codes: Iterable[str], entry: Any, last: Any) -> tuple[float, float]:
    """Cap-weighted and equal-weighted mean of open-to-close over entry..last of `codes`."""
    returns, caps = [], []
    for code in codes:
        body = frames[code].loc[entry:last]
        if body["suspected"].iloc[1:].any():
            continue
        cap = float(frames[code].loc[date:date, "market_cap"].iloc[0])
        returns.append(float(body["C"].iloc[-1]) / float(body["O"].iloc[0]) - 1)
        caps.append(0.0 if math.isnan(cap) else cap)
    if not returns:
        return math.nan, math.nan
    equal = mean(returns)
    if 2 * sum(cap > 0 for cap in caps) < len(caps):
        return equal, equal
    pairs = zip(caps, returns, strict=True)
    return math.fsum(cap * value for cap, value in pairs) / math.fsum(caps), equal


def holdings(
    picks: Iterable[tuple[Any, str]],
    frames: Frames,
    sessions: Iterable[Any],
    eligible: Eligible,
    horizon: int,
    *,
    costs: float = 0.0,
) -> list[Holding]:
    """Every pick (date, code) over `horizon`. `eligible` gives the codes eligible on a date by the version's rule."""
    axis = pd.DatetimeIndex(pd.to_datetime(list(sessions))).sort_values()
    values: dict[Any, tuple[float, float]] = {}
    result = []
    for date, code in picks:
        one = hold(frames, axis, date, code, horizon, costs)
        if one.state == "judged":
            key = (one.date, one.entry)
            if key not in values:
                codes = list(eligible(one.date))
                values[key] = benchmark(frames, one.date, codes, one.entry, one.exit)
            cap, equal = values[key]
            one = replace(one, excess_cap=one.net - cap, excess_equal=one.net - equal)
        result.append(one)
    return result


def summary(result: Sequence[Holding], frames: Frames, *, costs: float = 0.0) -> dict[str, float]:
    """The figures of one version and one horizon; NaN where nothing was judged."""
    judged = [one for one in result if one.state == "judged"]
    returns = [one.net for one in judged]
    states = [one.state for one in result]
    return {
        "picks": len(result),
        "dropped": states.count("dropped"),
        "open": states.count("open"),
        "unjudged": states.count("unjudged"),
        "judged": len(judged),
        "hit_rate": mean([float(one.hit) for one in judged]),
        "mean": mean(returns),
        "median": median(returns) if returns else math.nan,
        "excess_cap": mean([one.excess_cap for one in judged]),
        "excess_equal": mean([one.excess_equal for one in judged]),
        "standard_error": standard_error(judged),
        "mean_without_best": mean(sorted(returns)[:-10]),
        "worst_drawdown": worst_drawdown(judged, frames, costs),
        "turnover": turnover(result),
        "best": mean([one.best for one in judged]),
        "worst": mean([one.worst for one in judged]),
    }


def standard_error(judged: Sequence[Holding]) -> float:
    """Of the mean return, clustered by date; NaN with fewer than two dates."""
    centre = mean([one.net for one in judged])
    by_date: dict[pd.Timestamp, float] = {}
    for one in judged:
        by_date[one.date] = by_date.get(one.date, 0.0) + one.net - centre
    groups = len(by_date)
    if groups < 2:
        return math.nan
    squares = math.fsum(total**2 for total in by_date.values())
    return math.sqrt(squares * groups / (groups - 1)) / len(judged)


def worst_drawdown(judged: Sequence[Holding], frames: Frames, costs: float) -> float:
    """The deepest fall of the basket below its highest value so far, as a return (0 or negative)."""
    daily: dict[pd.Timestamp, list[float]] = {}
    for one in judged:
        body = frames[one.code].loc[one.entry : one.exit]
        closes, before = body["C"].tolist(), float(body["O"].iloc[0])
        for place, (session, close) in enumerate(zip(body.index, closes, strict=True)):
            ends = int(place == 0) + int(place == len(body) - 1)
            daily.setdefault(session, []).append(close / before - 1 - costs / 2 * ends)
            before = close
    value = top = 1.0
    deepest = 0.0
    for session in sorted(daily):
        value *= 1 + mean(daily[session])
        top = max(top, value)
        deepest = min(deepest, value / top - 1)
    return deepest if judged else math.nan


def turnover(result: Sequence[Holding]) -> float:
    """Mean share of new names from one date with picks to the next."""
    names: dict[pd.Timestamp, set[str]] = {}
    for one in result:
        names.setdefault(one.date, set()).add(one.code)
    shares = [len(names[now] - names[before]) / len(names[now]) for before, now in pairwise(sorted(names))]
    return mean(shares)
