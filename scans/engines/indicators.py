"""Indicators over one panel, each computed once for all engines.

Recursive indicators read the whole history, windows only the rows that they need. The results are the K requested
sessions, and `BACK` more of the averages that have windows of their own. Nothing here modifies the panel.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from marketdata.panel import Floats, Panel
from scans.kernels import averages, oscillators, ranges
from scans.kernels.arrays import pad_missing
from scans.kernels.oscillators import OscSides

Value = TypeVar("Value")

BACK = 20
"""Sessions before the first requested one in the results of averages: for a slope over 20, or the session before."""


class Measures:
    """The indicators of `panel`, cached by name and arguments for the life of this object."""

    def __init__(self, panel: Panel) -> None:
        self.panel = panel
        self.session_count = len(panel.output_sessions)
        self._cache: dict[Hashable, Any] = {}

    def once(self, key: Hashable, compute: Callable[[], Value]) -> Value:
        """The value under `key`, computed on the first call."""
        if key not in self._cache:
            self._cache[key] = compute()
        value: Value = self._cache[key]
        return value

    def field(self, name: str, before: int) -> Floats:
        """The field's last K + before sessions, (K + before, N), NaN above where history begins later."""
        return pad_missing(self.panel.tail(name, before), self.session_count + before)

    def ema(self, n: int) -> Floats:
        """Exponential average of the close over n, (<= K + BACK, N)."""
        close, keep = self.panel["close"], self.session_count + BACK
        return self.once(("ema", n), lambda: averages.ema(close, n, keep=keep))

    def dema(self, n: int) -> Floats:
        """Double exponential average of the close over n, (<= K + BACK, N)."""
        close, keep = self.panel["close"], self.session_count + BACK
        return self.once(("dema", n), lambda: averages.dema(close, n, keep=keep))

    def tema(self, n: int) -> Floats:
        """Triple exponential average of the close over n, (<= K + BACK, N)."""
        close, keep = self.panel["close"], self.session_count + BACK
        return self.once(("tema", n), lambda: averages.tema(close, n, keep=keep))

    def osc(self, back: int) -> OscSides:
        """The two sides of the macd's oscillator, (<= K + back, N) each."""
        close, keep = self.panel["close"], self.session_count + back
        return self.once(("osc", back), lambda: oscillators.osc_sides(close, keep=keep))

    def rsi_tema_dema(self, n: int) -> tuple[Floats, Floats]:
        """rsi_tema and rsi_dema over n, (K, N) each."""
        close, keep = self.panel["close"], self.session_count
        return self.once(("rsi_tema_dema", n), lambda: oscillators.rsi_tema_dema(close, n, keep=keep))

    def rsi(self, n: int) -> Floats:
        """Wilder's relative strength index over n, (K, N)."""
        close, keep = self.panel["close"], self.session_count
        return self.once(("rsi", n), lambda: oscillators.rsi(close, n, keep=keep))

    def mean(self, name: str, n: int) -> Floats:
        """Mean of the field over the last n sessions, (K, N)."""
        values = self.panel.tail(name, n - 1)
        return self.once(("mean", name, n), lambda: averages.sma(values, n, keep=self.session_count))

    def atr(self, n: int) -> Floats:
        """Mean true range over the last n sessions, (K, N)."""
        high, low = (self.panel.tail(name, n - 1) for name in ("high", "low"))
        close = self.panel.tail("close", n)
        return self.once(("atr", n), lambda: ranges.atr(high, low, close, n, keep=self.session_count))
