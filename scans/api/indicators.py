"""Indicators of a chart by their names: `ema20`, `rsi14`, `macd` ..., computed by the kernels that engines use."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from marketdata.nearest_name import did_you_mean
from marketdata.web.api.problems import Problem
from scans.kernels import averages, oscillators, ranges, volume
from scans.kernels.arrays import Floats

MOST = 12
LONGEST = 500
NAME = re.compile(r"([a-z_]+?)([0-9]{0,4})")

Fields = Mapping[str, Floats]
"""open, high, low, close, volume: (T, 1) each."""

LENGTHS: Mapping[str, Callable[[Fields, int], Floats]] = {
    "sma": lambda bars, n: averages.sma(bars["close"], n),
    "ema": lambda bars, n: averages.ema(bars["close"], n),
    "wilder": lambda bars, n: averages.wilder(bars["close"], n),
    "dema": lambda bars, n: averages.dema(bars["close"], n),
    "tema": lambda bars, n: averages.tema(bars["close"], n),
    "rsi": lambda bars, n: oscillators.rsi(bars["close"], n),
    "atr": lambda bars, n: ranges.atr(bars["high"], bars["low"], bars["close"], n),
    "volume_sma": lambda bars, n: averages.sma(bars["volume"], n),
}
PLAIN: Mapping[str, Callable[[Fields], Floats]] = {
    "macd": lambda bars: oscillators.macd(bars["close"]).line,
    "macd_signal": lambda bars: oscillators.macd(bars["close"]).signal,
    "macd_osc": lambda bars: oscillators.macd(bars["close"]).osc,
    "obv": lambda bars: volume.obv(bars["close"], bars["volume"]),
}
CHOICES = [*(f"{name}N" for name in LENGTHS), *PLAIN]


def parse_indicators(text: str) -> list[str]:
    """The names of a comma-separated list of indicators, each once; a Problem (400) names the first invalid one."""
    names = list(dict.fromkeys(name for name in (part.strip() for part in text.split(",")) if name))
    if len(names) > MOST:
        raise _problem(f"These are {len(names)} indicators; a chart has {MOST} at most.")
    for name in names:
        match = NAME.fullmatch(name)
        family, length = match.groups() if match else (name, "")
        if name in PLAIN:
            continue
        if family not in LENGTHS or not length:
            raise _problem(
                f"There is no indicator {name!r}: choose among {', '.join(CHOICES)}, N being sessions."
                f"{did_you_mean(name, CHOICES)}"
            )
        if not (1 <= int(length) <= LONGEST and length[0] != "0"):
            raise _problem(f"The length of {name!r} must lie between 1 and {LONGEST}.")
    return names


def _problem(detail: str) -> Problem:
    return Problem("invalid_indicator", detail, status_code=400, known=CHOICES)


def compute_indicators(names: Sequence[str], fields: Fields) -> dict[str, Floats]:
    """Name -> the indicator over the whole history, (T,); NaN during its warm-up."""
    bars = {name: np.ascontiguousarray(values)[:, None] for name, values in fields.items()}
    values_by_name = {}
    for name in names:
        if name in PLAIN:
            values_by_name[name] = PLAIN[name](bars)[:, 0]
        else:
            family = name.rstrip("0123456789")
            values_by_name[name] = LENGTHS[family](bars, int(name[len(family) :]))[:, 0]
    return values_by_name
