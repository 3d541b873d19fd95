"""All checks of a record: their findings are hints for a person, none is certain."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from datetime import date
from itertools import combinations

import numpy as np
from django.db import connection
from django.db.models import Max, Min
from numpy.typing import NDArray

from marketdata.data_quality import anomalies, bars, closures, series_breaks, sessions
from marketdata.data_quality.finding import Finding
from marketdata.errors import DataProblem
from marketdata.markets import OWN_CAP, OWN_INDEX, OWN_NAMES
from marketdata.models import Instrument, InstrumentStatus, StockPrice
from marketdata.queries import index_series
from marketdata.queries.market_calendar import get_sessions

QUIET_SESSIONS = 20
"""An instrument is quiet after more sessions than this of its market without a bar."""
OLD_SESSIONS = 252
"""A status statement is old when its last day lies more sessions than this before the instrument's last bar."""

_COMPARED = ("open", "high", "low", "close", "volume")
_TABLE = StockPrice._meta.db_table


def get_findings(
    market: str, *, limit: int = 20, progress: Callable[[str, float], None] | None = None
) -> Iterator[Finding]:
    """The findings in a market, with up to `limit` cases each. `progress` is called with the name of the check that
    begins and the share of finished checks, at last 1."""
    checks = (
        missing_sessions,
        sessions.closed_days,
        closures.contradicted_closures,
        sessions.doubtful_sessions,
        bars.contradictory_bars,
        series_breaks.suspected_actions,
        series_breaks.new_lives,
        anomalies.instrument_gaps,
        anomalies.repeated_bars,
        anomalies.outliers,
        anomalies.source_quality,
        anomalies.anomalies,
        disagreements,
        quiet_instruments,
        old_statements,
        index_gaps,
        market_caps,
    )
    show = progress or (lambda name, share: None)
    for n, check in enumerate(checks):
        show(check.__name__.replace("_", " "), n / len(checks))
        finding = check(market, limit)
        if finding.count:
            yield finding
    show("", 1.0)


def missing_sessions(market: str, limit: int) -> Finding:
    """Sessions between the first and the last recorded one on which no instrument has a bar."""
    first, last = _recorded(market)
    missing: list[np.datetime64] = []
    starts: list[dict[str, str | float]] = []
    if first and last:
        calendar = get_sessions(market)
        inside = calendar[(calendar >= np.datetime64(first)) & (calendar <= np.datetime64(last))]
        recorded = StockPrice.objects.filter(market=market)
        absent = np.array([not recorded.filter(date=day).exists() for day in inside.tolist()])
        missing = list(inside[absent])
        starts = _spans(inside, absent)
    return Finding(
        "missing_sessions",
        market,
        len(missing),
        "Sessions of the calendar without a bar of any instrument (import them, or record in the calendar overrides "
        "that the market was closed)",
        tuple(starts[:limit]),
    )


def index_gaps(market: str, limit: int) -> Finding:
    """Sessions from the first recorded bar on that the index chosen for the market lacks."""
    name, (first, last) = index_series.get_index_name(market), _recorded(market)
    lacks: list[np.datetime64] = []
    if name not in OWN_NAMES and first and last:
        calendar = get_sessions(market)
        inside = calendar[(calendar >= np.datetime64(first)) & (calendar <= np.datetime64(last))]
        lacks = list(np.setdiff1d(inside, index_series.get_series(market, name)[0]))
    return Finding(
        "index_gaps",
        market,
        len(lacks),
        f"Sessions that the chosen index {name} lacks: regimes start anew after one, and a scan beyond its end is "
        "refused (import its bars with `manage.py import_index`)",
        tuple({"session": str(day)} for day in lacks[:limit]),
    )


def market_caps(market: str, limit: int) -> Finding:
    """Sessions on which own-cap is undefined, where it is chosen or defined on any; none without a readable index."""
    chosen = index_series.get_index_name(market) == OWN_CAP
    lacks = np.zeros(0, dtype=bool)
    days = np.empty(0, "datetime64[D]")
    with contextlib.suppress(DataProblem):
        equal, by_cap = (index_series.get_index_for_display(market, name, date.min) for name in (OWN_INDEX, OWN_CAP))
        if chosen or np.isfinite(by_cap.m).any():
            days, lacks = equal.sessions, np.isfinite(equal.m) & np.isnan(by_cap.m)
    text = "Sessions on which own-cap is undefined, since fewer than 90 % of the eligible have a market cap"
    if chosen:
        text += f": the regimes of market {market}, which depend on it, are neutral and start anew"
    action = "decide: /admin/marketdata/indexchoice/" if chosen else ""
    return Finding("market_caps", market, int(lacks.sum()), text, tuple(_spans(days, lacks)[:limit]), action)


def disagreements(market: str, limit: int) -> Finding:
    """Bars that differ between two sources: a price by more than 0.1 %, or the volume."""
    count = 0
    cases: list[dict[str, str | float]] = []
    sources = sorted(StockPrice.objects.filter(market=market).order_by().values_list("source", flat=True).distinct())
    differ = f"{anomalies.apart(anomalies.MATCH)} OR a.volume <> b.volume"
    columns = ", ".join(f"a.{name}, b.{name}" for name in _COMPARED)
    sql = (
        f"SELECT a.stock_code, a.date, {columns} FROM {_TABLE} a JOIN {_TABLE} b "  # noqa: S608
        "ON b.stock_code = a.stock_code AND b.market = a.market AND b.date = a.date "
        f"WHERE a.market = %s AND a.source = %s AND b.source = %s AND ({differ}) ORDER BY a.date, a.stock_code"
    )
    with connection.cursor() as cursor:
        for pair in combinations(sources, 2):
            cursor.execute(sql, [market, *pair])
            for row in cursor:
                count += 1
                if len(cases) < limit:
                    cases.append(_difference(row, pair))
    return Finding(
        "disagreements",
        market,
        count,
        "Bars that two sources give differently (the preferred source's is used)",
        tuple(cases),
    )


def quiet_instruments(market: str, limit: int) -> Finding:
    """Instruments whose last bar lies well before the market's: delisted, or no longer collected."""
    _, last = _recorded(market)
    if last is None:
        return Finding("quiet_instruments", market, 0, "", ())
    calendar = get_sessions(market)
    at = int(np.searchsorted(calendar, np.datetime64(last)))
    bound = calendar[max(at - QUIET_SESSIONS, 0)].item()
    quiet = Instrument.objects.filter(market=market, last_bar__lt=bound).order_by("-last_bar", "code")
    return Finding(
        "quiet_instruments",
        market,
        quiet.count(),
        f"Instruments without a bar in the last {QUIET_SESSIONS} sessions (delisted, or no longer collected)",
        tuple(
            {"code": instrument.code, "name": instrument.name, "last_bar": str(instrument.last_bar)}
            for instrument in quiet[:limit]
        ),
    )


def old_statements(market: str, limit: int) -> Finding:
    """Instruments whose last statement of administration and caution is much older than their last bar; it still
    counts."""
    calendar = get_sessions(market)
    statements = (
        InstrumentStatus.objects.filter(instrument__market=market, managed__isnull=False)
        .values("instrument__code", "instrument__name", "instrument__last_bar")
        .annotate(stated=Max("valid_to"))
        .order_by("stated", "instrument__code")
    )
    rows = [row for row in statements if row["instrument__last_bar"]]
    ends = np.array([row["instrument__last_bar"] for row in rows], dtype="datetime64[D]")
    stated = np.array([row["stated"] for row in rows], dtype="datetime64[D]")
    age = np.searchsorted(calendar, ends) - np.searchsorted(calendar, stated)
    old = [rows[place] for place in np.flatnonzero(age > OLD_SESSIONS).tolist()]
    return Finding(
        "old_statements",
        market,
        len(old),
        f"Instruments whose administration and caution were last stated more than {OLD_SESSIONS} sessions before their "
        "last bar",
        tuple(
            {
                "code": row["instrument__code"],
                "name": row["instrument__name"],
                "last_status": str(row["stated"]),
                "last_bar": str(row["instrument__last_bar"]),
            }
            for row in old[:limit]
        ),
    )


def _spans(days: NDArray[np.datetime64], chosen: NDArray[np.bool_]) -> list[dict[str, str | float]]:
    """The runs of consecutive `chosen` days."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], chosen.astype(np.int8), [0]])))
    return [
        {"from": str(days[low]), "to": str(days[high - 1]), "sessions": int(high - low)}
        for low, high in edges.reshape(-1, 2)
    ]


def _recorded(market: str) -> tuple[date | None, date | None]:
    """The first and the last day with a bar."""
    span = Instrument.objects.filter(market=market).aggregate(a=Min("first_bar"), b=Max("last_bar"))
    return span["a"], span["b"]


def _difference(row: tuple[object, ...], pair: tuple[str, str]) -> dict[str, str | float]:
    code, day, *values = row
    case: dict[str, str | float] = {"code": str(code), "date": str(day)}
    for place, name in enumerate(_COMPARED):
        first, second = float(str(values[2 * place])), float(str(values[2 * place + 1]))
        if first != second:
            case |= {f"{name} {pair[0]}": first, f"{name} {pair[1]}": second}
    return case
