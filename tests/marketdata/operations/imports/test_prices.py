"""Importing files: what a repeat, a correction, a second source and a crash leave in the record."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.db import connection
from pytest_django import Settings

from marketdata.markets import UnknownMarket
from marketdata.models import (
    BarCorrection,
    FactorEvent,
    Instrument,
    InstrumentStatus,
    LakePartition,
    StockPrice,
)
from marketdata.operations.imports.files import read_ahead
from marketdata.operations.imports.prices import import_prices
from marketdata.operations.imports.report import FileReport, ImportProgress
from marketdata.operations.projection import dirty_months as marks_of_the_lake
from marketdata.operations.record.corrections import Counts
from tests.marketdata.operations.tidy_files import AS_OF, COLUMNS, LATER, import_file, write_tidy

pytestmark = pytest.mark.django_db

ROWS = [
    "2026-07-30,000010,100,110,90,105,1000",
    "2026-07-31,000010,105,115,95,110,2000",
    "2026-08-03,000010,110,120,100,115,3000",
    "2026-08-03,0001A0,50,55,45,52,10",
]


@pytest.fixture(autouse=True)
def reject_dir(tmp_path: Path, settings: Settings) -> None:
    settings.REJECT_DIR = tmp_path / "rejects"


def marks() -> dict[tuple[str, str], int]:
    return {
        (market, f"{month:%Y-%m}"): wanted
        for market, month, wanted in LakePartition.objects.values_list("market", "month", "wanted")
    }


def everything() -> list[tuple[object, ...]]:
    """The whole record but for keys."""
    recorded_values: list[tuple[object, ...]] = []
    for model in (StockPrice, Instrument, FactorEvent, BarCorrection, LakePartition):
        names = [field.name for field in model._meta.concrete_fields if field.name != "id"]
        recorded_values += sorted(model.objects.values_list(*names), key=str)
    names = ["instrument__code", "source", "valid_from", "valid_to", "segment", "kind", "managed"]
    return recorded_values + sorted(InstrumentStatus.objects.values_list(*names), key=str)


def test_a_first_import_records_bars_instruments_and_marks(tmp_path: Path) -> None:
    report = import_file(write_tidy(tmp_path / "a.csv", ROWS))
    assert (report.form, report.source, report.market) == ("tidy", "file", "kr")
    assert (report.rows, report.counts) == (4, Counts(new=4))
    bar = StockPrice.objects.get(stock_code="000010", date=date(2026, 7, 31))
    assert (bar.market, bar.source) == ("kr", "file")
    assert (bar.open, bar.high, bar.low, bar.close, bar.volume) == (105, 115, 95, 110, 2000)
    assert (bar.amount, bar.base_price, bar.market_cap, bar.shares) == (None,) * 4
    assert bar.created_at == bar.updated_at == AS_OF
    assert list(Instrument.objects.values_list("market", "code", "first_bar", "last_bar")) == [
        ("kr", "000010", date(2026, 7, 30), date(2026, 8, 3)),
        ("kr", "0001A0", date(2026, 8, 3), date(2026, 8, 3)),
    ]
    assert marks() == {("kr", "2026-07"): 1, ("kr", "2026-08"): 1}


def test_a_repeat_writes_nothing_and_says_so(tmp_path: Path) -> None:
    path = write_tidy(tmp_path / "a.csv", ROWS)
    import_file(path)
    before = everything()
    report = import_file(path, as_of=LATER)
    assert report.counts == Counts(unchanged=4)
    assert everything() == before


def test_a_correction_replaces_is_counted_and_keeps_the_old_values(tmp_path: Path) -> None:
    import_file(write_tidy(tmp_path / "a.csv", ROWS))
    changed = [ROWS[0], "2026-07-31,000010,105,116,95,111.5,2000", "2026-08-04,000010,1,1,1,1,1"]
    report = import_file(write_tidy(tmp_path / "b.csv", changed), as_of=LATER)
    assert report.counts == Counts(new=1, corrected=1, unchanged=1)
    bar = StockPrice.objects.get(stock_code="000010", date=date(2026, 7, 31))
    assert (bar.high, bar.close, bar.created_at, bar.updated_at) == (116, 111.5, AS_OF, LATER)
    (kept,) = BarCorrection.objects.all()
    assert (kept.market, kept.stock_code, kept.date) == ("kr", "000010", date(2026, 7, 31))
    assert (kept.source, kept.replaced_at) == ("file", LATER)
    assert kept.old == {"high": 115.0, "close": 110.0}
    assert marks() == {("kr", "2026-07"): 2, ("kr", "2026-08"): 2}


def test_what_a_file_does_not_say_leaves_what_is_recorded_standing(tmp_path: Path) -> None:
    rich = [f"{ROWS[0]},7,100", f"{ROWS[1]},,"]
    import_file(write_tidy(tmp_path / "a.csv", rich, columns=f"{COLUMNS},amount,base_price"))
    report = import_file(write_tidy(tmp_path / "b.csv", ROWS[:2]), as_of=LATER)
    assert report.counts == Counts(unchanged=2)
    assert StockPrice.objects.get(date=date(2026, 7, 30)).amount == 7
    fuller = [f"{ROWS[0]},8,", f"{ROWS[1]},9,105"]
    report = import_file(write_tidy(tmp_path / "c.csv", fuller, columns=f"{COLUMNS},amount,base_price"), as_of=LATER)
    assert report.counts == Counts(corrected=2)
    bars = StockPrice.objects.order_by("date").values_list("amount", "base_price")
    assert list(bars) == [(8, 100), (9, 105)]
    old = BarCorrection.objects.order_by("date").values_list("old", flat=True)
    assert list(old) == [{"amount": 7.0}, {"amount": None, "base_price": None}]


def test_sources_and_markets_are_kept_apart(tmp_path: Path) -> None:
    path = write_tidy(tmp_path / "a.csv", ROWS)
    import_file(path)
    report = import_file(path, source="other")
    assert (report.source, report.counts.new) == ("other", 4)
    assert import_file(path, market="kr-adj").counts.new == 4
    assert StockPrice.objects.count() == 12
    assert Instrument.objects.count() == 4
    assert marks()["kr-adj", "2026-08"] == 1


def test_columns_of_a_day_and_of_an_instrument_are_compared_alike(tmp_path: Path) -> None:
    """The comparison reads the record by day or by code, whichever is less: the result is the same."""
    days = [f"2026-08-{day:02d}" for day in (3, 4, 5, 6, 7)]
    rows = [f"{day},{code:06d},1,1,1,1,{code}" for code in range(30) for day in days]
    import_file(write_tidy(tmp_path / "all.csv", rows))
    by_day = [row for row in rows if row.startswith("2026-08-05")]
    by_code = [row for row in rows if ",000007," in row]
    for part in (by_day, by_code):
        assert import_file(write_tidy(tmp_path / "p.csv", part)).counts == Counts(unchanged=len(part))
        changed = [row.replace(",1,1,1,1,", ",2,2,2,2,") for row in part]
        report = import_file(write_tidy(tmp_path / "c.csv", changed), as_of=LATER)
        assert report.counts == Counts(corrected=len(part))
        import_file(write_tidy(tmp_path / "p.csv", part))


@pytest.mark.parametrize("batch", [1, 3, 100])
def test_the_size_of_batches_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch: int) -> None:
    monkeypatch.setattr("marketdata.operations.imports.files.BATCH_ROWS", batch)
    rows = [row.split(",") for row in ROWS]
    columns = dict(zip(COLUMNS.split(","), map(list, zip(*rows, strict=True)), strict=True))
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table(columns), path)
    report = import_file(path)
    assert (report.rows, report.counts) == (4, Counts(new=4))
    assert StockPrice.objects.count() == 4
    assert Instrument.objects.get(code="000010").first_bar == date(2026, 7, 30)
    assert Instrument.objects.get(code="000010").last_bar == date(2026, 8, 3)


def test_the_latest_name_and_segment_are_kept_whatever_comes_first(tmp_path: Path) -> None:
    columns = f"{COLUMNS},name,market"
    old = write_tidy(tmp_path / "old.csv", [f"{ROWS[0]},가나,KONEX"], columns=columns)
    new = write_tidy(tmp_path / "new.csv", [f"{ROWS[2]},다라,KOSDAQ"], columns=columns)
    for order in ((old, new), (new, old)):
        Instrument.objects.all().delete()
        StockPrice.objects.all().delete()
        for path in order:
            import_file(path)
        one = Instrument.objects.get()
        assert (one.name, one.segment, one.kind) == ("다라", "KOSDAQ", "common")


def long_file(path: Path) -> Path:
    """60 rows, 15 sessions of 4 instruments, as Parquet."""
    days = [f"2026-07-{day:02d}" for day in (*range(1, 4), *range(6, 11), *range(13, 17))]
    days += ["2026-07-20", "2026-07-21", "2026-07-22"]
    rows = [(day, f"{code:06d}", 1, 1, 1, 1, code) for day in days for code in range(4)]
    columns = dict(zip(COLUMNS.split(","), map(list, zip(*rows, strict=True)), strict=True))
    pq.write_table(pa.table(columns), path)
    return path


def assert_whole_batches(bars: int) -> None:
    """The record holds `bars` bars, and everything that belongs to them."""
    recorded = list(StockPrice.objects.values_list("stock_code", "date"))
    assert len(recorded) == bars
    for code, first, last in Instrument.objects.values_list("code", "first_bar", "last_bar"):
        dates = [day for name, day in recorded if name == code]
        assert (first, last) == (min(dates), max(dates))
    statuses = InstrumentStatus.objects.values_list("instrument__code", "valid_from", "valid_to")
    spans = Instrument.objects.values_list("code", "first_bar", "last_bar")
    assert sorted(statuses) == sorted(spans)


def test_an_interruption_leaves_whole_batches_and_a_rerun_completes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("marketdata.operations.imports.files.BATCH_ROWS", 16)
    path = long_file(tmp_path / "a.parquet")

    def interrupt(progress_reports: ImportProgress) -> None:
        if progress_reports.rows == 32:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_prices(files=[path], as_of=AS_OF, progress=interrupt)
    assert_whole_batches(32)
    assert marks() == {("kr", "2026-07"): 2}
    assert import_file(path).counts == Counts(new=28, unchanged=32)
    assert_whole_batches(60)


def test_a_batch_that_fails_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("marketdata.operations.imports.files.BATCH_ROWS", 16)
    path = long_file(tmp_path / "a.parquet")
    mark, calls = marks_of_the_lake.mark, []

    def fail(market: str, months: set[date]) -> None:
        calls.append(months)
        if len(calls) == 3:  # the last step of the third batch: its bars are already written
            raise OSError("disk full")
        mark(market, months)

    with monkeypatch.context() as patched:
        patched.setattr(marks_of_the_lake, "mark", fail)
        with pytest.raises(OSError, match="disk full"):
            import_file(path)
    assert_whole_batches(32)
    assert marks() == {("kr", "2026-07"): 2}
    assert import_file(path).counts == Counts(new=28, unchanged=32)
    assert_whole_batches(60)


@pytest.mark.django_db(transaction=True)
def test_two_imports_at_once_wait_for_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("marketdata.operations.imports.files.BATCH_ROWS", 16)
    path = long_file(tmp_path / "a.parquet")

    def one(_: int) -> FileReport:
        try:
            return import_file(path)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        reports = list(pool.map(one, range(2)))
    assert [report.error for report in reports] == ["", ""]
    assert sum(report.counts.new for report in reports) == 60
    assert sum(report.counts.unchanged for report in reports) == 60
    assert_whole_batches(60)
    assert marks() == {("kr", "2026-07"): 4}


def test_factor_events_are_recorded_corrected_and_marked(tmp_path: Path) -> None:
    columns = "date,code,ratio"
    path = write_tidy(tmp_path / "e.csv", ["2026-07-30,000010,0.2", "2026-08-03,0001A0,5"], columns=columns)
    report = import_file(path)
    assert (report.form, report.source, report.counts) == ("events", "file", Counts(new=2))
    assert import_file(path, as_of=LATER).counts == Counts(unchanged=2)
    assert marks() == {("kr", "2026-07"): 1, ("kr", "2026-08"): 1}
    bad = [
        "2026-07-30,000010,0.25",
        "2026-08-03,000020,0",
        "2026-08-03,000030,",
        "2026-08-02,000040,1",
    ]
    report = import_file(write_tidy(tmp_path / "e.csv", bad, columns=columns), source="me")
    assert report.counts == Counts(corrected=1)
    assert report.rejected == {"ratio not above 0": 2, "not a session": 1}
    events = FactorEvent.objects.order_by("date").values_list("stock_code", "ratio", "source")
    assert list(events) == [("000010", 0.25, "me"), ("0001A0", 5.0, "file")]
    assert marks() == {("kr", "2026-07"): 2, ("kr", "2026-08"): 1}


def test_each_file_stands_alone(tmp_path: Path) -> None:
    good = write_tidy(tmp_path / "good.csv", ROWS)
    bad = write_tidy(tmp_path / "bad.csv", ["1,2"], columns="a,b")
    report = import_prices(files=[tmp_path / "none.csv", bad, good], as_of=AS_OF)
    assert [bool(file.error) for file in report.files] == [True, True, False]
    assert [file.path.name for file in report.failed] == ["none.csv", "bad.csv"]
    assert StockPrice.objects.count() == 4


def test_a_wrong_market_or_source_is_refused_before_any_file(tmp_path: Path) -> None:
    path = write_tidy(tmp_path / "a.csv", ROWS)
    with pytest.raises(UnknownMarket, match="choose one of kr, us"):
        import_file(path, market="jp")
    with pytest.raises(ValueError, match="1 to 24 characters"):
        import_file(path, source="x" * 25)
    assert not StockPrice.objects.exists()


def test_progress_tells_rows_share_and_remaining_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("marketdata.operations.imports.files.BATCH_ROWS", 2)
    path = tmp_path / "a.parquet"
    rows = [row.split(",") for row in ROWS]
    columns = dict(zip(COLUMNS.split(","), map(list, zip(*rows, strict=True)), strict=True))
    pq.write_table(pa.table(columns), path)
    progress_reports: list[ImportProgress] = []
    import_prices(files=[path], as_of=AS_OF, progress=progress_reports.append)
    assert [(one.rows, one.share) for one in progress_reports] == [(2, 0.5), (4, 1.0)]
    assert ImportProgress(path, 10, 0.25, 3.0).remaining == 9.0
    assert ImportProgress(path, 10, 1.0, 3.0).remaining == 0.0


def test_reading_ahead_hands_on_items_and_errors_in_order() -> None:
    def items() -> Iterator[int]:
        yield from (1, 2, 3)
        raise OSError("broken")

    handed = read_ahead(items())
    assert [next(handed), next(handed), next(handed)] == [1, 2, 3]
    with pytest.raises(OSError, match="broken"):
        next(handed)
