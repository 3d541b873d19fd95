"""`import seismo`: frames against the rows that were imported, and against the command line."""

from __future__ import annotations

import io
import json
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import polars
import pytest
from django.core.management import call_command

from marketdata.markets import UnknownMarket
from scans import seismo
from tests.scans.conftest import Importer, frame
from tests.scans.probe import Probe


def test_bars_are_the_imported_rows(market: pd.DataFrame, sessions: list[date]) -> None:
    rows = seismo.bars("kr", start=sessions[3], end=str(sessions[20]))
    expected = market[market["date"].between(sessions[3], sessions[20])].sort_values(["date", "code"])
    assert list(rows.index.get_level_values("code")) == list(expected["code"])
    assert [stamp.date() for stamp in rows.index.get_level_values("date")] == list(expected["date"])
    for name in ("open", "high", "low", "close", "volume"):
        np.testing.assert_array_equal(rows[name], expected[name])
    some = seismo.bars("kr", ["close"], sessions[3], sessions[20], codes=["005930"])
    assert list(some.columns) == ["close"]
    assert len(some) == 18


def test_bars_before_a_split_are_adjusted_or_as_traded(bring: Importer, sessions: list[date]) -> None:
    """Halved from session 25 on: what came before is halved too where it is adjusted, and its volume doubled."""
    rows = frame(sessions)
    rows["base_price"] = np.nan
    own = (rows["code"] == "005930") & (rows["date"] >= sessions[25])
    before = int(rows.loc[(rows["code"] == "005930") & (rows["date"] == sessions[24]), "close"].iloc[0])
    rows.loc[own, ["open", "high", "low", "close"]] //= 2
    rows.loc[own & (rows["date"] == sessions[25]), "base_price"] = before / 2
    bring(rows)
    early = rows[(rows["code"] == "005930") & (rows["date"] == sessions[10])].iloc[0]
    for adjusted, price, volume in ((True, 0.5, 2.0), (False, 1.0, 1.0)):
        row = seismo.bars("kr", start=sessions[10], codes=["005930"], adjusted=adjusted).iloc[0]
        assert row["open"] == pytest.approx(early["open"] * price)
        assert row["close"] == pytest.approx(early["close"] * price)
        assert row["volume"] == pytest.approx(early["volume"] * volume)


def test_panel_has_a_column_for_each_code(market: pd.DataFrame, sessions: list[date]) -> None:
    closes = seismo.panel("kr", "close", sessions[0], sessions[-1])
    expected = market.pivot_table(index="date", columns="code", values="close")
    np.testing.assert_array_equal(closes.to_numpy(), expected.to_numpy())
    assert list(closes.columns) == list(expected.columns)


def test_scan_ranks_what_a_formula_matches_and_publishes_nothing(market: pd.DataFrame, sessions: list[date]) -> None:
    rows = seismo.scan("rises(close)", score="rsi(2)", min_bars=2)
    closes = market.pivot_table(index="date", columns="code", values="close")
    risen = closes.iloc[-1] > closes.iloc[-2]
    assert set(rows["code"]) == set(closes.columns[risen])
    assert list(rows["rank"]) == list(range(1, len(rows) + 1))
    assert list(rows["score"]) == sorted(rows["score"], reverse=True)
    assert list(rows["close"]) == [closes.iloc[-1][code] for code in rows["code"]]
    assert seismo.picks("kr").empty


def test_picks_and_evaluate_are_those_of_the_command_line(
    market: pd.DataFrame, probe: Probe, sessions: list[date]
) -> None:
    call_command("run_scan", "--from", str(sessions[5]), "--to", str(sessions[20]), stdout=io.StringIO())
    rows = seismo.picks("kr", "rises", start=sessions[6])
    day = sessions[6]
    closes = market.pivot_table(index="date", columns="code", values="close")
    change = closes.loc[[sessions[5], day]].pct_change().iloc[-1].sort_values(ascending=False)
    assert list(rows[rows["date"].dt.date == day]["code"]) == list(change[change > 0].index)
    out = io.StringIO()
    options = ["--versions", "rises", "--from", str(sessions[5]), "--to", str(sessions[20]), "--horizons", "1,5"]
    call_command("evaluate_scans", *options, "--format", "json", stdout=out)
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    frame = seismo.evaluate(["rises"], start=sessions[5], end=sessions[20], horizons=[1, 5])
    assert list(frame["mean_pct"]) == [row["mean_pct"] for row in lines]
    assert list(frame["horizon"]) == [1, 5]


def test_an_unknown_market_is_one_sentence(db: None) -> None:
    with pytest.raises(UnknownMarket, match="moon"):
        seismo.bars("moon")


def test_frames_of_polars_have_the_rows_of_pandas(market: pd.DataFrame, probe: Probe, sessions: list[date]) -> None:
    call_command("run_scan", version=["rises"], first=str(sessions[-3]), last=str(sessions[-1]), stdout=io.StringIO())
    span: dict[str, Any] = {"start": sessions[-3], "end": sessions[-1]}
    expected = market[market["date"] >= sessions[-3]].sort_values(["date", "code"])
    rows = seismo.polars.bars("kr", **span)
    assert rows.columns == ["date", "code", "open", "high", "low", "close", "volume"]
    assert rows["code"].to_list() == list(expected["code"])
    assert [stamp.date() for stamp in rows["date"].to_list()] == list(expected["date"])
    assert rows["close"].to_list() == list(expected["close"])
    closes = seismo.polars.panel("kr", "close", **span)
    assert closes.columns == ["date", *sorted(set(expected["code"]))]
    assert closes["005930"].to_list() == list(expected[expected["code"] == "005930"]["close"])
    picks = seismo.polars.picks("kr", "rises", **span)
    assert len(picks) > 3
    assert picks.to_dicts() == polars.from_pandas(seismo.picks("kr", "rises", **span)).to_dicts()
