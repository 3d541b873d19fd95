"""Bars whose values contradict each other: a source left some blank, or gave another field."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
from django.db import connection

from marketdata.data_quality.finding import Finding
from marketdata.markets import get_market
from marketdata.models import StockPrice

SLACK = 0.003
"""Adjusted prices are rounded; beyond this share of a price, and a tick, the sides of a bar contradict each other."""
APART = 1.3
"""The mean price that amount and volume imply may lie so many times outside the day's range (trades after hours do)."""
CODES = 50
"""Codes in the command that requests them again."""
_TABLE = StockPrice._meta.db_table

CONTRADICTIONS = {
    "open, high or low is 0 beside a volume": "volume > 0 AND (open <= 0 OR high <= 0 OR low <= 0)",
    "low above open or close": "volume > 0 AND low > 0 AND ("
    "(open > 0 AND low > open * (1 + {slack}) + {tick:.10f}) OR low > close * (1 + {slack}) + {tick:.10f})",
    "high below open or close": "volume > 0 AND high > 0 AND ("
    "high < open * (1 - {slack}) - {tick:.10f} OR high < close * (1 - {slack}) - {tick:.10f})",
    "a range without a volume": "volume = 0 AND low > 0 AND high > low",
    "amount and volume imply a price outside the range": "volume > 0 AND amount > 0 AND low > 0 AND high > 0 AND "
    "(amount > high * {apart} * volume OR amount * {apart} < low * volume)",
}
"""Contradiction in words -> the SQL condition of the bars that have it."""


def contradictory_bars(market: str, limit: int) -> Finding:
    """Bars of the record whose open, high, low, close, volume and amount cannot all be right; the newest first."""
    tick = float(get_market(market).tick(np.array([0.01]))[0])
    numbers = {"slack": SLACK, "tick": 1.01 * tick, "apart": APART}
    tests = {why: f"({test.format(**numbers)})" for why, test in CONTRADICTIONS.items()}
    case = " ".join(f"WHEN {test} THEN {n}" for n, test in enumerate(tests.values()))
    sql = (
        f"SELECT stock_code, date, source, open, high, low, close, volume, amount, CASE {case} END "  # noqa: S608
        f"FROM {_TABLE} WHERE market = %s AND ({' OR '.join(tests.values())}) ORDER BY date DESC, stock_code"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [market])
        rows = cursor.fetchall()
    why = list(tests)
    names = ("open", "high", "low", "close", "volume", "amount")
    return Finding(
        "contradictory_bars",
        market,
        len(rows),
        "Bars whose values contradict each other: wrong or partly blank at their source",
        tuple(
            {
                "code": code,
                "session": str(day),
                "source": source,
                "reason": why[which],
                **{name: value for name, value in zip(names, values, strict=True) if value is not None},
            }
            for code, day, source, *values, which in rows[:limit]
        ),
        action=_command(market, rows),
    )


def _command(market: str, rows: list[tuple[Any, ...]]) -> str:
    """The command that requests these bars again, those of the first `CODES` instruments."""
    if not rows:
        return ""
    codes = sorted({str(row[0]) for row in rows})[:CODES]
    since = min(date.fromisoformat(str(row[1])) for row in rows if row[0] in codes)
    other = "" if market == "kr" else f" --market {market}"
    return f"manage.py collect_prices{other} --refetch {','.join(codes)} --since {since}"
