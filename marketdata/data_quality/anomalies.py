"""Bars and sources that look wrong by themselves; of bars the last year's, so that a check takes seconds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
from django.conf import settings
from django.db import connection
from django.db.models import Count, Max, Min

from marketdata import source_preference
from marketdata.data_quality.finding import Finding
from marketdata.markets import get_market
from marketdata.models import Instrument, StockPrice
from marketdata.queries.market_calendar import get_sessions
from marketdata.queries.source_standings import source_standings

SESSIONS = 252
MATCH, ANOMALY = 0.001, 0.05
"""Two sources' bars match when no price differs by more than `MATCH`; beyond `ANOMALY` one is wrong."""
REPEAT_VOLUME = 10_000
"""A volume from which on the same one twice is no coincidence."""
_TABLE = StockPrice._meta.db_table
_PRICES = ("open", "high", "low", "close")


def instrument_gaps(market: str, limit: int) -> Finding:
    """Sessions between the first and the last bar of an instrument on which it has none, over the last year."""
    bars = StockPrice.objects.filter(market=market, date__gte=_since(market)).order_by()
    days = sorted(bars.values_list("date", flat=True).distinct())
    recorded = np.array(days, dtype="datetime64[D]")  # another check reports what the whole market lacks
    spans = bars.values_list("stock_code").annotate(Min("date"), Max("date"), Count("date", distinct=True))
    rows = list(spans)
    ends = np.array([row[1:3] for row in rows], dtype="datetime64[D]").reshape(-1, 2)
    length = np.searchsorted(recorded, ends[:, 1]) - np.searchsorted(recorded, ends[:, 0]) + 1
    lacks = length - np.array([row[3] for row in rows], dtype=np.int64)
    worst = [n for n in np.argsort(-lacks, kind="stable").tolist() if lacks[n] > 0]
    return Finding(
        "instrument_gaps",
        market,
        len(worst),
        f"Instruments without a bar on some session between their first and last in the last {SESSIONS} sessions "
        "(`manage.py collect_prices --since` asks for them)",
        tuple(
            {"code": rows[n][0], "from": str(rows[n][1]), "to": str(rows[n][2]), "sessions": int(lacks[n])}
            for n in worst[:limit]
        ),
    )


def repeated_bars(market: str, limit: int) -> Finding:
    """Bars equal to the one before in every price and the volume: a source repeated a day."""
    columns = (*_PRICES, "volume")
    before = ", ".join(f"LAG({name}) OVER w AS b_{name}" for name in columns)
    same = " AND ".join(f"{name} = b_{name}" for name in columns)
    sql = (
        f"SELECT stock_code, date, source FROM (SELECT stock_code, date, source, {', '.join(columns)}, {before} "  # noqa: S608
        f"FROM {_TABLE} WHERE market = %s AND date >= %s "
        "WINDOW w AS (PARTITION BY stock_code, source ORDER BY date)) AS bars "
        f"WHERE volume >= %s AND high > low AND {same} ORDER BY date, stock_code"
    )
    rows = _rows(sql, [market, _since(market), REPEAT_VOLUME])
    return Finding(
        "repeated_bars",
        market,
        len(rows),
        f"Bars of the last {SESSIONS} sessions that repeat the one before, prices and volume (given twice by a source)",
        tuple({"code": row[0], "session": str(row[1]), "source": row[2]} for row in rows[:limit]),
    )


def outliers(market: str, limit: int) -> Finding:
    """Bars whose range is wider than the market's daily limit allows."""
    most = get_market(market).suspect_move
    rows = []
    if most is not None:
        sql = (
            f"SELECT stock_code, date, source, low, high FROM {_TABLE} WHERE market = %s AND date >= %s "  # noqa: S608
            "AND low > 0 AND high > low * %s ORDER BY date, stock_code"
        )
        rows = _rows(sql, [market, _since(market), (1 + most) / (1 - most)])
    return Finding(
        "outliers",
        market,
        len(rows),
        f"Bars of the last {SESSIONS} sessions whose high is further from their low than the daily limit allows",
        tuple(
            {"code": row[0], "session": str(row[1]), "source": row[2], "low": row[3], "high": row[4]}
            for row in rows[:limit]
        ),
    )


def source_quality(market: str, limit: int) -> Finding:
    """Sources whose quality over the last sessions is too low to be preferred."""
    qualities = {standing.source: standing.quality for standing in source_standings(market)}
    poor = {source: quality for source, quality in qualities.items() if quality < source_preference.MIN_QUALITY}
    order = ", ".join(settings.SOURCE_ORDER)
    return Finding(
        "source_quality",
        market,
        len(poor),
        "Sources whose quality (0.6 completeness + 0.4 freshness over "
        f"{source_preference.QUALITY_SESSIONS} sessions) is below {source_preference.MIN_QUALITY}; "
        f"the configured order is {order}",
        tuple({"source": source, "quality": round(quality, 3)} for source, quality in sorted(poor.items())),
    )


def anomalies(market: str, limit: int) -> Finding:
    """Bars of which two sources give a price that is more than 5 % apart."""
    sql = (
        f"SELECT a.stock_code, a.date, a.source, b.source, a.close, b.close FROM {_TABLE} a JOIN {_TABLE} b "  # noqa: S608
        "ON b.stock_code = a.stock_code AND b.market = a.market AND b.date = a.date AND b.source > a.source "
        f"WHERE a.market = %s AND ({apart(ANOMALY)}) ORDER BY a.date, a.stock_code"
    )
    several = StockPrice.objects.filter(market=market).order_by().values("source").distinct()
    rows = _rows(sql, [market]) if len(several) > 1 else []
    return Finding(
        "anomalies",
        market,
        len(rows),
        f"Bars of which two sources give a price more than {ANOMALY:.0%} apart: one of them is wrong",
        tuple(
            {"code": code, "session": str(day), f"close {first}": close, f"close {second}": other}
            for code, day, first, second, close, other in rows[:limit]
        ),
    )


def apart(share: float) -> str:
    """SQL condition: some price of bars a and b differs by more than `share` of their mean."""
    return " OR ".join(f"ABS(a.{name} - b.{name}) > {share} * (a.{name} + b.{name}) / 2" for name in _PRICES)


def _since(market: str) -> date:
    """The first of the last `SESSIONS` recorded sessions."""
    last, calendar = _last(market), get_sessions(market)
    end = int(np.searchsorted(calendar, np.datetime64(last), side="right")) if last else 0
    first: date = calendar[max(end - SESSIONS, 0)].item()
    return first


def _last(market: str) -> date | None:
    """The last day with a bar."""
    latest: date | None = Instrument.objects.filter(market=market).aggregate(last=Max("last_bar"))["last"]
    return latest


def _rows(sql: str, params: Sequence[str | float | date]) -> list[tuple[str, object, str, float, float, float]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return list(cursor.fetchall())
