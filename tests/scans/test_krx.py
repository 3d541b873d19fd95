"""The main job on real KRX data, through the real command line, against recorded answers.

Imports 1.95 million rows into a data directory of its own; skipped where the data is not at hand.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from marketdata.calendars import get_calendar_sessions
from marketdata.lake.footers import Part, survey
from marketdata.lake.layout import Lake
from marketdata.lake.reader import Window
from marketdata.panel import Panel
from scans.engines.formula.examples import V1
from tests import realdata
from tests.seismo_site.running import ROOT, installed, managed

pytestmark = pytest.mark.slow

ANSWERS = ROOT / "tests" / "answers"
MARCAP = ("marcap-2026.parquet", "marcap-2024.csv.gz", "marcap-2021.csv.gz")
RAW, EVENTS = "krx_raw_2023_2026.parquet", "krx_events_2023_2025.parquet"


class Installation:
    """A data directory, driven by the command line."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, *arguments: str) -> str:
        return managed(self.folder, *arguments)

    def panel(self, first: str, last: str, reach: int, **options: Any) -> Panel:
        """A panel straight from the lake's files, from `first` on, whole."""
        lake = Lake(str(self.folder / "lake"))
        closed = {pd.Timestamp(day).date(): False for day in ("2026-06-03", "2026-07-17")}
        days = get_calendar_sessions("XKRX", cache=self.folder / "calendars", overrides=closed)
        days = days[(days >= np.datetime64(first)) & (days <= np.datetime64(last))]
        months = pd.period_range(first[:7], last[:7], freq="M")
        parts = [Part(month.start_time.date(), lake.partition("kr", month.start_time.date()), None) for month in months]
        seen = survey(lake, parts)
        fields = dict.fromkeys(("close", "raw_close", "volume", "open", "high", "low", "amount"), reach)
        return Window(lake, "kr", 0.31, days, 0, seen, {}).read(fields, **options)


@pytest.fixture(scope="module")
def krx(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    files = [str(realdata.path(name)) for name in (*MARCAP, RAW, EVENTS)]
    krx = Installation(installed(tmp_path_factory.mktemp("krx")))
    krx.run("import_prices", *files)
    krx.run("project_lake")
    return krx


def test_a_repeat_of_the_import_writes_nothing(krx: Installation) -> None:
    output = krx.run("import_prices", str(realdata.path(MARCAP[0])))
    assert "0 new, 0 corrected, 95,412 unchanged, 0 rejected" in output


def test_the_lake_agrees_with_the_record(krx: Installation) -> None:
    assert "agrees with the record" in krx.run("verify_lake")


# What the reference says of a session besides its picks. It knows no regime for the last two, nor labels but v1's and
# v2's; v3's counts it takes of both halves, the engine of instruments.
RECORDED = {
    "v1": ("regime", "fallback_step", "matched", "label"),
    "v2": ("regime", "fallback_step", "matched", "label"),
    "v3": ("regime", "fallback_step"),
    "seismograph": ("fallback_step", "matched"),
    "vcp": ("fallback_step", "matched"),
}


@pytest.mark.parametrize("version", RECORDED)
def test_every_session_runs_and_thirty_equal_the_recorded_answers(krx: Installation, version: str) -> None:
    output = krx.run(
        "run_scan",
        "--version",
        version,
        "--from",
        "2024-07-01",
        "--to",
        "2026-08-21",
        "--format",
        "json",
        "--no-save",
    )
    line_of_date = {line["date"]: line for line in map(json.loads, output.splitlines())}
    assert len(line_of_date) == 521
    assert all(line["status"] in ("published", "no_match") for line in line_of_date.values())
    assert all(line["reason"] for line in line_of_date.values() if line["status"] == "no_match")
    answers = pd.read_csv(ANSWERS / f"krx_{version}.csv", dtype={"code": str, "strategy": str, "label": str})
    answers = answers.rename(columns={"step": "fallback_step"})
    assert answers["date"].nunique() == 30
    for day, rows in answers.groupby("date"):
        line = line_of_date[str(day)]
        head = rows.iloc[0]
        for name in RECORDED[version]:
            if name != "label":
                assert line[name] == head[name], (day, name)
        rows = rows[rows["code"].notna()].fillna({"strategy": "", "label": ""})
        assert [one["code"] for one in line["ranks"]] == list(rows["code"]), day
        assert [one["strategy"] for one in line["ranks"]] == list(rows["strategy"]), day
        if "label" in RECORDED[version]:
            assert [one["label"] for one in line["ranks"]] == list(rows["label"]), day
        np.testing.assert_allclose([one["score"] for one in line["ranks"]], rows["score"], rtol=1e-6)


def test_v1_as_a_formula_equals_the_recorded_answers_of_v1(krx: Installation) -> None:
    """On every recorded session on which v1 took no fallback step: a formula has none."""
    written = [part for name, value in V1.items() for part in ("--set", f"{name}={value}")]
    krx.run("scanner_version", "create", "v1-written", "--engine", "formula", *written)
    answers = pd.read_csv(ANSWERS / "krx_v1.csv", dtype={"code": str})
    strict = answers[answers["step"] == 0]
    assert (strict["date"].nunique(), strict["code"].notna().sum()) == (18, 102)
    output = krx.run(
        *("run_scan", "--version", "v1-written", "--from", "2024-08-05", "--to", "2026-08-21"),
        *("--format", "json", "--no-save"),
    )
    line_of_date = {line["date"]: line for line in map(json.loads, output.splitlines())}
    for day, rows in strict.groupby("date"):
        picked = rows[rows["code"].notna()]
        ranks = line_of_date[str(day)]["ranks"]
        assert [one["code"] for one in ranks] == list(picked["code"]), day
        assert [one["score"] for one in ranks] == list(picked["score"]), day
        assert line_of_date[str(day)]["matched"] == rows["matched"].iloc[0]


@pytest.mark.parametrize("version", ["v1", "v2", "v3"])
@pytest.mark.parametrize("day", ["2024-07-01", "2025-06-05", "2026-08-21"])
def test_a_daily_run_equals_the_backfill(krx: Installation, version: str, day: str) -> None:
    options = ("--version", version, "--format", "json", "--no-save")
    daily = json.loads(krx.run("run_scan", *options, "--date", day))
    month = f"{day[:7]}-01"
    backfill = json.loads(krx.run("run_scan", *options, "--from", month, "--to", day).splitlines()[-1])
    for name in (
        "date",
        "status",
        "reason",
        "regime",
        "universe",
        "scored",
        "matched",
        "input_digest",
    ):
        assert daily[name] == backfill[name]
    for one, other in zip(daily["ranks"], backfill["ranks"], strict=True):
        assert one["score"] == pytest.approx(other.pop("score"), rel=1e-6)
        ours, theirs = one.pop("components"), other.pop("components")
        assert ours == pytest.approx(theirs, rel=1e-6, abs=1e-6)
        assert {**one, "score": 0} == {**other, "score": 0}


def test_adjusted_closes_reproduce_the_events(krx: Installation) -> None:
    """Where an event was derived, the factor of that session is its ratio, whichever source gave the base price."""
    events = pd.read_parquet(realdata.path(EVENTS))
    panel = krx.panel("2023-07-07", "2026-08-21", 0)
    days = {str(day): t for t, day in enumerate(panel.sessions)}
    column = {str(code): i for i, code in enumerate(panel.codes)}
    worst: dict[str, float] = {}
    for row in events.itertuples():
        t, i = days[str(row.date)], column[str(row.code)]
        adjusted = panel["close"][t, i] / panel["close"][t - 1, i]
        raw = panel["raw_close"][t, i] / panel["raw_close"][t - 1, i]
        worst[f"{row.code} {row.date}"] = abs(raw / adjusted / float(row.ratio) - 1)  # type: ignore[arg-type]
    assert len(worst) == 520
    # The events were derived from closes rounded to a won; where marcap knows the base price, that one stands.
    assert {name for name, gap in worst.items() if gap > 1e-3} == {"032800 2024-02-06"}


def test_adjusted_returns_agree_with_an_adjusted_source(krx: Installation) -> None:
    """Day by day on all that both have, but for rounding: the other source keeps whole won, and after a consolidation
    rounds in won of the old, smaller price."""
    theirs = pd.read_parquet(realdata.path("krx_adj_2019_2025.parquet"), columns=["date", "code", "close", "volume"])
    theirs["date"] = pd.to_datetime(theirs["date"])
    theirs = theirs[theirs["date"] >= "2023-07-07"]
    panel = krx.panel("2023-07-07", "2025-12-30", 0)
    close = theirs.pivot_table(index="date", columns="code", values="close", observed=True)
    codes = [str(code) for code in panel.codes if code in close.columns]
    close = close.reindex(index=pd.DatetimeIndex(panel.sessions), columns=codes)
    at = np.searchsorted(panel.codes, codes)
    ours, raw = panel["close"][:, at], panel["raw_close"][:, at]
    expected = close.to_numpy(dtype=float)
    moved, wanted = ours[1:] / ours[:-1], expected[1:] / expected[:-1]
    coarse = 1.01 / np.minimum(expected, raw)
    slack = (coarse[1:] + coarse[:-1]) * wanted + 1e-9
    traded = (panel["volume"][1:, at] > 0) & (panel["volume"][:-1, at] > 0)
    both = np.isfinite(moved) & np.isfinite(wanted) & traded
    assert both.sum() > 1_300_000
    off = both & (np.abs(moved - wanted) > slack)
    days = panel.sessions[1:]
    # 71 cells of 11 instruments whose adjusted prices went through several roundings, to ticks of up to 10 won.
    assert off.sum() < 80
    beyond = off & (np.abs(moved / wanted - 1) > 0.0025)
    # Two splits that the other source left out; marcap's base prices show them.
    assert {(codes[i], str(days[t])) for t, i in zip(*np.nonzero(beyond), strict=True)} == {
        ("425040", "2024-01-02"),
        ("33637L", "2024-01-08"),
    }
