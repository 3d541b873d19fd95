"""What `manage.py import_prices` prints, and how it ends."""

from __future__ import annotations

import re
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.core.management.base import OutputWrapper
from pytest_django import Settings

from marketdata.management.import_progress import ImportScreen
from marketdata.management.progress_bar import ProgressBar
from marketdata.models import Instrument, StockPrice
from marketdata.operations.imports.report import ImportProgress
from tests.marketdata.operations.tidy_files import write_tidy

pytestmark = pytest.mark.django_db

ROWS = ["2026-08-20,000010,100,110,90,105,1000", "2026-08-22,000010,100,110,90,105,1000"]

ESCAPE = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def reject_dir(tmp_path: Path, settings: Settings) -> None:
    settings.REJECT_DIR = tmp_path / "rejects"


def test_a_summary_for_each_file_and_nothing_else_off_a_terminal(tmp_path: Path) -> None:
    out, err = StringIO(), StringIO()
    path = write_tidy(tmp_path / "prices.csv", [*ROWS, ROWS[0].replace("000010", "000020")])
    call_command("import_prices", str(path), stdout=out, stderr=err)
    assert err.getvalue() == ""
    lines = out.getvalue().splitlines()
    assert lines[0] == "prices.csv: tidy file, market kr, source file"
    assert lines[1] == "  read: code, date, open, high, low, close, volume"
    assert re.fullmatch(r"  3 rows: 2 new, 0 corrected, 0 unchanged, 1 rejected; \d+\.\d s, [\d,]+ rows/s", lines[2])
    assert lines[3] == "  rejected: 1 not a session"
    assert lines[4].startswith(f"  rejected rows are in {tmp_path / 'rejects' / 'prices-'}")
    assert len(lines) == 5
    out = StringIO()
    call_command("import_prices", str(path), stdout=out)
    assert "3 rows: 0 new, 0 corrected, 2 unchanged, 1 rejected" in out.getvalue()


def test_half_of_the_rows_kept_out_for_one_reason_end_with_1_and_the_others_are_recorded(
    tmp_path: Path,
) -> None:
    path = write_tidy(tmp_path / "prices.csv", ROWS)
    with pytest.raises(CommandError) as caught:
        call_command("import_prices", str(path), stdout=StringIO())
    assert str(caught.value) == (
        "prices.csv: 1 of its 2 rows were kept out: not a session (row 2, date '2026-08-22'). The other 1 are recorded."
    )
    assert StockPrice.objects.count() == 1


def test_repeats_of_a_key_are_no_reason_to_end_with_1(tmp_path: Path) -> None:
    out = StringIO()
    call_command("import_prices", str(write_tidy(tmp_path / "a.csv", [ROWS[0]] * 4)), stdout=out)
    assert "rejected: 3 duplicate key in the file" in out.getvalue()


def test_a_file_of_which_nothing_can_be_recorded_ends_with_1(tmp_path: Path) -> None:
    path = write_tidy(tmp_path / "prices.csv", ["2026-08-20,000010,100,110,90,abc,1000"])
    with pytest.raises(CommandError, match=r"not a number \(row 1, close 'abc'\)\. Nothing was recorded"):
        call_command("import_prices", str(path), stdout=StringIO())


def test_failures_are_one_sentence_each_and_the_others_go_on(tmp_path: Path) -> None:
    good = write_tidy(tmp_path / "good.csv", ROWS)
    out = StringIO()
    with pytest.raises(CommandError) as caught:
        call_command("import_prices", str(tmp_path / "none.csv"), str(tmp_path), str(good), stdout=out)
    first, *rest = str(caught.value).splitlines()
    assert first == "2 of 3 files failed, and 1 lost half of the rows or all."
    assert len(rest) == 3
    assert "There is no file" in rest[0]
    assert "is a folder" in rest[1]
    assert "good.csv: tidy file" in out.getvalue()
    assert StockPrice.objects.count() == 1


def test_strict_and_wrong_market_end_in_one_sentence(tmp_path: Path) -> None:
    path = str(write_tidy(tmp_path / "prices.csv", ROWS))
    with pytest.raises(CommandError, match=r"prices\.csv was refused whole, as --strict asks"):
        call_command("import_prices", path, "--strict", stdout=StringIO())
    with pytest.raises(CommandError, match="Unknown market 'jp': choose one of kr, us"):
        call_command("import_prices", path, "--market", "jp")
    assert not StockPrice.objects.exists()


def test_a_terminal_sees_share_rate_and_remaining_time(tmp_path: Path) -> None:
    terminal = Terminal()
    bar = ProgressBar(OutputWrapper(terminal))
    screen = ImportScreen(bar, OutputWrapper(StringIO()))
    screen.progress(ImportProgress(tmp_path / "a.csv", 250_000, 0.25, 2.0))
    shown = ESCAPE.sub("", terminal.getvalue())
    assert re.search(r"a\.csv [^\n]+ 25% 250,000 rows, 125,000 rows/s, 6 s left", shown)
    screen.progress(ImportProgress(tmp_path / "a.csv", 1_000_000, 1.0, 100.0))
    assert "100% 1,000,000 rows" in ESCAPE.sub("", terminal.getvalue())
    assert terminal.getvalue().endswith("\x1b[2K"), "the line is taken away"
    closed = len(terminal.getvalue())
    bar.close()
    assert len(terminal.getvalue()) == closed


def test_the_code_of_a_file_may_be_a_name(tmp_path: Path) -> None:
    Instrument.objects.create(market="kr", code="005930", name="삼성전자")
    path = tmp_path / "bars.csv"
    path.write_text("date,open,high,low,close,volume\n2026-08-20,100,110,90,105,1000\n", encoding="utf-8")
    call_command("import_prices", str(path), "--code", "삼성전자", stdout=StringIO())
    assert StockPrice.objects.get().stock_code == "005930"
    with pytest.raises(CommandError, match="Market kr has no instrument '없는회사'"):
        call_command("import_prices", str(path), "--code", "없는회사", stdout=StringIO())
