"""The market's two own series in scans, and as a history with their regimes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from marketdata import market_index
from marketdata.data_quality import report
from marketdata.errors import DataProblem
from marketdata.markets import OWN_CAP
from marketdata.operations.imports.index_series import choose_index, import_index
from marketdata.operations.projection import current_lake, project
from marketdata.queries.index_series import get_own_index
from scans.engines import regimes
from scans.engines.base import MarketIndex
from scans.engines.regime_rules import RegimeHistory
from scans.operations.scan.answers import SessionAnswer
from scans.operations.scan.request import RunRequest
from scans.operations.scan.run import run_scan
from scans.queries.market_index import get_index_histories, index_level
from tests.marketdata.lake import lake_files
from tests.reference import bars as reference
from tests.reference import index as reference_index
from tests.scans.conftest import AS_OF, frame

Importer = Callable[..., Any]


def with_caps(sessions: list[date]) -> pd.DataFrame:
    """The market of `conftest.frame`; all instruments have a cap on session 3, the first ever after, the last never."""
    rows = frame(sessions)
    shares = rows["code"].map({code: 1_000.0 * 3**n for n, code in enumerate(sorted(rows["code"].unique()))})
    cap = rows["close"] * shares
    first = rows["code"] == "000020"
    return rows.assign(market_cap=cap.where((rows["date"] == sessions[3]) | first))


def expected(rows: pd.DataFrame, sessions: list[date], series: str) -> pd.DataFrame:
    raw = rows.assign(amount=np.nan, base_price=np.nan, ratio=np.nan, eligible_kind=True)
    frames = reference.build(raw, sessions)
    return reference_index.regimes(reference_index.market_index(frames, sessions, series=series))


def scanned(sessions: list[date]) -> list[SessionAnswer]:
    request = RunRequest(market="kr", as_of=AS_OF, versions=["v1"], first=sessions[0], last=sessions[-1], save=False)
    (scan,) = run_scan(request)
    assert not scan.error
    return scan.answers


def test_both_series_equal_the_reference_and_regimes_depend_on_the_chosen_one(
    bring: Importer, sessions: list[date]
) -> None:
    rows = with_caps(sessions)
    bring(rows)
    equal = scanned(sessions)
    record = current_lake.current_record("kr")
    for series in ("own-equal", "own-cap"):
        _, m, spread = get_own_index(record, series)
        wanted = expected(rows, sessions, series)
        np.testing.assert_allclose(m, wanted["m"], rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(spread, wanted["range"], rtol=1e-9)
    choose_index(market="kr", name=OWN_CAP)
    by_cap = scanned(sessions)
    assert [one.regime for one in equal] == expected(rows, sessions, "own-equal")["daily"].tolist()
    assert [one.regime for one in by_cap] == expected(rows, sessions, "own-cap")["daily"].tolist()
    assert [one.regime for one in equal] != [one.regime for one in by_cap]
    assert not {one.input_digest for one in equal} & {one.input_digest for one in by_cap}


def test_a_session_brought_later_gives_what_all_at_once_gives(bring: Importer, sessions: list[date]) -> None:
    rows = with_caps(sessions)
    for last in (5, 20, 21, 40):
        bring(rows[rows["date"] <= sessions[:last][-1]])
        record = current_lake.current_record("kr")
        daily = get_own_index(record, OWN_CAP)
    project.project_bars("kr", rebuild=True)
    whole = get_own_index(current_lake.current_record("kr"), OWN_CAP)
    for one, other in zip(daily, whole, strict=True):
        np.testing.assert_array_equal(one, other)


def test_caps_are_carried_across_a_missing_session(bring: Importer, sessions: list[date]) -> None:
    rows = with_caps(sessions)
    rows = rows[rows["date"] != sessions[25]]
    bring(rows)
    _, m, _ = get_own_index(current_lake.current_record("kr"), OWN_CAP)
    wanted = expected(rows, sessions, "own-cap")["m"].drop(index=pd.Timestamp(sessions[25]))
    np.testing.assert_allclose(m, wanted, rtol=1e-9, atol=1e-12)
    assert np.isnan(m[25])
    assert np.isfinite(m[26:]).all()


def test_the_history_has_every_series_with_its_regimes(bring: Importer, sessions: list[date]) -> None:
    rows = with_caps(sessions)
    bring(rows)
    current_lake.current_record("kr")
    choose_index(market="kr", name=OWN_CAP)
    equal, by_cap = get_index_histories("kr", sessions[2], sessions[-2])
    assert (equal.name, equal.chosen, equal.revision) == ("own-equal", False, 2)
    assert (by_cap.name, by_cap.chosen, by_cap.revision) == ("own-cap", True, 2)
    for history in (equal, by_cap):
        wanted = expected(rows, sessions, history.name).iloc[2:-1]
        assert [one.date for one in history.sessions] == sessions[2:-1]
        m = [np.nan if one.m is None else one.m for one in history.sessions]
        np.testing.assert_allclose(m, wanted["m"], rtol=1e-9, atol=1e-12)
        assert [one.daily.regime for one in history.sessions] == wanted["daily"].tolist()
        assert [one.trend.regime for one in history.sessions] == wanted["trend"].tolist()
        assert [one.short_risk for one in history.sessions] == wanted["short_risk"].tolist()
        moves = [one.daily.measures["move"] for one in history.sessions]
        assert moves == [one.m for one in history.sessions]
    assert by_cap.sessions[0].m is None
    assert by_cap.sessions[0].level is None


def test_a_level_starts_anew_where_the_return_is_unknown() -> None:
    level = index_level(np.array([np.nan, 0.1, 0.1, np.nan, -0.5]))
    np.testing.assert_allclose(level, [np.nan, 1.1, 1.21, np.nan, 0.5])


def test_an_own_name_is_no_external_series(market: pd.DataFrame, sessions: list[date], tmp_path: Any) -> None:
    file = tmp_path / "index.csv"
    pd.DataFrame({"date": sessions, "high": 2.0, "low": 1.0, "close": 1.5}).to_csv(file, index=False)
    with pytest.raises(DataProblem, match="own-cap is the name of a market's own series"):
        import_index(file=file, market="kr", name="own-cap", as_of=AS_OF)


def test_sessions_without_enough_caps_are_named_in_check_data(bring: Importer, sessions: list[date]) -> None:
    rows = with_caps(sessions)
    bring(rows)
    current_lake.current_record("kr")

    def finding() -> Any:
        return next((one for one in report.get_findings("kr") if one.check == "market_caps"), None)

    # Caps of session 3 weight session 4; before it one of six instruments has one.
    assert finding().cases == ({"from": str(sessions[1]), "to": str(sessions[3]), "sessions": 3},)
    assert "regimes" not in finding().text
    choose_index(market="kr", name=OWN_CAP)
    assert finding().count == 3
    assert "the regimes of market kr, which depend on it, are neutral and start anew" in finding().text


def test_a_market_without_caps_is_named_where_own_cap_is_chosen(market: pd.DataFrame, sessions: list[date]) -> None:
    current_lake.current_record("kr")
    assert "market_caps" not in {one.check for one in report.get_findings("kr")}
    choose_index(market="kr", name=OWN_CAP)
    (finding,) = (one for one in report.get_findings("kr") if one.check == "market_caps")
    assert finding.count == len(sessions) - 1  # every session but the first, on which own-equal is undefined too
    assert finding.action == "decide: /admin/marketdata/indexchoice/"


@pytest.mark.slow
def test_regimes_of_both_series_equal_the_reference_also_where_own_cap_is_undefined_for_a_while(tmp_path: Path) -> None:
    """Caps are recorded on sessions 60 to 62 and from 200 on: in between too many newcomers have none."""
    days = lake_files.sessions(330)
    raw = lake_files.market(11, days, 40)
    place = np.searchsorted(days, raw["date"].to_numpy().astype("datetime64[D]"))
    wanted_on = ((place >= 60) & (place <= 62)) | (place >= 200)
    raw["market_cap"] = (raw["close"] * 1_000.0).where(wanted_on)
    lake = lake_files.here(tmp_path)
    window = lake_files.window(lake, lake_files.store(lake, raw), days, 0)
    values = market_index.compute_index(market_index.read_panel(window))
    frames = reference.build(raw, days)
    for series, (m, spread) in (("own-equal", values[:2]), ("own-cap", values[2:])):
        history = RegimeHistory(MarketIndex(days, m, spread))
        wanted = reference_index.regimes(reference_index.market_index(frames, days, series=series))
        assert [regimes.NAMES[code] for code in history.daily] == wanted["daily"].tolist()
        assert [regimes.NAMES[code] for code in history.trend] == wanted["trend"].tolist()
        assert regimes.short_risk(history.index).tolist() == wanted["short_risk"].tolist()
        assert set(wanted["trend"]) == set(regimes.NAMES)
    undefined = np.isnan(values[2])
    assert (undefined[:61].all(), undefined[61:64].any(), undefined[201:].any()) == (True, False, False)
    assert 20 < undefined[64:201].sum() < 137
    assert not history.trend[undefined].any()  # neutral
