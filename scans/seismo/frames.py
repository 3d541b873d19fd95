"""The functions of `import seismo`: pandas frames of bars, picks, scans and evaluations."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import date, datetime
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

if TYPE_CHECKING:
    import pandas as pd

    from marketdata.panel import Panel

BARS = ("open", "high", "low", "close", "volume")
PICK_COLUMNS = (
    *("rank", "code", "name", "segment", "score", "label", "strategy"),
    *("close", "entry", "target", "stop"),
)
Day = str | date | None
P = ParamSpec("P")
R = TypeVar("R")


def with_django(function: Callable[P, R]) -> Callable[P, R]:
    """`function`, after Django's set-up."""

    @wraps(function)
    def prepared(*args: P.args, **kwargs: P.kwargs) -> R:
        import django
        from django.apps import apps

        if not apps.ready:
            os.environ.setdefault("DJANGO_SETTINGS_MODULE", "seismo_site.settings")
            django.setup()
        return function(*args, **kwargs)

    return prepared


@with_django
def bars(
    market: str = "kr",
    fields: Sequence[str] = BARS,
    start: Day = None,
    end: Day = None,
    *,
    adjusted: bool = True,
    codes: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Daily bars, a row for each session and instrument that traded, indexed by (date, code) ascending.

    fields: open, high, low, close, volume, amount (turnover in currency), market_cap. adjusted: prices and volume of
    today's shares, by every split up to the record's end; else as traded. start, end: sessions, inclusive; the record's
    last uninterrupted run where neither is named. UnknownMarket, DataProblem for a range without bars.
    """
    import numpy as np
    import pandas as pd

    read = _panel(market, [*fields, "close", "raw_close", "volume"], start, end)
    shown = read.traded if codes is None else read.traded & np.isin(read.codes, list(codes))
    row, column = np.nonzero(shown)
    scale = 1.0 if adjusted else (read.tail("raw_close", 0) / read.tail("close", 0))[row, column]
    values = {}
    for name in fields:
        own = read.tail(name, 0)[row, column]
        if name in BARS:
            own = own / scale if name == "volume" else own * scale
        values[name] = own
    index = pd.MultiIndex.from_arrays([read.output_sessions[row], read.codes[column]], names=["date", "code"])
    return pd.DataFrame(values, index=index)


@with_django
def panel(market: str = "kr", field: str = "close", start: Day = None, end: Day = None) -> pd.DataFrame:
    """One field of the whole market, sessions x codes: adjusted, filled where nothing traded, NaN before the first bar.
    Errors as `bars`."""
    import pandas as pd

    read = _panel(market, [field], start, end)
    days = pd.Index(read.output_sessions, name="date")
    return pd.DataFrame(read.tail(field, 0), index=days, columns=read.codes)


@with_django
def picks(market: str = "kr", version: str | None = None, start: Day = None, end: Day = None) -> pd.DataFrame:
    """Published picks, best first within a session: date, scanner_version, rank, code, name, segment, score, label,
    strategy, close, entry, target, stop. version: a slug, or every version."""
    import pandas as pd

    from scans.models import ScanRank
    from scans.queries.versions import get_versions

    columns = ["date", "scanner_version__slug", *PICK_COLUMNS]
    rows = ScanRank.objects.filter(market=market, published=True)
    if version is not None:
        rows = rows.filter(scanner_version__in=get_versions(market, [version]))
    if start:
        rows = rows.filter(date__gte=as_day(start))
    if end:
        rows = rows.filter(date__lte=as_day(end))
    frame = pd.DataFrame(rows.order_by("date", "scanner_version__slug", "rank").values_list(*columns), columns=columns)
    frame["date"] = pd.to_datetime(frame["date"])
    return frame.rename(columns={"scanner_version__slug": "scanner_version"})


@with_django
def scan(
    match: str = "", *, market: str = "kr", engine: str = "formula", start: Day = None, end: Day = None, **params: Any
) -> pd.DataFrame:
    """The picks of an engine, by default of the formula `match`, on the record's last session or from start to end:
    date, rank, code, score, close. Nothing is published. params: of the engine, as score="100 - rsi(14)", top_n=20.
    ParamError or FormulaError for a wrong one."""
    import numpy as np
    import pandas as pd

    from marketdata.operations.projection import current_lake
    from scans.engines import engine_params
    from scans.engines.registry import get_engine
    from scans.execution.shards import EngineTask
    from scans.operations.research.variant_picks import task_ranks

    record = current_lake.current_record(market)
    last = record.sessions[-1].item()
    days = record.between(as_day(start) or as_day(end) or last, as_day(end) or last)
    chosen = get_engine(engine)
    values = {"match": match, **params} if match else params
    task = EngineTask(chosen, engine_params.read(chosen.Params, values, market), record.market.segments, {})
    universe, ranks = task_ranks(record, days, task)
    return pd.DataFrame({
        "date": universe.sessions[ranks.day],
        "rank": np.asarray(ranks.rank),
        "code": universe.codes[ranks.column],
        "score": ranks.score,
        "close": universe.close[ranks.day, ranks.column],
    })  # fmt: skip


@with_django
def evaluate(
    versions: Sequence[str],
    *,
    market: str = "kr",
    start: Day = None,
    end: Day = None,
    horizons: Sequence[int] = (1, 5, 10, 20, 60),
    costs: float | None = None,
    source: str = "published",
) -> pd.DataFrame:
    """How the picks of versions did: a row for each version and horizon with the columns of `evaluate_scans`, percent.
    costs: percent of a round trip, None for the dated table; source: "published", or "fly" to scan anew."""
    import pandas as pd

    from scans.management.evaluation_tables import rows
    from scans.operations.evaluation.evaluate import evaluate_versions
    from scans.operations.evaluation.evidence import EvaluationRequest

    request = EvaluationRequest(
        market=market,
        as_of=moment_now(),
        versions=list(versions),
        first=as_day(start),
        last=as_day(end),
        horizons=list(horizons),
        costs=None if costs is None else costs / 100,
        source=source,
    )
    return pd.DataFrame(rows(evaluate_versions(request)))


def _panel(market: str, fields: Sequence[str], start: Day, end: Day) -> Panel:
    from marketdata.operations.projection import current_lake
    from marketdata.panel import MARKET_CAP
    from marketdata.queries.window import open_window

    record = current_lake.current_record(market)
    record.refuse_empty()
    days = record.between(as_day(start) or record.block(record.sessions[-1])[0].item(), as_day(end))
    window = open_window(record, days, 0, caps=0 if MARKET_CAP in fields else None)
    return window.read(dict.fromkeys(fields, 0), threads=2)


def as_day(day: Day) -> date | None:
    return date.fromisoformat(day) if isinstance(day, str) else day


def moment_now() -> datetime:
    from django.utils import timezone

    return timezone.now()
