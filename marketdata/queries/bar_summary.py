"""A summary of an instrument's bars: returns, highs and lows, turnover, adjusted up to the last bar."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from marketdata.queries.history import History

WEEK, MONTH, QUARTER, YEAR = 5, 20, 60, 250
"""Sessions."""


@dataclass(frozen=True, slots=True)
class BarSummary:
    """`bars` recorded from `first` to `last` without a missing session of the market; `high` and `low` of the last
    `YEAR` sessions, adjusted up to the last bar; `amount`: mean traded amount of the last `MONTH` sessions, in the
    market's currency; returns over as many sessions as their names say, fractions, None where the history is
    shorter."""

    first: date
    last: date
    bars: int
    high: float
    low: float
    amount: float
    return_1: float | None
    return_5: float | None
    return_20: float | None
    return_60: float | None
    return_250: float | None


def summarize_bars(history: History) -> BarSummary:
    """The summary of a raw history."""
    fields = history.adjusted().fields
    close = fields["close"]

    def over(sessions: int) -> float | None:
        return float(close[-1] / close[-1 - sessions] - 1) if len(close) > sessions else None

    return BarSummary(
        first=history.days[0].item(),
        last=history.days[-1].item(),
        bars=int(history.has_bar.sum()),
        high=float(fields["high"][-YEAR:].max()),
        low=float(fields["low"][-YEAR:].min()),
        amount=float(fields["amount"][-MONTH:].mean()),
        return_1=over(1),
        return_5=over(WEEK),
        return_20=over(MONTH),
        return_60=over(QUARTER),
        return_250=over(YEAR),
    )
