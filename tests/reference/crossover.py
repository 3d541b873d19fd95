"""What v1 and v2 measure alike on one instrument (scanner definitions, sections 2 and 3).

`measure` looks at the last bar of the frame it is given; `signals`, `risk` and `strategy` are the tables.

Choices where the definitions are silent
- Warm-up: the averages start at the instrument's first bar in the record, not at a cut.
- osc > 0 and "osc has risen" compare the price-sized halves of the sums (see `indicators.osc_sides`).
- A cross at t: above at t and not above at t-1 (a tie at t-1 counts as not above).
- Filters and ratios with computed sides take ties as equal; only rawC >= price_min compares exactly.
- V = 0 cannot occur (eligible means traded), so vma(5) is above 0.
- gap, ext and V/vma(5) are ratios; their limits compare the ratio with the limit.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from tests.reference import indicators
from tests.reference.indicators import above, at_least

POINTS = {"cross": 3, "volume": 2, "macd": 1, "rsi": 1, "tema": 2, "obv": 2, "above5": 2, "dema": 2}
MOMENTUM = ("cross", "volume", "macd", "rsi")
TREND = ("tema", "obv", "above5")
SEVEN = (*MOMENTUM, *TREND)
PLANS: dict[str, tuple[float, float, int, int | None] | None] = {
    "swing": (0.05, -0.05, 3, 10),  # target, stop, shortest and longest holding in sessions
    "position": (0.10, -0.07, 10, 60),
    "longterm": (0.15, -0.10, 60, None),
    "watch": None,
}


@dataclass(frozen=True)
class Measures:
    """One instrument at one session; prices adjusted, `price` raw."""

    A: float
    turnover: float
    price: float
    C: float
    V: float
    ema60: float
    tema20: float
    dema10: float
    rsi_tema: float
    rsi_dema: float
    vma5: float
    vma20: float
    gap: float
    ext: float
    atr_share: float
    tema_rises: bool
    dema_rises: bool
    obv_rises: bool
    osc_positive: bool
    osc_rising: int
    ups: int
    crossed: bool
    sessions_above: int

    @property
    def surge(self) -> float:
        return self.V / self.vma5

    @property
    def overheated(self) -> bool:
        return at_least(self.rsi_tema, 70) and at_least(self.V, 3 * self.vma5)


def tradable(bars: pd.DataFrame, turnover_min: float, price_min: float) -> bool:
    """The two filters that need no indicator, applied first because they spare half a market's indicators."""
    turnover = at_least(indicators.mean_last(bars["A"], 20), turnover_min)
    return turnover and float(bars["rawC"].iloc[-1]) >= price_min


def measure(bars: pd.DataFrame) -> Measures:
    close, volume = bars["C"], bars["V"]
    c = float(close.iloc[-1])
    tema20, dema10 = indicators.tema(close, 20), indicators.dema(close, 10)
    over = [above(a, b) for a, b in zip(tema20.tolist(), dema10.tolist(), strict=True)]
    osc_up, osc_down = (side.tolist() for side in indicators.osc_sides(close))
    last_tema, last_dema = float(tema20.iloc[-1]), float(dema10.iloc[-1])
    atr = indicators.mean_last(indicators.true_range(bars["H"], bars["L"], close), 14)
    return Measures(
        A=float(bars["A"].iloc[-1]),
        turnover=indicators.mean_last(bars["A"], 20),
        price=float(bars["rawC"].iloc[-1]),
        C=c,
        V=float(volume.iloc[-1]),
        ema60=float(indicators.ema(close, 60).iloc[-1]),
        tema20=last_tema,
        dema10=last_dema,
        rsi_tema=float(indicators.rsi_tema(close, 14).iloc[-1]),
        rsi_dema=float(indicators.rsi_dema(close, 14).iloc[-1]),
        vma5=indicators.mean_last(volume, 5),
        vma20=indicators.mean_last(volume, 20),
        gap=(last_tema - last_dema) / c,
        ext=(c - last_tema) / last_tema,
        atr_share=atr / c,
        tema_rises=above(*indicators.slope_sides(tema20, 20)),
        dema_rises=above(*indicators.slope_sides(dema10, 20)),
        obv_rises=above(*indicators.obv_sides(close, volume, 20)),
        osc_positive=above(osc_up[-1], osc_down[-1]),
        osc_rising=rising_run(osc_up, osc_down),
        ups=sum(sign > 0 for sign in indicators.sign_of_change(close)[-5:]),
        crossed=over[-1] and not over[-2],
        sessions_above=sum(over[-5:]),
    )


def rising_run(up: list[float], down: list[float]) -> int:
    """The number of sessions in a row, up to the last, on which osc = up - down rose."""
    run = 0
    for t in range(len(up) - 1, 0, -1):
        if not above(up[t] + down[t - 1], down[t] + up[t - 1]):
            break
        run += 1
    return run


def signals(x: Measures, *, vol_mult: float, rsi_threshold: float) -> dict[str, bool]:
    """The seven signals and v2's dema."""
    close_rsi = above(3, abs(x.rsi_tema - x.rsi_dema)) and above(x.rsi_tema, rsi_threshold)
    return {
        "cross": x.crossed,
        "volume": at_least(x.V, vol_mult * x.vma5) and at_least(x.V, 1.2 * x.vma20),
        "macd": x.osc_positive,
        "rsi": above(x.rsi_tema, x.rsi_dema) or close_rsi,
        "tema": x.tema_rises and above(x.C, x.tema20),
        "obv": x.obv_rises,
        "above5": x.sessions_above >= 3,
        "dema": x.dema_rises,
    }


def risk(x: Measures) -> int:
    points = 2 if above(x.rsi_tema, 80) else 0
    points += 2 if above(x.V, 3 * x.vma5) else 0
    points += 1 if x.osc_rising < 3 else 0
    points += 1 if x.ups >= 4 else 0
    return points


def points_of(signals: dict[str, bool], names: tuple[str, ...]) -> int:
    return sum(POINTS[name] for name in names if signals[name])


def label(score: float) -> str:
    if score >= 10:
        return "strong buy"
    if score >= 8:
        return "buy candidate"
    return "watch" if score >= 6 else "candidate"


def strategy(points: int, signals: dict[str, bool], *, longterm_trend: int) -> str:
    """The strategy table by `points`; `longterm_trend` is what 6..8 asks of the trend points (v1 2, v2 3)."""
    momentum, trend = points_of(signals, MOMENTUM), points_of(signals, TREND)
    if points >= 10:
        if signals["cross"] and signals["volume"] and momentum >= 6:
            return "swing"
        return "position" if trend >= 5 else "swing"
    if points >= 8:
        if signals["cross"] and trend >= 4:
            return "position"
        return "swing" if signals["volume"] and momentum >= 5 else "position"
    if points >= 6:
        return "longterm" if trend >= longterm_trend else "watch"
    return "watch"
