"""Charts: bars adjusted as of the last one, indicators that began before the window, weeks and months, marks."""

from __future__ import annotations

import csv
import io
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from django.conf import settings as site
from django.test import Client

from marketdata.models import FactorEvent, StockPrice
from marketdata.operations import generations
from marketdata.operations.projection import current_lake
from marketdata.operations.projection import dirty_months as marks
from marketdata.queries.history import get_history, read_instrument_table
from marketdata.queries.window import open_window
from marketdata.significant_digits import significant
from scans.models import Signal
from scans.operations import signals
from tests.api.conftest import Get, risers
from tests.scans.conftest import AS_OF, Importer
from tests.scans.probe import Probe

CHART = "kr/stocks/005930/chart"


def bars_of(rows: pd.DataFrame, code: str = "005930") -> pd.DataFrame:
    return rows[rows.code == code].set_index("date")


def column(body: dict[str, Any], name: str) -> list[Any]:
    return [bar[name] for bar in body["bars"]]


def test_chart_has_bars_marks_and_currency(scanned: pd.DataFrame, sessions: list[date], get: Get) -> None:
    body = get(CHART)
    raw = bars_of(scanned)
    assert column(body, "date") == [str(day) for day in sessions]
    for name in ("open", "high", "low", "close", "volume"):
        assert column(body, name) == raw[name].tolist()
    assert column(body, "amount") == (raw.close * raw.volume).tolist()  # the file has no amount
    assert (body["currency"], body["period"], body["interval"]) == ("KRW", "1y", "day")
    wanted = [
        (str(day), version, risers(scanned, day).index("005930") + 1)
        for day in sessions[10:31]
        if "005930" in risers(scanned, day)
        for version in ("rises", "rises-10")
    ]
    marks = [(mark["date"], mark["scanner_version"], mark["rank"]) for mark in body["marks"]]
    assert marks == wanted
    month = get(CHART, period="1mo")
    begins = date(2024, 3, 30)  # a month before the last session, April 30
    assert column(month, "date") == [str(day) for day in sessions if day >= begins]
    assert month["marks"] == [mark for mark in body["marks"] if mark["date"] >= str(begins)]


def test_indicators_begin_before_the_window(scanned: pd.DataFrame, get: Get) -> None:
    answer = get(CHART, period="1mo", indicators="ema20,sma5,rsi14,macd,ema20")
    assert answer["indicators"] == ["ema20", "sma5", "rsi14", "macd"]
    close = bars_of(scanned).close
    change = close.diff().fillna(0.0)
    up = change.clip(lower=0).ewm(alpha=1 / 14, adjust=False).mean()
    down = (-change).clip(lower=0).ewm(alpha=1 / 14, adjust=False).mean()

    def ema(n: int) -> Any:
        return close.ewm(span=n, adjust=False).mean()

    wanted = {
        "ema20": ema(20),
        "sma5": close.rolling(5).mean(),
        "rsi14": 100 * up / (up + down),
        "macd": ema(12) - ema(26),
    }
    drawn = column(answer, "indicators")
    for name, values in wanted.items():
        body = [bar[name] for bar in drawn]
        assert body == pytest.approx(values.iloc[-len(body) :].tolist(), rel=1e-9), name
    whole = column(get(CHART, period="max", indicators="sma5"), "indicators")
    assert [bar["sma5"] for bar in whole[:5]].count(None) == 4


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("ema", "no indicator 'ema'"),
        ("ema0", "between 1 and 500"),
        ("ema501", "between 1 and 500"),
        ("ema05", "between 1 and 500"),
        ("rsi-1", "no indicator"),
        ("wave20", "no indicator 'wave20'"),
        ("macd9", "no indicator 'macd9'"),
        ("__import__", "no indicator"),
        (",".join(f"ema{n}" for n in range(1, 14)), "12 at most"),
    ],
)
def test_an_indicator_that_is_none(market: Any, get: Get, name: str, sentence: str) -> None:
    refused = get(CHART, 400, indicators=name)
    assert refused["code"] == "invalid_indicator"
    assert sentence in refused["detail"]
    assert {"emaN", "rsiN", "macd"} <= set(refused["known"])


def test_adjusted_and_raw(market: pd.DataFrame, sessions: list[date], get: Get) -> None:
    FactorEvent.objects.create(
        market="kr", stock_code="005930", date=sessions[20], ratio=0.2, source="file", created_at=AS_OF
    )  # fmt: skip
    raw = bars_of(market)
    before = np.arange(len(sessions)) < 20
    body = get(CHART)
    assert column(body, "close") == pytest.approx(np.where(before, raw.close * 0.2, raw.close))
    assert column(body, "volume") == pytest.approx(np.where(before, raw.volume / 0.2, raw.volume))
    assert column(body, "amount") == (raw.close * raw.volume).tolist()
    assert body["factors"] == [{"date": str(sessions[20]), "factor": 0.2}]
    assert column(get(CHART, adjusted="false"), "close") == raw.close.tolist()


def test_adjusted_bars_have_six_digits_and_raw_ones_all(market: pd.DataFrame, sessions: list[date], get: Get) -> None:
    """Rounded by Python's own format; what no corporate action follows is exact."""
    FactorEvent.objects.create(
        market="kr", stock_code="005930", date=sessions[20], ratio=0.846838, source="file", created_at=AS_OF
    )  # fmt: skip
    raw = bars_of(market)
    body = get(CHART, indicators="ema20")
    for name in ("open", "high", "low", "close"):
        adjusted = [float(f"{value * 0.846838:.6g}") for value in raw[name].tolist()[:20]]
        assert column(body, name) == [*adjusted, *raw[name].tolist()[20:]], name
    volumes = [float(f"{value / 0.846838:.6g}") for value in raw.volume.tolist()[:20]]
    assert column(body, "volume") == [*volumes, *raw.volume.tolist()[20:]]
    assert column(get(CHART, adjusted="false"), "close") == raw.close.tolist()
    drawn = [bar["ema20"] for bar in column(body, "indicators")]
    assert [float(f"{value:.10g}") for value in drawn] == drawn


@pytest.mark.parametrize("value", [0.0, 1.0, 123456.5, 1234567.0, 0.000123456789, 9.999999, -98765.4321, 5e-9])
def test_significant_digits(value: float) -> None:
    assert significant(np.array([value, np.nan]), 6)[0] == float(f"{value:.6g}")


def test_ten_years_and_outcomes(scanned: pd.DataFrame, get: Get) -> None:
    signals.update_signals(market="kr", versions=["rises"], as_of=AS_OF)
    body = get(CHART, period="10y")
    assert body["bars"] == get(CHART, period="max")["bars"]
    outcomes = {
        (str(signal.picked_on), "rises"): {
            "status": signal.status, "return_pct": signal.return_pct, "exit_on": signal.exit_on and str(signal.exit_on),
        }
        for signal in Signal.objects.filter(code="005930")
    }  # fmt: skip
    assert outcomes
    for mark in body["marks"]:
        assert mark["outcome"] == outcomes.get((mark["date"], mark["scanner_version"]))


def test_weeks_and_months(market: pd.DataFrame, sessions: list[date], get: Get) -> None:
    raw = bars_of(market)
    days = pd.DatetimeIndex(sessions)
    for interval, groups in (
        ("week", days.isocalendar().week.to_numpy()),
        ("month", days.month.to_numpy()),
    ):
        result = get(CHART, interval=interval, indicators="sma2")
        grouped = raw.groupby(groups)
        assert column(result, "date") == [str(max(sessions[n] for n in rows)) for rows in grouped.indices.values()]
        assert column(result, "open") == grouped.open.first().tolist()
        assert column(result, "high") == grouped.high.max().tolist()
        assert column(result, "low") == grouped.low.min().tolist()
        assert column(result, "close") == grouped.close.last().tolist()
        assert column(result, "volume") == grouped.volume.sum().tolist()
        two = grouped.close.last().rolling(2).mean().tolist()[1:]
        assert [bar["sma2"] for bar in column(result, "indicators")[1:]] == pytest.approx(two)


def test_halted_days_and_sources(market: pd.DataFrame, sessions: list[date], get: Get) -> None:
    halted = StockPrice.objects.filter(stock_code="005930", date=sessions[7])
    close = get(CHART)["bars"][6]["close"]
    halted.update(open=0, high=0, low=0, volume=0, close=close)
    generations.advance("kr")
    bar = get(CHART)["bars"][7]
    body = [bar[name] for name in ("open", "high", "low", "close", "volume", "amount")]
    assert body == [close] * 4 + [0, 0]
    other = StockPrice.objects.get(stock_code="005930", date=sessions[9])
    other.pk, other.source, other.close = None, site.SOURCE_ORDER[0], 12_345.0
    other.save()
    generations.advance("kr")
    assert get(CHART)["bars"][9]["close"] == 12_345.0
    assert len(get(CHART)["bars"]) == len(sessions)


def test_history_begins_after_a_missing_session(bring: Importer, market: pd.DataFrame, probe: Probe, get: Get) -> None:
    late = market[market.date >= date(2024, 4, 2)].copy()
    gap = timedelta(weeks=8)
    late["date"] = [day + gap for day in late.date]
    closed = {date(2024, 6, 6)}
    late = late[[day not in closed for day in late.date]]
    bring(late, datetime(2024, 8, 1, tzinfo=AS_OF.tzinfo))
    body = get(CHART, period="max", indicators="ema5")
    # April 10, a holiday, is June 5 eight weeks later: a session without bars.
    assert column(body, "date")[0] == "2024-06-07"
    assert body["bars"][0]["indicators"]["ema5"] == body["bars"][0]["close"]
    current_lake.current_record("kr")  # until then the lake knows nothing of the later bars
    assert get(CHART, period="max", indicators="ema5") == body


def test_what_cannot_be_drawn(market: Any, get: Get) -> None:
    assert get("kr/stocks/999999/chart", 404)["code"] == "unknown_stock"
    (sentence,) = get(CHART, 400, interval="weeks")["errors"]["interval"]
    assert sentence == '"weeks" is not a valid choice: choose among day, week, month. Did you mean week?'
    assert get(CHART, 400, period="2y")["errors"].keys() == {"period"}
    assert get(CHART, 400, interval="hour")["errors"].keys() == {"interval"}
    assert get(CHART, 400, adjusted="maybe")["errors"].keys() == {"adjusted"}


def test_as_a_table(market: Any, client: Client, get: Get) -> None:
    body = get(CHART, indicators="ema5")
    file: Any = client.get(f"/api/{CHART}?indicators=ema5&format=csv")
    text = b"".join(file.streaming_content)
    rows = list(csv.DictReader(io.StringIO(text.decode("utf-8-sig"))))
    assert list(rows[0]) == ["date", "open", "high", "low", "close", "volume", "amount", "ema5"]
    assert [float(row["ema5"]) for row in rows] == [bar["indicators"]["ema5"] for bar in body["bars"]]
    slim = get(CHART, fields="date,close")
    assert slim["bars"][0].keys() == {"date", "close"}


def test_the_record_and_the_lake_say_the_same(market: pd.DataFrame, sessions: list[date]) -> None:
    FactorEvent.objects.create(
        market="kr", stock_code="247540", date=sessions[8], ratio=3.0, source="file", created_at=AS_OF
    )  # fmt: skip
    StockPrice.objects.filter(stock_code="247540", date=sessions[30]).delete()
    marks.mark("kr", sessions)
    record = current_lake.current_record("kr")
    window = open_window(record, record.sessions, 0)
    at = int(np.searchsorted(window.survey.codes, b"247540"))
    names = ("open", "high", "low", "close", "volume", "amount")
    panel = window.read(dict.fromkeys(names, 0), instruments=slice(at, at + 1))
    result = get_history(read_instrument_table("kr"), "247540")
    assert result is not None
    assert not result.has_bar[30]
    for name in names:
        np.testing.assert_allclose(result.adjusted().fields[name], panel.fields[name][:, 0], rtol=1e-12)
