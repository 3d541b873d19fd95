"""How strongly bars look like accumulation, 0..1: the parts of seismograph's models (scanner definitions, section 5).

1. `intensities_20`: V2's four intensities and the two that V4 replaces, over the last 20 bars.
2. `intensities_60`: V3's four, over the last 60 (21 at least).

True ranges and differences lie inside the window (20 bars give 19); no-trade bars count as bars; a zero or missing
denominator gives 0. A range, change or return that is a tie counts as 0.
"""

from __future__ import annotations

import numpy as np

from marketdata.panel import Bools, Floats
from scans.engines.indicators import Measures
from scans.kernels.arrays import quotient
from scans.kernels.averages import sma
from scans.kernels.compare import above, falls, rises
from scans.kernels.counts import rolling_count, rolling_median, share_below
from scans.kernels.ranges import place, true_range
from scans.kernels.volume import signed_volume
from scans.kernels.windows import rolling_sum

INPUTS = {"close": 59, "high": 58, "low": 58, "open": 15, "volume": 59}
"""The reach of the windows, in sessions."""


def intensities_20(measures: Measures) -> dict[str, Floats]:
    """V2's tight_range, obv_divergence, accumulation_bar and volume_dryout, the first two also as V4 has them, (K, N)
    each."""
    k = measures.session_count
    close, volume = measures.field("close", 19), measures.field("volume", 19)
    now, before = close[19:], close[:k]
    change = now / before - 1
    up, down = _signed_sums(close, volume, 19, k)
    share = quotient(up - down, rolling_sum(volume, 20, keep=k), zero=0.0)
    rising = above(up, down) & ~above(now, 1.02 * before)
    fallen = above(0.85 * before, now)
    reach = _true_ranges(measures)
    last = rolling_median(reach, 5, keep=k)
    calm = np.minimum(1, 10 * np.maximum(-change, 0.01)) * np.minimum(1, 5 * share)
    return {
        "tight_range": _tight(sma(reach, 5, keep=k), sma(reach, 19, keep=k)),
        "obv_divergence": np.where(rising, np.minimum(1, 10 * np.abs(change) + 5 * share), 0.0),
        "accumulation_bar": _accumulation_bar(measures),
        "volume_dryout": _dryout(measures),
        "v4_tight_range": np.where(last == 0, 0.0, _tight(last, rolling_median(reach, 19, keep=k))),
        "v4_obv_divergence": np.where(rising & ~fallen, calm, 0.0),
    }


def intensities_60(measures: Measures) -> dict[str, Floats]:
    """v3_tight, v3_absorption, v3_accumulation, v3_dryout, (K, N) each."""
    k = measures.session_count
    close, high, low = (measures.field(name, 19) for name in ("close", "high", "low"))
    reach = _true_ranges(measures)
    level = sma(reach, 5, keep=k)
    height = place(close[19:], high, low, 20, keep=k)
    return {
        "v3_tight": 1 - share_below(reach, level, 59, least=20, keep=k),
        "v3_absorption": _absorption(measures),
        "v3_accumulation": _accumulation(measures),
        "v3_dryout": _dryout(measures) * _sigmoid(3 * (height - 0.4) / 0.6),
    }


def half_traded(measures: Measures, n: int) -> Bools:
    """At least half of the last n bars (of those there are, where there are fewer) traded, (K, N)."""
    panel = measures.panel
    traded = rolling_count(measures.field("volume", n - 1) > 0, n, keep=measures.session_count)
    rows = np.arange(panel.start, len(panel.sessions))[:, None]
    enough: Bools = 2 * traded >= np.clip(rows - panel.first[None, :] + 1, 0, n)
    return enough


def _true_ranges(measures: Measures) -> Floats:
    """True ranges of the requested sessions and the 58 before, (K + 58, N); NaN at a first bar, 0 where the prices are
    tied."""

    def compute() -> Floats:
        high, low = measures.field("high", 58), measures.field("low", 58)
        reach = true_range(high, low, measures.field("close", 59), inside=True, keep=len(high))
        reach[~above(high, high - reach)] *= 0.0  # NaN stays
        return reach

    return measures.once("true ranges inside", compute)


def _tight(last: Floats, whole: Floats) -> Floats:
    """1 where ranges have shrunk to 0.3 of what they were, 0 from 0.7 on."""
    return np.clip((0.7 - quotient(last, whole, zero=np.inf)) / 0.4, 0, 1)


def _signed_sums(close: Floats, volume: Floats, n: int, k: int) -> tuple[Floats, Floats]:
    """The volumes of the higher and of the lower closes among the last n sessions, (K, N) each."""
    signed = signed_volume(close, volume, keep=k + n - 1)
    up = rolling_sum(np.maximum(signed, 0), n, keep=k)
    return up, rolling_sum(np.maximum(-signed, 0), n, keep=k)


def _accumulation_bar(measures: Measures) -> Floats:
    """A small body on a volume of 2 (0) to 5 (1) times that of the 19 bars before."""
    opened, close = measures.field("open", 0), measures.field("close", 0)
    volume = measures.field("volume", 19)
    times = quotient(volume[19:], sma(volume[:-1], 19, keep=measures.session_count), zero=0.0)
    wide = above(np.abs(close - opened), 0.025 * opened)
    return np.where(wide, 0.0, np.clip((times - 2) / 3, 0, 1))


def _dryout(measures: Measures) -> Floats:
    """How far the volume of 3 bars lies below 0.4 of that of 20."""

    def compute() -> Floats:
        few = quotient(measures.mean("volume", 3), measures.mean("volume", 20), zero=np.inf)
        return np.clip(1 - few / 0.4, 0, 1)

    return measures.once("volume dryout", compute)


def _absorption(measures: Measures) -> Floats:
    """Volume bought over 10 returns, against how far the price moved for it."""
    k = measures.session_count
    close, volume = measures.field("close", 10), measures.field("volume", 9)
    up, down = _signed_sums(close, volume, 10, k)
    moves = np.abs(close[1:] / close[:-1] - 1)
    moves[~(rises(close)[1:] | falls(close)[1:])] *= 0.0  # NaN stays
    travelled = rolling_sum(moves, 10, keep=k)
    usual = rolling_median(volume, 10, keep=k)
    pressure = quotient(up - down, usual, zero=0.0)
    pace = np.where(travelled == 0, 0.01, travelled / 10)
    bought = 0.5 + 0.5 * _sigmoid(pressure / (pace / 0.02 + 0.1) - 3)
    intensity = np.where(above(up, down), bought, 0.5 * _sigmoid(2 * pressure))
    intensity = np.where(above(close[10:], 1.05 * close[6 : 6 + k]), 0.3, intensity)
    return np.where(usual > 0, intensity, 0.0)


def _accumulation(measures: Measures) -> Floats:
    """How the ten bars that ended six bars ago closed: .5, more where they closed high."""
    k = measures.session_count
    opened, close, high, low = (measures.field(name, 15)[:-6] for name in ("open", "close", "high", "low"))
    ups = rolling_count(above(close, opened), 10, keep=k)
    quiet = above(0.02 * close, high - low)
    upper = quiet & above(close, (high + low) / 2)
    high_closes, few = rolling_count(upper, 10, keep=k), rolling_count(quiet, 10, keep=k)
    intensity = 0.5 + 0.15 * (ups >= 6) - 0.15 * (ups <= 4)
    intensity += 0.10 * ((few > 0) & (10 * high_closes >= 7 * few))
    intensity -= 0.05 * ((few > 0) & (10 * high_closes <= 3 * few))
    return intensity


def _sigmoid(x: Floats) -> Floats:
    return 1 / (1 + np.exp(-np.clip(x, -700, 700)))
