"""Files of investor flow: recognised, imported once, refused in one sentence."""

from __future__ import annotations

from datetime import date
from io import StringIO
from pathlib import Path

import pandas as pd
import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from marketdata.models import InstitutionalFlow, Instrument
from marketdata.operations.imports.flows import import_flows
from marketdata.operations.imports.report import FileReport
from marketdata.operations.record.corrections import Counts
from tests import realdata
from tests.marketdata.operations.tidy_files import AS_OF, LATER, import_file, write_tidy

pytestmark = pytest.mark.django_db

COLUMNS = "date,code,foreign_net_quantity,foreign_net_value,institution_value"
ROWS = [
    "2026-07-30,000010,10,10000,",
    "2026-07-31,000010,,-20000,5000",
    "2026-08-03,0001A0,,,",
]


@pytest.fixture(autouse=True)
def reject_dir(tmp_path: Path, settings: Settings) -> None:
    settings.REJECT_DIR = tmp_path / "rejects"


def brought(path: Path, **options: object) -> FileReport:
    values = {"as_of": AS_OF, **options}
    return import_flows(files=[path], **values).files[0]  # type: ignore[arg-type]


def test_a_file_is_recorded_and_a_repeat_writes_nothing(tmp_path: Path) -> None:
    path = write_tidy(tmp_path / "flows.csv", ROWS, columns=COLUMNS)
    report = brought(path)
    assert (report.form, report.source, report.market) == ("flows", "file", "kr")
    assert (report.counts, report.rejected) == (Counts(new=2, unchanged=1), {})
    row = InstitutionalFlow.objects.get(date=date(2026, 7, 31))
    assert (row.foreign_net_quantity, row.foreign_net_value) == (None, -20_000)
    assert row.institution_net_value == 5_000
    assert not Instrument.objects.exists()
    assert brought(path, as_of=LATER).counts == Counts(unchanged=3)


def test_bad_rows_are_kept_out_with_their_reason(tmp_path: Path) -> None:
    bars = ["2026-07-30,000010,1000,1000,1000,1000,100"]
    import_file(write_tidy(tmp_path / "bars.csv", bars))
    rows = [
        "2026-07-30,000010,500,,",
        "2026-07-31,000010,many,,",
        "2026-08-01,000010,1,,",
        "2026-08-03,10,1,,",
        "2026-08-03,000010,1,,",
        "2026-08-03,000010,2,,",
    ]
    report = brought(write_tidy(tmp_path / "flows.csv", rows, columns=COLUMNS))
    assert report.rejected == {
        "net buying beyond what was traded": 1,
        "not a number": 1,
        "not a session": 1,
        "not a code of this market": 1,
        "duplicate key in the file": 1,
    }
    assert report.counts == Counts(new=1)
    assert report.reject_file is not None
    kept = pd.read_csv(report.reject_file, dtype=str)
    assert kept.row.tolist() == ["1", "2", "3", "4", "6"]


def test_values_in_millions_refuse_the_file(tmp_path: Path) -> None:
    bars = ["2026-07-30,000010,1000,1000,1000,1000,100000"]
    import_file(write_tidy(tmp_path / "bars.csv", bars))
    rows = ["2026-07-30,000010,50000,50,"]
    report = brought(write_tidy(tmp_path / "flows.csv", rows, columns=COLUMNS))
    assert "times close x net quantity" in report.error
    assert not InstitutionalFlow.objects.exists()


def test_bad_input_ends_in_one_sentence(tmp_path: Path) -> None:
    flows = str(write_tidy(tmp_path / "flows.csv", [*ROWS, "2026-08-02,000010,1,,"], columns=COLUMNS))
    prices = str(write_tidy(tmp_path / "bars.csv", ["2026-07-30,000010,1,1,1,1,1"]))
    (tmp_path / "empty.csv").touch()
    for content, message in (
        ([str(tmp_path / "none.csv")], "There is no file"),
        ([str(tmp_path / "empty.csv")], r"empty\.csv is empty \(0 bytes\)"),
        ([prices], r"no known form of file; flows is the nearest and lacks foreign_net_quantity"),
        ([flows, "--market", "mars"], "Unknown market 'mars'"),
        ([flows, "--market", "us"], "does not look like market us"),
        ([flows, "--strict"], "refused whole, as --strict asks: 1 of its 4 rows"),
    ):
        with pytest.raises(CommandError, match=message):
            call_command("import_flows", *content, stdout=StringIO())
    assert not InstitutionalFlow.objects.exists()


@pytest.mark.slow
def test_the_recorded_flows_of_krx_come_in_whole(tmp_path: Path) -> None:
    """Every tenth code, against the file itself."""
    rows = pd.read_parquet(realdata.path("krx_investor_flow_2026.parquet"))
    codes = sorted(rows.code.unique())[::10]
    rows = rows[rows.code.isin(codes)].reset_index(drop=True)
    bars = pd.read_parquet(realdata.path("krx_raw_2023_2026.parquet"))
    bars = bars[bars.code.isin(codes) & (bars.date >= date(2026, 7, 1))]
    file = tmp_path / "bars.parquet"
    bars.to_parquet(file)
    assert import_file(file).error == ""
    path = tmp_path / "flows.parquet"
    rows.to_parquet(path)
    report = brought(path)
    assert (report.rejected, report.counts) == ({}, Counts(new=len(rows)))
    assert brought(path).counts == Counts(unchanged=len(rows))
    names = ["foreign_net_value", "institution_net_value", "pension_net_value"]
    recorded = pd.DataFrame(
        InstitutionalFlow.objects.order_by("stock_code", "date").values_list("stock_code", "date", *names),
        columns=["code", "date", *names],
    )
    wanted = rows.sort_values(["code", "date"])[["code", "date", *names]].reset_index(drop=True)
    assert recorded.code.tolist() == wanted.code.tolist()
    assert recorded.date.tolist() == wanted.date.tolist()
    assert (recorded[names].to_numpy() == wanted[names].to_numpy()).all()
    assert not InstitutionalFlow.objects.exclude(individual_net_value=None).exists()
