"""A formula as a scanner version: refused where it is wrong, run over the record where it is right."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pandas as pd
import pytest
from django.core.exceptions import ValidationError

from scans.models import ScannerVersion
from scans.operations.scan.request import RunRequest
from scans.operations.scan.run import check_instrument, run_scan
from tests.scans.conftest import AS_OF

MATCH = "close > sma(close, 5) and raw_close >= 5000"


def version(**params: object) -> ScannerVersion:
    made = ScannerVersion(slug="mine", engine="formula", params=params)
    made.full_clean()
    made.save()
    return made


@pytest.mark.django_db
def test_a_wrong_formula_is_refused_with_its_place() -> None:
    with pytest.raises(ValidationError) as caught:
        version(match="close > emaa(close, 5)")
    text = caught.value.message_dict["params"][0]
    assert text.startswith("match, line 1, column 9: unknown function `emaa`")
    assert text.endswith("close > emaa(close, 5)\n          ^^^^")


def test_it_picks_what_pandas_finds(market: pd.DataFrame, sessions: list[date]) -> None:
    version(match=MATCH, score="change(close, 5)", min_bars=5, top_n=3)
    scan = run_scan(RunRequest(market="kr", as_of=AS_OF, versions=["mine"], first=sessions[6], save=False))[0]
    assert not scan.error
    close = market.pivot_table(index="date", columns="code", values="close")
    holds = (close > close.rolling(5).mean() * (1 + 1e-9)) & (close >= 5000)
    gain = (close / close.shift(5) - 1).where(holds)
    assert len(scan.answers) == len(sessions) - 6
    assert sum(len(answer.ranks) for answer in scan.answers) > 30
    for answer in scan.answers:
        today = pd.Series(gain.loc[date.fromisoformat(answer.date)], dtype=float)
        best = today.dropna().sort_values(ascending=False)
        assert answer.matched == len(best)
        assert [row["code"] for row in answer.ranks] == list(best.index[:3])
        assert [row["score"] for row in answer.ranks] == pytest.approx(best.tolist()[:3])


def test_executors_change_nothing(market: pd.DataFrame) -> None:
    version(match=MATCH, score="percentile(change(close, 5))", min_bars=5)
    request = RunRequest(
        market="kr",
        as_of=AS_OF,
        versions=["mine", "v2"],
        save=False,
        cached=False,
        executor="inline",
    )
    expected = run_scan(request)[0].answers
    for executor in ("thread", "process"):
        other = run_scan(replace(request, executor=executor, workers=2))[0]
        assert (other.answers, other.executor) == (expected, f"{executor} x2")


def test_it_explains_each_comparison(market: pd.DataFrame, sessions: list[date]) -> None:
    version(match=MATCH, score="change(close, 5)", min_bars=5)
    checks = check_instrument(RunRequest(market="kr", as_of=AS_OF, versions=["mine"]), "005930")["mine"].checks
    closes = market[market["code"] == "005930"].sort_values("date")["close"]
    mean = closes.iloc[-5:].mean()
    trend, price = (one for one in checks if one.group == "filter")
    assert trend.rule == f"close > sma(close, 5) [sma(close, 5) = {mean:,.6g}]"
    assert (trend.value, trend.holds) == (closes.iloc[-1], closes.iloc[-1] > mean)
    assert (price.rule, price.value) == ("raw_close >= 5000", closes.iloc[-1])
