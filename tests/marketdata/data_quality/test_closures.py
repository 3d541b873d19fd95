"""A closure that the recorded bars contradict is named, and left as it is."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from pytest_django import Settings

from marketdata.data_quality.closures import contradicted_closures
from marketdata.models import CalendarOverride
from tests.marketdata.operations.test_closure_notices import DAYS, Row, copied, lines, silent, usual
from tests.marketdata.operations.tidy_files import import_file, write_tidy

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def reject_dir(tmp_path: Path, settings: Settings, data_dir: Path) -> None:
    settings.REJECT_DIR = tmp_path / "rejects"


@pytest.mark.parametrize(("source", "who"), [("", "an operator"), ("kis", "source kis")])
def test_traded_bars_on_a_closed_day_are_named(tmp_path: Path, source: str, who: str) -> None:
    import_file(write_tidy(tmp_path / "a.csv", lines(-1, usual, [0, 1, 2, 3, 4])))
    assert contradicted_closures("kr", 5).count == 0
    closed = date.fromisoformat(DAYS[2])
    CalendarOverride.objects.create(market="kr", date=closed, is_open=False, source=source)
    finding = contradicted_closures("kr", 5)
    assert finding.cases == ({"session": DAYS[2], "evidence": "12 instruments traded", "closed by": who},)
    assert CalendarOverride.objects.filter(date=closed, is_open=False).exists()


@pytest.mark.parametrize("odd", [silent, copied])
def test_a_closure_that_confirms_what_the_bars_say_is_none(tmp_path: Path, odd: Row) -> None:
    import_file(write_tidy(tmp_path / "a.csv", lines(2, odd, [0, 1, 2, 3, 4])))
    CalendarOverride.objects.create(market="kr", date=date.fromisoformat(DAYS[2]), is_open=False)
    assert contradicted_closures("kr", 5).count == 0


def test_few_instruments_prove_nothing(tmp_path: Path) -> None:
    rows = lines(-1, usual, [0, 1, 2, 3, 4])
    few = [row for n, row in enumerate(rows) if not row.startswith(DAYS[2]) or n % 12 < 9]
    import_file(write_tidy(tmp_path / "a.csv", few))
    CalendarOverride.objects.create(market="kr", date=date.fromisoformat(DAYS[2]), is_open=False)
    assert contradicted_closures("kr", 5).count == 0
