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
- The universe's hits beside a holding: the share of the members of `equal` whose return is above 0; it pays no costs.
- Calendar time: the capital of a cohort (the picks of one date) is divided among its judged holdings alike, and what is
  not held on a session adds 0 to the cohort's return. A holding adds the day's return less that of the benchmark, which
  is bought at the entry's open and held: the growth of the mean of C / O over the day. Half of the costs falls on the
  first and half on the last session held. A session counts while a cohort is held.
- Newey-West with lag 5 weighs autocovariances by 1 - k / 6 and divides all by the number of sessions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from statistics import median
from typing import Any

import pandas as pd

from tests.reference.bars import Frames
from tests.reference.indicators import above

HORIZONS = (1, 5, 10, 20, 60)
WAIT = 5
LATE = 60
LAG = 5
CELL = 5
BEST = 10
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
    universe_hits: float = math.nan
    equal: float = math.nan
    cap: float = math.nan
    segment: float = math.nan
    matched: float = math.nan
    beside: Mapping[str, list[float]] = field(default_factory=dict)


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
    held = frame.loc[entry:last]
    inside = held.iloc[1:]
    if (inside["suspected"] & ~inside["liquidation"].astype(bool)).any():
        return Holding(day, code, "unjudged", entry, last, late)
    paid, got = float(held["O"].iloc[0]), float(held["C"].iloc[-1])
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
        best=max(held["H"].tolist()) / paid - 1,
        worst=min(held["L"].tolist()) / paid - 1,
        hit=above(got, paid * (1 + share)),
    )


def memoized(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function of a frame, which never changes, and sessions, with its results kept."""
    results: dict[tuple[Any, ...], Any] = {}
    frames: dict[int, pd.DataFrame] = {}

    def call(frame: pd.DataFrame, *sessions: Any) -> Any:
        frames[id(frame)] = frame  # as long as it lives, nothing else has this number
        key = id(frame), *sessions
        if key not in results:
            results[key] = function(frame, *sessions)
        return results[key]

    return call


@memoized
def carried_cap(frame: pd.DataFrame, day: pd.Timestamp) -> float:
    """The market cap at `day`, carried forward from the latest recorded one; NaN before the first."""
    known = frame.loc[:day, "market_cap"].dropna()
    if not len(known):
        return math.nan
    then = known.index[-1]
    closes = frame["C"]
    return float(known.iloc[-1]) * float(closes[day]) / float(closes[then])


@memoized
def path(frame: pd.DataFrame, entry: Any, last: Any) -> list[float] | None:
    """C / O[entry] of each session from entry to last; None with a suspected action inside."""
    held = frame.loc[entry:last]
    inside = held.iloc[1:]
    if not len(held) or held.index[0] != entry or (inside["suspected"] & ~inside["liquidation"].astype(bool)).any():
        return None
    paid = float(held["O"].iloc[0])
    return [float(close) / paid for close in held["C"]]


def weighted(paths: Mapping[str, list[float]], weights: Mapping[str, float]) -> list[float]:
    """The value of a basket with those weights on each session, bought at 1; empty where less than 90 % of its members
    have a weight."""
    known = [code for code in paths if weights[code] > 0]
    if not paths or len(known) < COVERED * len(paths):
        return []
    total = math.fsum(weights[code] for code in known)
    length = len(next(iter(paths.values())))
    return [math.fsum(weights[code] * paths[code][n] for code in known) / total for n in range(length)]


def quintiles(values: Mapping[str, float]) -> dict[str, int]:
    """Code -> its group 0..4 by value, then code; -1 without a value."""
    known = sorted((value, code) for code, value in values.items() if not math.isnan(value))
    result = {code: place * 5 // len(known) for place, (_, code) in enumerate(known)}
    return {code: result.get(code, -1) for code in values}


@memoized
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


def universe_hits(frames: Frames, codes: Sequence[str], entry: Any, last: Any) -> float:
    """The share of `codes` with a return above 0 from the entry's open to the last close."""
    ends = [result[-1] for code in codes if (result := path(frames[code], entry, last)) is not None]
    return mean([float(above(end, 1.0)) for end in ends])


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
                universe_hits=universe_hits(frames, sorted(eligible(one.date)), one.entry, one.exit),
                equal=excess["equal"],
                cap=excess["cap"],
                segment=excess["segment"],
                matched=excess["matched"],
                beside=values,
            )
        result.append(one)
    return result


def calendar_time(result: Sequence[Holding], frames: Frames, benchmark: str, horizon: int) -> tuple[float, float]:
    """The mean of the calendar-time portfolio's daily excess times the horizon, and its standard error (Newey-West)."""
    cohorts: dict[pd.Timestamp, dict[pd.Timestamp, list[float]]] = {}
    sizes: dict[pd.Timestamp, int] = {}
    for one in result:
        if one.state != "judged":
            continue
        frame = frames[one.code]
        own = path(frame, one.entry, one.exit)
        beside = one.beside[benchmark]
        assert own is not None
        if not beside:
            continue
        sizes[one.date] = sizes.get(one.date, 0) + 1
        for n, session in enumerate(frame.loc[one.entry : one.exit].index):
            mine, theirs = ((value[n] / (value[n - 1] if n else 1.0)) - 1 for value in (own, beside))
            halves = int(n == 0) + int(n == len(own) - 1)
            excess = mine - halves * (one.gross - one.net) / 2 - theirs
            cohorts.setdefault(session, {}).setdefault(one.date, []).append(excess)
    days = [
        mean([math.fsum(values) / sizes[date] for date, values in cohorts[session].items()])
        for session in sorted(cohorts)
    ]
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


def summary(result: Sequence[Holding], frames: Frames, codes: Sequence[str]) -> dict[str, float]:
    """The figures of one version and one horizon that need no benchmark path; NaN where nothing was judged."""
    judged = [one for one in result if one.state == "judged"]
    returns = [one.net for one in judged]
    states = [one.state for one in result]
    by_date: dict[pd.Timestamp, list[float]] = {}
    by_name: dict[str, list[float]] = {code: [] for code in codes}
    for one in judged:
        by_date.setdefault(one.date, []).append(one.net)
        by_name[one.code].append(one.net)
    names = sorted((code for code in codes if by_name[code]), key=lambda code: -math.fsum(by_name[code]))
    alone = [one for one in single_positions(result) if one.state == "judged"]
    figures = {
        "picks": len(result),
        "judged": len(judged),
        "dropped": states.count("locked") + states.count("untraded"),
        "locked": states.count("locked"),
        "untraded": states.count("untraded"),
        "late": sum(one.late for one in judged),
        "open": states.count("open"),
        "unjudged": states.count("unjudged"),
        "positions": len(alone),
        "hit_rate": mean([float(one.hit) for one in judged]),
        "universe_hit_rate": mean([one.universe_hits for one in judged]),
        "mean": mean(returns),
        "gross_mean": mean([one.gross for one in judged]),
        "costs": mean([one.gross - one.net for one in judged]),
        "median": median(returns) if returns else math.nan,
        "date_mean": mean([mean(values) for values in by_date.values()]),
        "position_mean": mean([one.net for one in alone]),
        "mean_without_best": mean([value for code in names[BEST:] for value in by_name[code]]),
        "best": mean([one.best for one in judged]),
        "worst": mean([one.worst for one in judged]),
        "worst_drawdown": worst_drawdown(judged, frames),
        "turnover": turnover(result),
    }
    for name in ("equal", "cap", "segment", "matched"):
        excess = [value for one in judged if not math.isnan(value := getattr(one, name))]
        figures |= {name: mean(excess), f"{name}_coverage": len(excess) / len(judged) if judged else math.nan}
    return figures


def single_positions(result: Sequence[Holding]) -> list[Holding]:
    """The picks by date, without those that are bought while their name is held."""
    sold: dict[str, pd.Timestamp] = {}
    alone = []
    for one in sorted(result, key=lambda one: one.date):
        if one.entry is not None and (one.code not in sold or one.entry > sold[one.code]):
            alone.append(one)
            sold[one.code] = pd.Timestamp.max if one.exit is None else one.exit
    return alone


def worst_drawdown(judged: Sequence[Holding], frames: Frames) -> float:
    """The deepest fall of an equally weighted basket of the holdings below its highest value so far, as a return."""
    daily: dict[pd.Timestamp, list[float]] = {}
    for one in judged:
        held = frames[one.code].loc[one.entry : one.exit]
        closes, before = held["C"].tolist(), float(held["O"].iloc[0])
        for place, (session, close) in enumerate(zip(held.index, closes, strict=True)):
            halves = int(place == 0) + int(place == len(held) - 1)
            daily.setdefault(session, []).append(close / before - 1 - halves * (one.gross - one.net) / 2)
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
    return mean([len(names[now] - names[before]) / len(names[now]) for before, now in pairwise(sorted(names))])
