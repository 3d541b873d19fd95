"""A market of random prices, where no variant has skill."""

from __future__ import annotations

from datetime import date

import exchange_calendars
import numpy as np
import pandas as pd

SESSIONS = 300


def prices(changed_from: date | None = None) -> pd.DataFrame:
    """Random bars of fourteen shares; from a day on all others differ."""
    days = exchange_calendars.get_calendar("XKRX").sessions_in_range("2023-06-01", "2024-12-27")[-SESSIONS:].date
    random = np.random.default_rng(4)
    rows = []
    for n in range(14):
        close = 5_000.0 * (n + 1)
        for day in days:
            move = random.normal(0, 0.02)
            close = round(close * (1 + (move if changed_from is None or day < changed_from else -move)))
            span = [close, close + 20, close - 20, close]
            rows.append((day, f"{(n + 1) * 100:06d}", *span, 200_000, "KOSPI" if n % 2 else "KOSDAQ", close * 10**7))
    return pd.DataFrame(
        rows, columns=["date", "code", "open", "high", "low", "close", "volume", "segment", "market_cap"]
    )
