"""Small made markets for the cases by hand."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from tests.reference import bars

DAYS = pd.bdate_range("2024-01-01", periods=900)


def row(day: int, close: float, **options: Any) -> dict[str, Any]:
    """A raw bar of code A on session `day`, flat and without anything unusual but for what is `given`."""
    values = {"open": close, "high": close, "low": close, "volume": 10.0, "amount": math.nan}
    values |= {"base_price": math.nan, "ratio": math.nan, "market_cap": math.nan}
    named = {"code": "A", "segment": "KOSPI", "eligible_kind": True}
    return {"date": DAYS[day], "close": close, **values, **named, **options}


def frames(rows: list[dict[str, Any]], sessions: int, **options: Any) -> dict[str, pd.DataFrame]:
    return bars.build(pd.DataFrame(rows), DAYS[:sessions], **options)
