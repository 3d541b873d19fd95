"""The generated market is imported like real files, without a rejected row."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from pytest_django import Settings

from marketdata.models import Instrument, InstrumentStatus, StockPrice
from marketdata.operations.imports.demo_prices import write_demo_prices
from tests.marketdata.operations.tidy_files import import_file

pytestmark = pytest.mark.django_db


def test_every_generated_row_is_let_in(tmp_path: Path, settings: Settings) -> None:
    settings.REJECT_DIR = tmp_path / "rejects"
    path = tmp_path / "folder" / "demo.parquet"
    rows = write_demo_prices(output=path, instruments=60, sessions=120, end=date(2026, 8, 21))
    report = import_file(path)
    assert report.rejected == {}
    assert report.counts.new == report.rows == rows == StockPrice.objects.count()
    assert Instrument.objects.count() == 60
    last = StockPrice.objects.order_by("-date")[0]
    assert last.date == date(2026, 8, 21)
    # the two closures of 2026 that the calendar library does not know are not sessions here either
    assert not StockPrice.objects.filter(date__in=[date(2026, 6, 3), date(2026, 7, 17)]).exists()
    kinds = set(InstrumentStatus.objects.values_list("kind", flat=True))
    assert {"common", "preferred"} <= kinds


@pytest.mark.parametrize(
    ("sessions", "instruments", "message"),
    [(1, 5, "ask for 2 to"), (100_000, 5, "ask for 2 to"), (10, 0, "at least 1 instrument")],
)
def test_impossible_markets_are_refused(tmp_path: Path, sessions: int, instruments: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        write_demo_prices(
            output=tmp_path / "demo.parquet",
            instruments=instruments,
            sessions=sessions,
            end=date(2026, 8, 21),
        )
