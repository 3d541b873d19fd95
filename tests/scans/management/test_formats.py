"""Every command that prints a table writes the same rows as JSON lines, CSV, Parquet and Excel, to a file or the
terminal."""

from __future__ import annotations

import csv
import io
import json
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
from django.core.management import CommandError, call_command
from python_calamine import CalamineWorkbook

from scans.models import ScannerVersion
from scans.operations.scan.request import RunRequest
from scans.operations.scan.run import run_scan
from tests.scans.conftest import AS_OF
from tests.scans.probe import Probe


def written(*arguments: str) -> str:
    out, err = io.StringIO(), io.StringIO()
    call_command(*arguments, stdout=out, stderr=err)
    return out.getvalue()


def json_lines(*arguments: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in written(*arguments, "--format=json").splitlines()]


def csv_rows(*arguments: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(written(*arguments, "--format=csv", "--encoding=utf-8"))))


def sheet(path: Path) -> list[dict[str, Any]]:
    head, *rows = CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
    names = [str(name) for name in head]
    return [dict(zip(names, row, strict=True)) for row in rows]


def risers(rows: pd.DataFrame, day: date) -> set[str]:
    """The codes that close above the close before: what the probe picks."""
    close = rows.pivot_table(index="date", columns="code", values="close")
    rise: Any = (close / close.shift(1) - 1).loc[day]
    return set(rise[rise > 0].index)


COMMANDS = {
    "run_scan": ("run_scan", "--version=rises", "--no-save"),
    "evaluate_scans": ("evaluate_scans", "--versions=rises", "--source=fly", "--horizons=1"),
    "compare_versions": ("compare_versions", "rises", "rises-10", "--source=fly", "--horizons=1,5"),
    "stock": ("stock", "005930"),
    "scan_changes": ("scan_changes", "--version=rises", "--version=rises-10"),
    "scanner_version list": ("scanner_version", "list"),
    "scanner_version show": ("scanner_version", "show", "v2"),
    "scanner_version history": ("scanner_version", "history", "rises"),
}


@pytest.fixture
def published(market: pd.DataFrame, probe: Probe, sessions: list[date]) -> pd.DataFrame:
    """Two versions with five published sessions; a parameter of one has been changed since."""
    probe.plan = (0.1, -0.05, 5)
    versions = ["rises", "rises-10"]
    run_scan(RunRequest(market="kr", as_of=AS_OF, versions=versions, first=sessions[-5], last=sessions[-1]))
    call_command("scanner_version", "set", "rises", "scale=2", stdout=io.StringIO())
    return market


@pytest.mark.parametrize("name", COMMANDS)
def test_the_forms_of_a_command_have_the_same_rows(published: pd.DataFrame, name: str, tmp_path: Path) -> None:
    arguments = COMMANDS[name]
    rows = csv_rows(*arguments)
    assert rows
    for form in ("csv", "parquet", "xlsx"):
        assert written(*arguments, f"--format={form}", f"--output={tmp_path}/rows.{form}") == ""
    assert (tmp_path / "rows.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    columns = pq.read_table(tmp_path / "rows.parquet").to_pydict()
    assert list(columns) == list(rows[0])
    assert {len(values) for values in columns.values()} == {len(rows)}
    for book_row, row in zip(sheet(tmp_path / "rows.xlsx"), rows, strict=True):
        assert list(book_row) == list(row)
        for key in ("code", "scanner_version", "first_version", "parameter"):
            assert str(book_row.get(key)) == str(row.get(key))
    written(*arguments, f"--output={tmp_path}/rows.txt")
    text = (tmp_path / "rows.txt").read_text()
    assert text
    assert written(*arguments).endswith(text)  # a warning about an old record may come before it
    written(*arguments, "--format=json", f"--output={tmp_path}/rows.json")
    lines = (tmp_path / "rows.json").read_text().splitlines()
    assert [json.loads(line) for line in lines] == json_lines(*arguments)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_workbook_without_a_file_and_a_file_that_cannot_be_written_are_refused(
    published: pd.DataFrame, name: str
) -> None:
    with pytest.raises(CommandError, match="An Excel workbook goes into a file: name one with --output"):
        written(*COMMANDS[name], "--format=xlsx")
    for form in ("table", "json", "csv"):
        with pytest.raises(CommandError, match="/nowhere/rows cannot be written"):
            written(*COMMANDS[name], f"--format={form}", "--output=/nowhere/rows")


def test_a_binary_form_without_a_file_is_refused_before_anything_is_published(
    market: pd.DataFrame, probe: Probe
) -> None:
    from scans.models import ScanRun

    with pytest.raises(CommandError, match="Parquet goes into a file"):
        written("run_scan", "--format=parquet")
    assert not ScanRun.objects.exists()


def test_picks_of_a_stock_for_programs(published: pd.DataFrame, sessions: list[date]) -> None:
    days = [day for day in reversed(sessions[-5:]) if "005930" in risers(published, day)]
    rows = json_lines("stock", "005930")
    expected = [(str(day), slug) for day in days for slug in ("rises", "rises-10")]
    assert [(row["date"], row["scanner_version"]) for row in rows] == expected
    close = published[published.code == "005930"].set_index("date").close
    assert [row["close"] for row in rows] == [float(close[day]) for day in days for _ in range(2)]
    assert all(row["order_target"] % 5 == 0 for row in rows)
    err = io.StringIO()
    out = io.StringIO()
    call_command("stock", "005930", "--format=json", "--last=1", stdout=out, stderr=err)
    assert len(out.getvalue().splitlines()) == 1
    assert f"1 of {len(expected)} picks listed" in err.getvalue()


def test_changes_of_a_session_for_programs(published: pd.DataFrame, sessions: list[date]) -> None:
    before, now = risers(published, sessions[-2]), risers(published, sessions[-1])
    (line,) = json_lines("scan_changes", "--version=rises")
    assert (line["date"], line["before"]) == (str(sessions[-1]), str(sessions[-2]))
    assert {pick["code"] for pick in line["entered"]} == now - before
    assert {pick["code"] for pick in line["left"]} == before - now
    rows = csv_rows("scan_changes", "--version=rises")
    assert {row["code"] for row in rows if row["change"] == "entered"} == now - before
    assert {row["code"] for row in rows if row["change"] == "left"} == before - now
    (first,) = json_lines("scan_changes", "--version=rises", f"--date={sessions[-5]}")
    assert (first["before"], first["left"]) == (None, [])
    assert {pick["code"] for pick in first["entered"]} == risers(published, sessions[-5])


def test_differences_of_versions_for_programs(published: pd.DataFrame) -> None:
    arguments = COMMANDS["compare_versions"]
    (comparison,) = json_lines(*arguments)
    rows = csv_rows(*arguments)
    assert len(rows) == len(comparison["differences"])
    for row, one in zip(rows, comparison["differences"], strict=True):
        assert (row["first_version"], row["second_version"]) == ("rises", "rises-10")
        assert (int(row["horizon"]), row["group"]) == (one["horizon"], one["group"])
        assert [int(row["first_judged"]), int(row["second_judged"])] == one["judged"]
        for text, value in (
            (row["first_excess_pct"], one["excess_pct"][0]),
            (row["difference_pct"], one["difference_pct"]),
            (row["difference_low_pct"], one["interval_95_pct"][0]),
            (row["difference_corrected_high_pct"], one["interval_corrected_pct"][1]),
        ):
            assert (float(text) if text else None) == value
    standings = [(one["scanner_version"], one["horizon"]) for one in comparison["standings"]]
    assert standings == [(name, horizon) for name in ("rises", "rises-10") for horizon in (1, 5)]


def test_versions_for_programs(published: pd.DataFrame) -> None:
    rows = {row["scanner_version"]: row for row in json_lines("scanner_version", "list")}
    assert rows.keys() == set(ScannerVersion.objects.values_list("slug", flat=True))
    assert rows["rises"]["active_on"] == ["kr"]
    assert json.loads(rows["rises"]["parameters"]) == {"scale": 2.0}
    (row,) = [row for row in json_lines("scanner_version", "show", "rises") if row["parameter"] == "scale"]
    assert (row["value"], row["default"]) == ("2.0", "1.0")
    (change,) = json_lines("scanner_version", "history", "rises")
    assert (change["who"], change["what"], change["after"]) == ("command line", "scale", "2")
