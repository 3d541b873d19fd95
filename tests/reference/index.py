"""The market index and the regimes (scanner definitions, sections 0 and 1), one session after the other.

Choices where the definitions are silent
- m is unknown (NaN) on the first session, on a missing session and on the one after it, where the level starts anew
  at 1: so r20 needs 20 m in a row. A session with bars but nothing eligible is treated as a missing one, and so is a
  session on which own-cap is undefined.
- range is defined again on the session after a missing one (it needs no session before). The first session of the
  record has no instrument with 2 bars, so neither m nor range.
- own-cap averages over the eligible that have a carried cap at t-1; "fewer than 90 %" counts 10 * caps < 9 * eligible.
- A missing session is filled like any session without a bar: caps are carried across it with the adjusted close.
- A mean or return that is not defined yet fulfils nothing: the regime is neutral, the range adjusts nothing.
- A missing session itself is shown as neutral with short_risk 0; a run there is refused anyway.
- Both range adjustments are of the table row; a crash has no row.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from tests.reference.bars import QUARANTINE, SEGMENTS, Frames
from tests.reference.indicators import above

TABLE = {"bull": (65.0, 2), "neutral": (58.0, 3), "bear": (45.0, 4)}
OWN_EQUAL, OWN_CAP = "own-equal", "own-cap"


def market_index(
    frames: Frames, sessions: Iterable[Any], *, segments: Iterable[str] = SEGMENTS, series: str = OWN_EQUAL
) -> pd.DataFrame:
    """m and range of the series per session, `missing` where no instrument has a bar, `count` of eligible
    instruments."""
    axis = pd.DatetimeIndex(pd.to_datetime(list(sessions))).sort_values()
    members: list[list[tuple[float, float, float]]] = [[] for _ in axis]
    recorded = [False] * len(axis)
    wanted = set(segments)
    for frame in frames.values():
        offset = len(axis) - len(frame)
        collect(frame, offset, wanted, members, recorded)
    rows = []
    for t in range(len(axis)):
        fresh = t == 0 or not recorded[t - 1]
        move, span = by_caps(members[t]) if series == OWN_CAP else alike(members[t])
        rows.append(
            {
                "m": math.nan if fresh or not recorded[t] else move,
                "range": span if recorded[t] else math.nan,
                "missing": not recorded[t],
                "count": len(members[t]),
            }
        )
    return pd.DataFrame(rows, index=axis)


def collect(
    frame: pd.DataFrame,
    offset: int,
    segments: set[str],
    members: list[list[tuple[float, float, float]]],
    recorded: list[bool],
) -> None:
    """Adds one instrument's (return, range, carried cap before) to each session on which it is eligible with min_bars
    2."""
    columns = ["rawC", "factor", "H", "L", "C", "traded", "recorded", "suspected"]
    close, factor, high, low, adjusted, traded, seen, suspected = (frame[name].tolist() for name in columns)
    kind, segment = frame["eligible_kind"].tolist(), frame["segment"].tolist()
    caps = carried_caps(frame)
    free_from = 0
    for i in range(len(close)):
        recorded[offset + i] = recorded[offset + i] or seen[i]
        if suspected[i]:
            free_from = i + QUARANTINE
        if i and traded[i] and kind[i] and segment[i] in segments and i >= free_from:
            move = close[i] / (close[i - 1] * factor[i]) - 1
            members[offset + i].append((move, (high[i] - low[i]) / adjusted[i], caps[i - 1]))


def carried_caps(frame: pd.DataFrame) -> list[float]:
    """The cap of each session of one instrument: the latest recorded one at or before it times the growth of the
    adjusted close since; NaN before the first."""
    caps = []
    latest = then = math.nan
    for cap, close in zip(frame["market_cap"].tolist(), frame["C"].tolist(), strict=True):
        if cap > 0:
            latest, then = cap, close
        caps.append(latest * (close / then))
    return caps


def alike(members: Sequence[tuple[float, float, float]]) -> tuple[float, float]:
    """Mean return and range, all weights alike; NaN where there is no member."""
    if not members:
        return math.nan, math.nan
    return (
        math.fsum(move for move, _, _ in members) / len(members),
        math.fsum(span for _, span, _ in members) / len(members),
    )


def by_caps(members: Sequence[tuple[float, float, float]]) -> tuple[float, float]:
    """Return and range weighted by the caps before; NaN where fewer than 90 % of the members have one."""
    weighted = [one for one in members if one[2] > 0]
    if not members or 10 * len(weighted) < 9 * len(members):
        return math.nan, math.nan
    total = math.fsum(cap for _, _, cap in weighted)
    return (
        math.fsum(cap * move for move, _, cap in weighted) / total,
        math.fsum(cap * span for _, span, cap in weighted) / total,
    )


def regimes(index: pd.DataFrame) -> pd.DataFrame:
    """`index` (m, range, missing) with daily, rsi_threshold, min_signals, trend and short_risk per session.

    rsi_threshold and min_signals are v1's, the adjustments by range included; they are NaN in a crash.
    """
    moves, spans = index["m"].tolist(), index["range"].tolist()
    rows = []
    trend = "neutral"
    since_start: list[float] = []  # m since the level last started
    ranges: list[float] = []  # range since then
    for move, span in zip(moves, spans, strict=True):
        if math.isnan(move):
            trend, since_start, ranges = "neutral", [], []
        else:
            since_start.append(move)
            trend = next_trend(trend, since_start)
        if not math.isnan(span):
            ranges.append(span)
        daily = regime_daily(move)
        threshold, needed = adjusted_row(daily, ranges)
        rows.append(
            {
                "daily": daily,
                "rsi_threshold": threshold,
                "min_signals": needed,
                "trend": trend,
                "short_risk": short_risk(move, span),
            }
        )
    return pd.concat([index, pd.DataFrame(rows, index=index.index)], axis=1)


def regime_daily(move: float) -> str:
    if above(-0.025, move):
        return "crash"
    if above(-0.01, move):
        return "bear"
    return "bull" if above(move, 0.01) else "neutral"


def adjusted_row(daily: str, ranges: Sequence[float]) -> tuple[float, float]:
    if daily == "crash":
        return math.nan, math.nan
    threshold, needed = TABLE[daily]
    mean = math.fsum(ranges[-5:]) / 5 if len(ranges) >= 5 else math.nan
    if above(mean, 0.04):
        return threshold + 2, needed + 1
    if above(0.02, mean):
        return threshold - 1, needed
    return threshold, needed


def over(moves: Sequence[float], n: int) -> float:
    """The index return over the last n sessions; NaN while there are fewer."""
    return math.prod(1 + move for move in moves[-n:]) - 1 if len(moves) >= n else math.nan


def next_trend(before: str, moves: Sequence[float]) -> str:
    """The state after `before`, given every m since the level last started, today's last."""
    r5, r20 = over(moves, 5), over(moves, 20)
    m10 = math.fsum(moves[-10:]) / 10 if len(moves) >= 10 else math.nan
    if above(-0.10, r20) or above(-0.05, r5):
        return "crash"
    if before == "bull" and above(r20, 0.02) and above(m10, -0.0005):
        return "bull"
    if before == "bear" and above(-0.02, r20) and above(0.0005, m10):
        return "bear"
    needed = 0.06 if before == "neutral" else 0.04
    if above(r20, needed) and above(m10, 0.001):
        return "bull"
    if above(-needed, r20) and above(-0.001, m10):
        return "bear"
    return "neutral"


def short_risk(move: float, span: float) -> int:
    fall = 2 if above(-0.015, move) else 1 if above(-0.01, move) else 0
    return fall + (1 if above(span, 0.04) else 0)
