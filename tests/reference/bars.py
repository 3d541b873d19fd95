"""Raw bars to one clean frame per instrument (scanner definitions, section 0), one session after the other.

Columns of such a frame, on the session axis from the instrument's first bar to the last session:
O H L C V adjusted to the last session; rawC, rawV; A turnover; factor; traded; recorded (a bar was there);
suspected; age (sessions since the first bar, which counts 1); market_cap; segment; eligible_kind.

Choices where the definitions are silent
- A base price or ratio that is not above 0 is unknown. A base price goes before a ratio.
- A row without a close above 0 is a missing bar (its ratio still counts), except that a base price may price it.
- The recorded close of a no-trade bar is ignored, unless it is the first bar and has no base price.
- Only a traded bar can be suspected; |close - before| must be above 31 % of the price before, ties excluded.
- A missing bar keeps the last segment and kind (it is not eligible anyway) and has no market cap.
- A traded bar's missing (NaN) open, high or low counts as 0.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from tests.reference.indicators import above

SEGMENTS = ("KOSPI", "KOSDAQ", "KOSDAQ GLOBAL")
QUARANTINE = 252
LIMIT_MOVE = 0.31

Frames = Mapping[str, pd.DataFrame]


def build(raw: pd.DataFrame, sessions: Iterable[Any], *, daily_limit: bool = True) -> dict[str, pd.DataFrame]:
    """Every instrument of `raw` (columns date, code, open .. close, volume, amount, base_price, ratio, market_cap,
    segment, eligible_kind) on the calendar `sessions`. Raises ValueError for a bar on a day that is none of them."""
    axis = pd.DatetimeIndex(pd.to_datetime(list(sessions))).sort_values()
    place = {day: t for t, day in enumerate(axis)}
    names = [name for name in raw.columns if name not in ("code", "date")]
    columns = [raw[name].tolist() for name in names]
    result: dict[str, list[Mapping[str, Any] | None]] = {}
    for code, day, *values in zip(raw["code"].tolist(), pd.to_datetime(raw["date"]).tolist(), *columns, strict=True):
        if day not in place:
            raise ValueError(f"{code} has a bar on {day.date()}, which is not a session")
        rows = result.setdefault(str(code), [None] * len(axis))
        rows[place[day]] = dict(zip(names, values, strict=True))
    frames = {code: one_instrument(result[code], axis, daily_limit) for code in sorted(result)}
    return {code: frame for code, frame in frames.items() if len(frame)}


def positive(row: Mapping[str, Any] | None, name: str) -> float:
    """The row's value where it is above 0, else NaN."""
    value = float(row[name]) if row is not None and row.get(name) is not None else math.nan
    return value if value > 0 else math.nan


def one_instrument(rows: list[Mapping[str, Any] | None], axis: pd.DatetimeIndex, daily_limit: bool) -> pd.DataFrame:
    bars: list[dict[str, Any]] = []
    for row in rows:
        bar = one_bar(row, bars[-1] if bars else None, daily_limit)
        if bar is not None:
            bars.append(bar)
    frame = pd.DataFrame(bars, index=axis[len(axis) - len(bars) :])
    if not bars:
        return frame
    frame["age"] = range(1, len(frame) + 1)
    later = 1.0
    scale = []
    for factor in reversed(frame["factor"].tolist()):
        scale.append(later)
        later *= factor
    product = pd.Series(scale[::-1], index=frame.index)
    for adjusted, source in (("O", "rawO"), ("H", "rawH"), ("L", "rawL"), ("C", "rawC")):
        frame[adjusted] = frame[source] * product
    frame["V"] = frame["rawV"] / product
    return frame


def one_bar(
    row: Mapping[str, Any] | None, before: Mapping[str, Any] | None, daily_limit: bool
) -> dict[str, Any] | None:
    """The session's bar after `before`; None while the instrument has none yet."""
    base, ratio, close = positive(row, "base_price"), positive(row, "ratio"), positive(row, "close")
    volume = positive(row, "volume")
    traded = not math.isnan(volume) and not math.isnan(close)
    known_event = not math.isnan(base) or not math.isnan(ratio)
    factor = 1.0
    if before is not None and known_event:
        factor = ratio if math.isnan(base) else base / before["rawC"]
    if traded:
        price = close
    elif not math.isnan(base):
        price = base
    elif before is not None:
        price = before["rawC"] * factor
    elif not math.isnan(close):
        price = close
    else:
        return None
    if traded and row is not None:
        amount = float(row["amount"]) if row.get("amount") is not None else math.nan
        prices = [positive(row, name) for name in ("open", "high", "low")]
        opened, high, low = (price if math.isnan(p) else p for p in prices)
        amount = close * volume if math.isnan(amount) else amount
    else:
        opened = high = low = price
        amount = volume = 0.0
    moved = before is not None and above(abs(price - before["rawC"]), LIMIT_MOVE * before["rawC"])
    described = row if row is not None and row.get("segment") is not None else before
    return {
        "rawO": opened,
        "rawH": high,
        "rawL": low,
        "rawC": price,
        "rawV": volume,
        "A": amount,
        "factor": factor,
        "traded": traded,
        "recorded": not math.isnan(close),
        "suspected": daily_limit and traded and not known_event and moved,
        "market_cap": positive(row, "market_cap"),
        "segment": described["segment"] if described is not None else "",
        "eligible_kind": bool(described["eligible_kind"]) if described is not None else False,
    }


def missing_sessions(frames: Frames, sessions: Iterable[Any]) -> list[pd.Timestamp]:
    """Calendar sessions on which no instrument has a bar."""
    seen: set[pd.Timestamp] = set()
    for frame in frames.values():
        seen.update(frame.index[frame["recorded"].to_numpy()])
    return [day for day in pd.to_datetime(list(sessions)) if day not in seen]


def is_eligible(upto: pd.DataFrame, *, min_bars: int, segments: Iterable[str] = SEGMENTS) -> bool:
    """Whether the instrument is eligible on the last session of `upto` (its frame cut off there), before any limit."""
    if not len(upto):
        return False
    last = upto.iloc[-1]
    return bool(
        last["segment"] in set(segments)
        and last["eligible_kind"]
        and last["traded"]
        and last["age"] >= min_bars
        and not upto["suspected"].tail(QUARANTINE).any()
    )


def universe(
    frames: Frames,
    date: Any,
    *,
    min_bars: int,
    segments: Iterable[str] = SEGMENTS,
    limit: Mapping[str, int] | int | None = None,
) -> dict[str, pd.DataFrame]:
    """The instruments eligible on `date`, each cut off there. `limit`: the top N by turnover of each segment (one
    number for all of them, or a number per segment, others unlimited); equal turnover goes by code."""
    day = pd.Timestamp(date)
    chosen = {}
    for code, frame in frames.items():
        upto = frame.loc[:day]
        if len(upto) and is_eligible(upto, min_bars=min_bars, segments=segments):
            chosen[code] = upto
    if limit is None:
        return chosen
    kept: dict[str, pd.DataFrame] = {}
    places: dict[str, int] = {}
    for code in sorted(chosen, key=lambda c: (-float(chosen[c]["A"].iloc[-1]), c)):
        segment = str(chosen[code]["segment"].iloc[-1])
        allowed = limit.get(segment) if isinstance(limit, Mapping) else limit
        places[segment] = places.get(segment, 0) + 1
        if allowed is None or places[segment] <= allowed:
            kept[code] = chosen[code]
    return kept
