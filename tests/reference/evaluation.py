"""How the picks of one version did, pick by pick (scanner definitions, section 7, revision 2).

Frames are those of `fills.with_limits`. Choices where the definitions are silent
- A pick is `locked` where at least one of t+1..t+5 traded and none could be bought, `untraded` where none traded; while
  the record ends before t+5 it is `open`.
- An exit session beyond the record is `open`, except after a delisting: an instrument has left when it has no bar, not
  even one without volume, from some session to the end of the record. It then exits at its last traded close.
- A suspected action on s counts where entry < s <= exit, and not in liquidation. Open goes before unjudged.
- An exit that cannot be sold within 60 sessions is `open` as well: nothing says at what price it would be sold.
- Benchmarks hold from the entry's open to the close of the holding's own exit, a late one included; members with a
  suspected action inside are left out. They pay no costs.
- Carried cap: the last recorded cap at or before t times C[t] / C[then].
- Groups of `matched`: members ordered by value, then code, cut into five by place (place * 5 // count); members without
  a value are a group of their own. Coarser cells leave out the return, then the volatility, then the size.
- Calendar time: the daily return of a cohort is the mean over its judged holdings of the day's return less that of the
  benchmark, which is bought at the entry's open and held: the growth of the mean of C / O over the day. A holding
  counts from its entry to its exit.
- Newey-West with lag 5 weighs autocovariances by 1 - k / 6 and divides all by the number of sessions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import pandas as pd

from tests.reference.bars import Frames
from tests.reference.indicators import above

HORIZONS = (1, 5, 10, 20, 60)
WAIT = 5
LATE = 60
LAG = 5
CELL = 5
COVERED = 0.9
Eligible = Callable[[pd.Timestamp], Iterable[str]]


@dataclass(frozen=True)
class Holding:
    """One pick over one horizon. `state`: judged, locked, untraded, open or unjudged; figures of judged ones alone."""

    date: pd.Timestamp
    code: str
    state: str
    entry: pd.Timestamp | None = None
    exit: pd.Timestamp | None = None
    late: bool = False
    gross: float = math.nan
    net: float = math.nan
    best: float = math.nan
    worst: float = math.nan
    hit: bool = False
    equal: float = math.nan
    cap: float = math.nan
    segment: float = math.nan
    matched: float = math.nan


def mean(values: Sequence[float]) -> float:
    """The mean; NaN of nothing."""
    return math.fsum(values) / len(values) if values else math.nan


def enter(frame: pd.DataFrame, axis: pd.DatetimeIndex, day: pd.Timestamp) -> tuple[str, pd.Timestamp | None]:
    """`bought` and the session, or why not."""
    t = axis.tolist().index(day)
    ahead = axis[t + 1 : t + 1 + WAIT]
    for session in ahead:
        if frame.at[session, "buyable"]:
            return "bought", session
    if len(ahead) < WAIT:
        return "open", None
    return ("locked" if any(frame.at[session, "traded"] for session in ahead) else "untraded"), None


def last_bar(frame: pd.DataFrame) -> pd.Timestamp:
    """The last session with a bar of any kind."""
    last: pd.Timestamp = frame.index[frame["recorded"].to_numpy()][-1]
    return last


def leave(
    frame: pd.DataFrame, axis: pd.DatetimeIndex, entry: pd.Timestamp, horizon: int
) -> tuple[pd.Timestamp | None, bool]:
    """The session whose close is sold, None while there is none; and whether that is later than planned."""
    planned = axis.tolist().index(entry) + horizon - 1
    end = last_bar(frame)
    for place in range(planned, min(planned + LATE, len(axis) - 1) + 1):
        if frame.at[axis[place], "sellable"]:
            return pd.Timestamp(axis[place]), place > planned
    if end < axis[-1] and (planned >= len(axis) or axis[min(planned + LATE, len(axis) - 1)] >= end):
        traded = frame.loc[entry:end]
        return pd.Timestamp(traded.index[traded["traded"].to_numpy()][-1]), False
    return None, False


def hold(
    frames: Frames, axis: pd.DatetimeIndex, date: Any, code: str, horizon: int, costs: float | Callable[..., float]
) -> Holding:
    """The holding itself, without its benchmarks. `costs`: the share of a round trip, or a function of its days."""
    day, frame = pd.Timestamp(date), frames[code]
    state, entry = enter(frame, axis, day)
    if entry is None:
        return Holding(day, code, state)
    last, late = leave(frame, axis, entry, horizon)
    if last is None:
        return Holding(day, code, "open", entry=entry)
    body = frame.loc[entry:last]
    inside = body.iloc[1:]
    if (inside["suspected"] & ~inside["liquidation"].astype(bool)).any():
        return Holding(day, code, "unjudged", entry, last, late)
    paid, got = float(body["O"].iloc[0]), float(body["C"].iloc[-1])
    share = costs(entry, last) if callable(costs) else costs
    return Holding(
        date=day,
        code=code,
        state="judged",
        entry=entry,
        exit=last,
        late=late,
        gross=got / paid - 1,
        net=got / paid - 1 - share,
        best=max(body["H"].tolist()) / paid - 1,
        worst=min(body["L"].tolist()) / paid - 1,
        hit=above(got, paid * (1 + share)),
    )


def carried_cap(frame: pd.DataFrame, day: pd.Timestamp) -> float:
    """The market cap at `day`, carried forward from the latest recorded one; NaN before the first."""
    caps = frame.loc[:day, "market_cap"].dropna()
    if not len(caps):
        return math.nan
    then = caps.index[-1]
    closes = frame["C"]
    return float(caps.iloc[-1]) * float(closes[day]) / float(closes[then])


def path(frame: pd.DataFrame, entry: Any, last: Any) -> list[float] | None:
    """C / O[entry] of each session from entry to last; None with a suspected action inside."""
    body = frame.loc[entry:last]
    inside = body.iloc[1:]
    if not len(body) or body.index[0] != entry or (inside["suspected"] & ~inside["liquidation"].astype(bool)).any():
        return None
    return [float(close) / float(body["O"].iloc[0]) for close in body["C"]]


def weighted(paths: Mapping[str, list[float]], weights: Mapping[str, float]) -> list[float]:
    """The value of a basket with those weights on each session, bought at 1; empty where less than 90 % of its members
    have a weight."""
    weighed = [code for code in paths if weights[code] > 0]
    if not paths or len(weighed) < COVERED * len(paths):
        return []
    total = math.fsum(weights[code] for code in weighed)
    length = len(next(iter(paths.values())))
    return [math.fsum(weights[code] * paths[code][n] for code in weighed) / total for n in range(length)]


def quintiles(values: Mapping[str, float]) -> dict[str, int]:
    """Code -> its group 0..4 by value, then code; -1 without a value."""
    ordered = sorted((value, code) for code, value in values.items() if not math.isnan(value))
    result = {code: place * 5 // len(ordered) for place, (_, code) in enumerate(ordered)}
    return {code: result.get(code, -1) for code in values}


def traits(frame: pd.DataFrame, day: pd.Timestamp) -> tuple[float, float, float]:
    """Carried cap, standard deviation of the last 60 daily returns, and the return over 60 sessions; NaN where the
    instrument is younger."""
    closes = frame.loc[:day, "C"].tolist()[-61:]
    if len(closes) < 61:
        return carried_cap(frame, day), math.nan, math.nan
    moves = [after / before - 1 for before, after in pairwise(closes)]
    centre = mean(moves)
    spread = math.sqrt(math.fsum((move - centre) ** 2 for move in moves) / 60)
    return carried_cap(frame, day), spread, closes[-1] / closes[0] - 1


def matching_cell(frames: Frames, day: pd.Timestamp, codes: Sequence[str], code: str) -> list[str]:
    """The members of the finest cell of `code` that has at least five."""
    result = {one: traits(frames[one], day) for one in codes}
    groups = [quintiles({one: result[one][n] for one in codes}) for n in range(3)]
    for depth in (3, 2, 1, 0):
        cell = [one for one in codes if all(group[one] == group[code] for group in groups[:depth])]
        if len(cell) >= CELL:
            break
    return cell


def benchmarks(
    frames: Frames, day: pd.Timestamp, codes: Sequence[str], code: str, entry: Any, last: Any
) -> dict[str, list[float]]:
    """The value of each benchmark on each session from entry to last, bought at 1; empty where there is none."""
    paths = {one: result for one in codes if (result := path(frames[one], entry, last)) is not None}
    caps = {one: carried_cap(frames[one], day) for one in paths}
    caps = {one: 0.0 if math.isnan(cap) else cap for one, cap in caps.items()}
    alike = dict.fromkeys(paths, 1.0)
    segment = str(frames[code].at[day, "segment"])
    own = {one: paths[one] for one in paths if str(frames[one].at[day, "segment"]) == segment}
    cell = {one: paths[one] for one in matching_cell(frames, day, codes, code) if one in paths}
    return {
        "equal": weighted(paths, alike),
        "cap": weighted(paths, caps),
        "segment": weighted(own, caps),
        "matched": weighted(cell, alike),
    }


def holdings(
    picks: Iterable[tuple[Any, str]],
    frames: Frames,
    sessions: Iterable[Any],
    eligible: Eligible,
    horizon: int,
    *,
    costs: float | Callable[..., float] = 0.0,
) -> list[Holding]:
    """Every pick (date, code) over `horizon`, with its excess over each benchmark."""
    axis = pd.DatetimeIndex(pd.to_datetime(list(sessions))).sort_values()
    result = []
    for date, code in picks:
        one = hold(frames, axis, date, code, horizon, costs)
        if one.state == "judged":
            values = benchmarks(frames, one.date, sorted(eligible(one.date)), code, one.entry, one.exit)
            excess = {name: one.net - (value[-1] - 1) if value else math.nan for name, value in values.items()}
            one = replace(
                one,
                equal=excess["equal"],
                cap=excess["cap"],
                segment=excess["segment"],
                matched=excess["matched"],
            )
        result.append(one)
    return result


def calendar_time(
    result: Sequence[Holding], frames: Frames, eligible: Eligible, benchmark: str, horizon: int
) -> tuple[float, float]:
    """The mean of the calendar-time portfolio's daily excess times the horizon, and its standard error (Newey-West)."""
    cohorts: dict[pd.Timestamp, dict[pd.Timestamp, list[float]]] = {}
    for one in result:
        if one.state != "judged":
            continue
        frame = frames[one.code]
        own = path(frame, one.entry, one.exit)
        beside = benchmarks(frames, one.date, sorted(eligible(one.date)), one.code, one.entry, one.exit)[benchmark]
        assert own is not None
        if not beside:
            continue
        for n, session in enumerate(frame.loc[one.entry : one.exit].index):
            own_return, theirs = ((value[n] / (value[n - 1] if n else 1.0)) - 1 for value in (own, beside))
            cohorts.setdefault(session, {}).setdefault(one.date, []).append(own_return - theirs)
    days = [mean([mean(values) for values in cohorts[session].values()]) for session in sorted(cohorts)]
    return mean(days) * horizon, newey_west(days) * horizon


def newey_west(values: Sequence[float]) -> float:
    """The standard error of the mean of a series, with `LAG` autocovariances; NaN of fewer than two values."""
    count = len(values)
    if count < 2:
        return math.nan
    centre = mean(values)
    away = [value - centre for value in values]
    total = math.fsum(value * value for value in away)
    for lag in range(1, min(LAG, count - 1) + 1):
        together = math.fsum(away[n] * away[n - lag] for n in range(lag, count))
        total += 2 * (1 - lag / (LAG + 1)) * together
    return math.sqrt(max(total, 0.0)) / count
